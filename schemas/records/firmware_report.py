"""What firmware a meter or concentrator runs or takes in, as a head-end's device management reports it."""

from schemas.types import Domain, Field, Scalar, Schema, origin

FIRMWARE_REPORT = Schema(
    name="firmware_report",
    domain=Domain.METER,
    says="One report of one device: the version that it runs, or a step of an image transfer (DLMS/COSEM class 18).",
    locality="headend",
    identity=("device", "version", "image_status"),
    remembered_s=100 * 86_400.0,
    fields=(
        Field("time", Scalar.TIME, "when the head-end learned it"),
        Field("headend", Scalar.STRING, "head-end that reports it"),
        Field("device", Scalar.STRING, "meter or concentrator"),
        Field("model", Scalar.STRING, "maker's type of the device", nullable=True),
        Field("version", Scalar.STRING, "version that runs, or that the image brings"),
        Field(
            "image_status",
            Scalar.INT,
            "ImageTransferStatus: 0 none, 1 initiated, 2 and 3 verification initiated and successful, 4 failed, "
            "5 and 6 activation initiated and successful, 7 failed",
            low=0,
            high=7,
        ),
        Field("image_hash", Scalar.STRING, "hash of the image, hexadecimal", nullable=True),
        Field("campaign", Scalar.STRING, "roll-out that the transfer belongs to", nullable=True),
        *origin(),
    ),
)
