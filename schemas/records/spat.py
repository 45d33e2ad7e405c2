"""Signal phase and timing as a roadside unit broadcasts it (SAE J2735 SPAT; ETSI TS 103 301 SPATEM)."""

from schemas.types import Domain, Field, Scalar, Schema, origin

SPAT = Schema(
    name="spat",
    domain=Domain.VEHICLE,
    says="The state of one signal group in one broadcast message as one receiver heard it.",
    locality="intersection",
    identity=("receiver", "signal_group"),
    remembered_s=3600.0,
    fields=(
        Field("time", Scalar.TIME, "when the receiver heard it"),
        Field("intersection", Scalar.STRING, "intersection id, behind its region's where there is one"),
        Field("receiver", Scalar.STRING, "roadside unit or vehicle that heard it"),
        Field("station", Scalar.STRING, "station id of the sender", nullable=True),
        Field("certificate", Scalar.STRING, "digest of the signing certificate, hexadecimal", nullable=True),
        Field("generation_time", Scalar.TIME, "the moment that the message gives for its states", nullable=True),
        Field("revision", Scalar.INT, "revision of the MAP that it belongs to", nullable=True, low=0, high=127),
        Field("signal_group", Scalar.INT, "signal group", low=0, high=255),
        Field(
            "state",
            Scalar.STRING,
            "MovementPhaseState of SAE J2735",
            one_of=(
                "unavailable",
                "dark",
                "stop_then_proceed",
                "stop_and_remain",
                "pre_movement",
                "permissive_movement_allowed",
                "protected_movement_allowed",
                "permissive_clearance",
                "protected_clearance",
                "caution_conflicting_traffic",
            ),
        ),
        Field(
            "min_end_mark",
            Scalar.INT,
            "TimeMark before which the state does not end: tenths of a second in this or the next hour (UTC); 36001 unknown",
            unit="0.1 s",
            nullable=True,
            low=0,
            high=65_535,
        ),
        Field("signature", Scalar.STRING, "verdict", one_of=("valid", "invalid", "absent", "unchecked")),
        *origin(),
    ),
)
