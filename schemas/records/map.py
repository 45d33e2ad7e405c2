"""The lanes of an intersection as a roadside unit broadcasts them (SAE J2735 MAP; ETSI TS 103 301 MAPEM)."""

from schemas.types import Domain, Field, Scalar, Schema, origin

MAP = Schema(
    name="map",
    domain=Domain.VEHICLE,
    says="One broadcast map of one intersection as one receiver heard it.",
    locality="intersection",
    identity=("receiver", "lane_hash"),
    remembered_s=14 * 86_400.0,
    fields=(
        Field("time", Scalar.TIME, "when the receiver heard it"),
        Field("intersection", Scalar.STRING, "intersection id, behind its region's where there is one"),
        Field("receiver", Scalar.STRING, "roadside unit or vehicle that heard it"),
        Field("station", Scalar.STRING, "station id of the sender", nullable=True),
        Field("certificate", Scalar.STRING, "digest of the signing certificate, hexadecimal", nullable=True),
        Field("revision", Scalar.INT, "revision of the intersection's geometry, modulo 128", low=0, high=127),
        Field("lane_hash", Scalar.STRING, "digest of lanes and connections, hexadecimal"),
        Field("lanes", Scalar.INT, "number of lanes", nullable=True, low=0, high=255),
        Field("signature", Scalar.STRING, "verdict", one_of=("valid", "invalid", "absent", "unchecked")),
        *origin(),
    ),
)
