"""A measured value of a sensor node, from the sensor platform."""

from schemas.types import Domain, Field, Scalar, Schema, origin

SENSOR_READING = Schema(
    name="sensor_reading",
    domain=Domain.NETWORK,
    says="One value that one node of a sensor network measured.",
    locality="network",
    identity=("node", "quantity"),
    remembered_s=2 * 86_400.0,
    fields=(
        Field("time", Scalar.TIME, "when it was measured"),
        Field("network", Scalar.STRING, "sensor network whose nodes measure one field", example="pan-17"),
        Field("node", Scalar.STRING, "node that measured", example="n42"),
        Field(
            "quantity",
            Scalar.STRING,
            "what is measured, e.g. air_temperature; nodes are compared with those of the same quantity",
            example="air_temperature",
        ),
        Field(
            "value",
            Scalar.DOUBLE,
            "the value, in one unit for all nodes of a quantity",
            unit="that of the quantity",
            example=21.4,
        ),
        Field("battery_v", Scalar.DOUBLE, "battery voltage", unit="V", nullable=True, low=0, high=1000, example=3.01),
        *origin(),
    ),
)
