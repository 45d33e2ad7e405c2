"""The state of a link of the meters' field network, as its concentrator or network management reports it."""

from schemas.types import Domain, Field, Scalar, Schema, origin

CONCENTRATOR_LINK = Schema(
    name="concentrator_link",
    domain=Domain.METER,
    says="One report of the link between a concentrator and one of its nodes.",
    locality="concentrator",
    identity=("node",),
    fields=(
        Field("time", Scalar.TIME, "end of the reporting interval"),
        Field("concentrator", Scalar.STRING, "concentrator or border router"),
        Field("node", Scalar.STRING, "meter or relay at the other end"),
        Field(
            "noise_dbm",
            Scalar.DOUBLE,
            "noise floor where it is measured",
            unit="dBm",
            nullable=True,
            low=-200,
            high=100,
        ),
        Field("rssi_dbm", Scalar.DOUBLE, "received signal strength", unit="dBm", nullable=True, low=-200, high=100),
        Field(
            "frames_sent", Scalar.INT, "frames of the interval, repetitions included", nullable=True, low=0, high=10**9
        ),
        Field("frames_lost", Scalar.INT, "those of them without an acknowledgement", nullable=True, low=0, high=10**9),
        Field("reachable", Scalar.BOOL, "whether the node answered within the interval"),
        *origin(),
    ),
)
