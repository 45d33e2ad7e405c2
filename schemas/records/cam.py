"""A cooperative awareness message or basic safety message (ETSI EN 302 637-2; SAE J2735 BSM)."""

from schemas.types import Domain, Field, Scalar, Schema, origin

CAM = Schema(
    name="cam",
    domain=Domain.VEHICLE,
    says="One awareness message of one station as one receiver heard it.",
    locality="receiver",
    identity=("station", "message_count"),
    remembered_s=300.0,  # pseudonyms change; F2MD keeps a neighbour far shorter
    fields=(
        Field("time", Scalar.TIME, "generation time of the message"),
        Field("receiver", Scalar.STRING, "roadside unit or vehicle that heard it"),
        Field("station", Scalar.STRING, "station id or temporary id (pseudonym) of the sender"),
        Field("received", Scalar.TIME, "when the receiver heard it", nullable=True),
        Field(
            "station_type",
            Scalar.INT,
            "ETSI TS 102 894-2 StationType, 5 passenger car, 15 roadside unit",
            nullable=True,
        ),
        Field("message_count", Scalar.INT, "message count modulo 128 (BSM msgCnt)", nullable=True),
        Field("latitude", Scalar.DOUBLE, "WGS 84 latitude", unit="deg"),
        Field("longitude", Scalar.DOUBLE, "WGS 84 longitude", unit="deg"),
        Field(
            "position_confidence_m", Scalar.DOUBLE, "radius that holds the position with 95 %", unit="m", nullable=True
        ),
        Field("speed_ms", Scalar.DOUBLE, "speed over ground", unit="m/s", nullable=True),
        Field("heading_deg", Scalar.DOUBLE, "heading from north, clockwise", unit="deg", nullable=True),
        Field("acceleration_ms2", Scalar.DOUBLE, "longitudinal acceleration", unit="m/s2", nullable=True),
        Field("backward", Scalar.BOOL, "drive direction: True is backward", nullable=True),
        Field("length_m", Scalar.DOUBLE, "vehicle length", unit="m", nullable=True),
        Field("width_m", Scalar.DOUBLE, "vehicle width", unit="m", nullable=True),
        Field("signature", Scalar.STRING, "signature status: valid, invalid, absent or unchecked"),
        *origin(),
    ),
)
