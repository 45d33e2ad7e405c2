"""Traffic of one source to one multicast group, from flow export (IPFIX, NetFlow) or a probe."""

from schemas.types import Domain, Field, Scalar, Schema, origin

MULTICAST_FLOW = Schema(
    name="multicast_flow",
    domain=Domain.NETWORK,
    says="What one source sent to one multicast group in one interval.",
    locality="headend",
    identity=("group", "source"),
    remembered_s=2 * 86_400.0,
    fields=(
        Field("time", Scalar.TIME, "end of the interval"),
        Field("headend", Scalar.STRING, "head-end that the group belongs to", example="headend-1"),
        Field("group", Scalar.STRING, "group address", example="239.1.1.5"),
        Field("source", Scalar.STRING, "IP address of the sender", example="10.9.0.1"),
        Field("interval_s", Scalar.DOUBLE, "length of the interval", unit="s", low=0.001, high=86_400, example=10),
        Field("packets", Scalar.LONG, "packets in the interval", low=0, high=2**53, example=3800),
        Field(
            "bytes", Scalar.LONG, "bytes in the interval", unit="B", nullable=True, low=0, high=2**53, example=5_000_800
        ),
        *origin(),
    ),
)
