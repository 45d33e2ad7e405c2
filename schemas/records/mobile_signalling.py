"""A signalling procedure of a mobile subscriber, from an operator's core network or a platform for M2M SIM cards."""

from schemas.types import Domain, Field, Scalar, Schema, origin

MOBILE_SIGNALLING = Schema(
    name="mobile_signalling",
    domain=Domain.NETWORK,
    says="One procedure between one subscriber's device and the mobile core (3GPP TS 24.301).",
    locality="platform",
    identity=("imsi", "procedure"),
    remembered_s=90 * 86_400.0,
    fields=(
        Field("time", Scalar.TIME, "when it was carried out"),
        Field(
            "platform",
            Scalar.STRING,
            "operator's core or SIM platform, or a fixed part of its subscribers; all records of one IMSI are in one",
            example="operator-1",
        ),
        Field("imsi", Scalar.STRING, "subscriber identity of the SIM, 6 to 15 digits", example="901700000000042"),
        Field(
            "imei", Scalar.STRING, "identity of the device, 14 to 16 digits", nullable=True, example="353490069873368"
        ),
        Field(
            "procedure",
            Scalar.STRING,
            "what was carried out; tracking_area_update is any kind of location update, session that of a data session",
            one_of=(
                *("attach", "detach", "service_request", "tracking_area_update", "handover"),
                *("authentication", "session_start", "session_end"),
            ),
        ),
        Field(
            "cause",
            Scalar.INT,
            "EMM or ESM cause of a rejection (3GPP TS 24.301 section 9.9.3.9); absent or 0 where it was accepted",
            nullable=True,
            low=0,
            high=255,
            example=0,
        ),
        Field("cell", Scalar.STRING, "cell identity, e.g. ECGI", nullable=True, example="262-01-0012A4-03"),
        Field(
            "latitude",
            Scalar.DOUBLE,
            "WGS 84 latitude of the cell",
            unit="deg",
            nullable=True,
            low=-90,
            high=90,
            example=48.137,
        ),
        Field(
            "longitude",
            Scalar.DOUBLE,
            "WGS 84 longitude of the cell",
            unit="deg",
            nullable=True,
            low=-180,
            high=180,
            example=11.575,
        ),
        Field("apn", Scalar.STRING, "access point name", nullable=True, example="meters.utility"),
        Field(
            "fixed",
            Scalar.BOOL,
            "True where the SIM belongs to an asset that stays at its place with its modem, e.g. a meter",
            nullable=True,
            example=True,
        ),
        *origin(),
    ),
)
