"""Diagnostics of the satellite navigation receiver of a roadside unit or vehicle."""

from schemas.types import Domain, Field, Scalar, Schema, origin

GNSS = Schema(
    name="gnss",
    domain=Domain.VEHICLE,
    says="What one satellite navigation receiver measured, and how well.",
    locality="receiver",
    identity=("fix",),
    remembered_s=86_400.0,
    fields=(
        Field("time", Scalar.TIME, "time of the measurement by the station's own clock"),
        Field("receiver", Scalar.STRING, "roadside unit or vehicle whose navigation it is"),
        Field(
            "fix", Scalar.STRING, "kind of fix", one_of=("none", "time", "2d", "3d", "differential", "dead_reckoning")
        ),
        Field("latitude", Scalar.DOUBLE, "WGS 84 latitude", "deg", True, -90, 90),
        Field("longitude", Scalar.DOUBLE, "WGS 84 longitude", "deg", True, -180, 180),
        Field("speed_ms", Scalar.DOUBLE, "speed over ground by satellites", "m/s", True, 0, 200),
        Field("wheel_speed_ms", Scalar.DOUBLE, "speed that the wheels measure at that time", "m/s", True, 0, 200),
        Field("cn0_mean_dbhz", Scalar.DOUBLE, "mean carrier to noise density of the satellites", "dB-Hz", True, 0, 70),
        Field("cn0_std_db", Scalar.DOUBLE, "standard deviation of it over the satellites", "dB-Hz", True, 0, 70),
        Field("agc_percent", Scalar.DOUBLE, "gain of the input amplifier, of its range", "%", True, 0, 100),
        Field("satellites", Scalar.INT, "satellites used", nullable=True, low=0, high=255),
        Field("clock_bias_s", Scalar.DOUBLE, "offset of the receiver's clock from satellite time", "s", True, -1, 1),
        *origin(),
    ),
)
