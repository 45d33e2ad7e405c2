"""A polled process value with its quality."""

from schemas.types import Domain, Field, Scalar, Schema, origin

POINT = Schema(
    name="point",
    domain=Domain.SUBSTATION,
    says="One value of one point of one device, at the time it was polled.",
    locality="site",
    identity=("device", "point"),
    fields=(
        Field("time", Scalar.TIME, "when the answer came, or when the poll gave up"),
        Field("site", Scalar.STRING, "substation of the device"),
        Field("device", Scalar.STRING, "device name in the point map"),
        Field("point", Scalar.STRING, "point name in the point map"),
        Field("value", Scalar.DOUBLE, "engineering value; null where the quality is not good", nullable=True),
        Field("unit", Scalar.STRING, "unit of the value", nullable=True),
        Field("quality", Scalar.STRING, "good, timeout, exception or disconnected"),
        *origin(),
    ),
)
