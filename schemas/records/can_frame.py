"""A frame on a CAN bus (ISO 11898-1)."""

from schemas.types import Domain, Field, Scalar, Schema, origin

CAN_FRAME = Schema(
    name="can_frame",
    domain=Domain.VEHICLE,
    says="One CAN or CAN FD frame.",
    locality="vehicle",
    identity=("channel", "can_id", "data", "frames"),
    remembered_s=86_400.0,
    fields=(
        Field("time", Scalar.TIME, "when the frame was seen"),
        Field("vehicle", Scalar.STRING, "vehicle the bus belongs to"),
        Field("channel", Scalar.STRING, "bus, e.g. can0"),
        Field("can_id", Scalar.LONG, "identifier, 11 or 29 bits"),
        Field("extended", Scalar.BOOL, "True for a 29-bit identifier"),
        Field("remote", Scalar.BOOL, "remote transmission request"),
        Field("error", Scalar.BOOL, "error frame"),
        Field("dlc", Scalar.INT, "length of the data", unit="bytes"),
        Field("data", Scalar.BYTES, "data, at most 64 bytes"),
        *origin(),
    ),
)
