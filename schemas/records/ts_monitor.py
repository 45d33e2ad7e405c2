"""What a probe says of one elementary stream of an MPEG transport stream (ISO/IEC 13818-1; ETSI TR 101 290)."""

from schemas.types import Domain, Field, Scalar, Schema, origin

TS_MONITOR = Schema(
    name="ts_monitor",
    domain=Domain.NETWORK,
    says="The state of one PID of the transport stream in one multicast group in one interval.",
    locality="headend",
    identity=("group", "pid"),
    remembered_s=2 * 86_400.0,
    fields=(
        Field("time", Scalar.TIME, "end of the interval"),
        Field("headend", Scalar.STRING, "head-end that the group belongs to", example="headend-1"),
        Field("group", Scalar.STRING, "group address", example="239.1.1.5"),
        Field("pid", Scalar.INT, "packet identifier", low=0, high=8191, example=257),
        Field("interval_s", Scalar.DOUBLE, "length of the interval", unit="s", low=0.001, high=86_400, example=10),
        Field("continuity_errors", Scalar.LONG, "continuity count errors", nullable=True, low=0, high=2**53, example=0),
        Field(
            "pat_version", Scalar.INT, "version of the programme association", nullable=True, low=0, high=31, example=4
        ),
        Field("pmt_version", Scalar.INT, "version of the programme map", nullable=True, low=0, high=31, example=11),
        Field(
            "scrambling",
            Scalar.INT,
            "transport_scrambling_control of most packets: 0 is clear, 2 and 3 are the even and the odd key",
            nullable=True,
            low=0,
            high=3,
            example=2,
        ),
        *origin(),
    ),
)
