"""An event of a meter's log, decoded by the profile it was written under (codes conflict between profiles)."""

from schemas.types import Domain, Field, Scalar, Schema, origin

METER_EVENT = Schema(
    name="meter_event",
    domain=Domain.METER,
    says="One entry of a meter's event log (DLMS/COSEM profile generic 0.0.99.98.x), with its meaning.",
    locality="transformer",
    identity=("meter", "profile", "code"),
    remembered_s=40 * 86_400.0,
    fields=(
        Field("time", Scalar.TIME, "time of the event by the meter's clock"),
        Field("meter", Scalar.STRING, "meter identifier"),
        Field("transformer", Scalar.STRING, "distribution transformer that feeds the meter"),
        Field(
            "profile", Scalar.STRING, "event code profile that gives the code its meaning, e.g. dlms", example="dlms"
        ),
        Field("code", Scalar.INT, "event code in that profile", low=0, high=65_535, example=44),
        Field(
            "meaning", Scalar.STRING, "meaning of the code in the words of `ingest.meter_events`, e.g. cover_removed"
        ),
        *origin(),
    ),
)
