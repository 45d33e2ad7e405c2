"""A decentralised environmental notification message (ETSI EN 302 637-3): a warning of an event on the road."""

from schemas.types import Domain, Field, Scalar, Schema, origin

DENM = Schema(
    name="denm",
    domain=Domain.VEHICLE,
    says="One warning as one receiver heard it, a repetition too.",
    locality="receiver",
    identity=("station", "originator", "sequence_number"),
    remembered_s=7200.0,  # warnings are repeated while they hold; whoever makes them up may name any
    fields=(
        Field("time", Scalar.TIME, "when the receiver heard it"),
        Field("receiver", Scalar.STRING, "roadside unit or vehicle that heard it"),
        Field("station", Scalar.STRING, "station id of the sender (header)"),
        Field("originator", Scalar.STRING, "station id that created the event (actionID)"),
        Field("sequence_number", Scalar.INT, "number of the event there (actionID)", low=0, high=65_535),
        Field("generation_time", Scalar.TIME, "generation time of the security header", nullable=True),
        Field("certificate", Scalar.STRING, "digest of the signing certificate, hexadecimal", nullable=True),
        Field("station_type", Scalar.INT, "ETSI TS 102 894-2 StationType, e.g. 5, 15", nullable=True, low=0, high=255),
        Field("detection_time", Scalar.TIME, "when the event, or its change, was detected"),
        Field("reference_time", Scalar.TIME, "when this state of the warning was made; repetitions keep it"),
        Field(
            "termination",
            Scalar.STRING,
            "end of the warning: by its originator, or by somebody else",
            nullable=True,
            one_of=("cancellation", "negation"),
        ),
        Field("event_latitude", Scalar.DOUBLE, "where the event is, WGS 84", "deg", True, -90, 90),
        Field("event_longitude", Scalar.DOUBLE, "where the event is, WGS 84", "deg", True, -180, 180),
        Field(
            "cause_code",
            Scalar.INT,
            "ETSI TS 102 894-2 CauseCode, e.g. 3 roadworks, 94",
            nullable=True,
            low=0,
            high=255,
        ),
        Field("sub_cause_code", Scalar.INT, "its SubCauseCode", nullable=True, low=0, high=255),
        Field("information_quality", Scalar.INT, "0 unavailable, 1 lowest to 7 highest", nullable=True, low=0, high=7),
        Field("event_speed_ms", Scalar.DOUBLE, "speed of the event", "m/s", True, 0, 200),
        Field("event_heading_deg", Scalar.DOUBLE, "direction of the event from north, clockwise", "deg", True, 0, 360),
        Field("road_type", Scalar.INT, "RoadType: 0 and 1 urban, 2 and 3 not", nullable=True, low=0, high=255),
        Field("relevance_m", Scalar.DOUBLE, "distance within which it matters", "m", True, 0, 100_000),
        Field("validity_s", Scalar.DOUBLE, "how long it holds", "s", True, 0, 86_400),
        Field("interval_s", Scalar.DOUBLE, "declared time between repetitions", "s", True, 0, 3600),
        Field("signature", Scalar.STRING, "verdict", one_of=("valid", "invalid", "absent", "unchecked")),
        *origin(),
    ),
)
