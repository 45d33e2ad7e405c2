"""Counters of a receiver's radio: how busy the channel is and what of it was understood."""

from schemas.types import Domain, Field, Scalar, Schema, origin

RSU_RADIO = Schema(
    name="rsu_radio",
    domain=Domain.VEHICLE,
    says="The radio of one receiver over one interval.",
    locality="receiver",
    identity=("channel",),
    fields=(
        Field("time", Scalar.TIME, "end of the interval"),
        Field("receiver", Scalar.STRING, "roadside unit or vehicle"),
        Field("channel", Scalar.INT, "channel number, e.g. 180 (ITS-G5) or 183", nullable=True, low=0, high=65_535),
        Field("interval_s", Scalar.DOUBLE, "length of the interval", unit="s", low=0.01, high=3600),
        Field("busy_ratio", Scalar.DOUBLE, "channel busy ratio (ETSI TS 102 687)", low=0, high=1),
        Field("noise_dbm", Scalar.DOUBLE, "noise floor", "dBm", True, -150, 30),
        Field("received", Scalar.LONG, "frames received without an error", low=0, high=10_000_000),
        Field("crc_errors", Scalar.LONG, "frames with a wrong check sum", nullable=True, low=0, high=10_000_000),
        Field("stations", Scalar.INT, "stations heard", nullable=True, low=0, high=100_000),
        *origin(),
    ),
)
