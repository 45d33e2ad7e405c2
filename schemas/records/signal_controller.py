"""What a traffic signal controller itself shows, from its own feed, beside what is broadcast of it."""

from schemas.types import Domain, Field, Scalar, Schema, origin

SIGNAL_CONTROLLER = Schema(
    name="signal_controller",
    domain=Domain.VEHICLE,
    says="The lamps of one signal group, at each change or now and then.",
    locality="intersection",
    identity=("signal_group",),
    remembered_s=3600.0,
    fields=(
        Field("time", Scalar.TIME, "since when, or at what time, the lamps show it"),
        Field("intersection", Scalar.STRING, "intersection id as the broadcast messages name it"),
        Field("signal_group", Scalar.INT, "signal group", low=0, high=255),
        Field(
            "lamp",
            Scalar.STRING,
            "what the lamps show",
            one_of=("red", "red_amber", "green", "amber", "flashing", "dark"),
        ),
        Field("programme", Scalar.INT, "signal programme that runs", nullable=True, low=0, high=255),
        *origin(),
    ),
)
