"""A data packet of a sensor node as the sink received it."""

from schemas.types import Domain, Field, Scalar, Schema, origin

SENSOR_PACKET = Schema(
    name="sensor_packet",
    domain=Domain.NETWORK,
    says="One data packet of one node that reached the sink of a sensor network.",
    locality="network",
    identity=("node", "sequence"),
    remembered_s=2 * 86_400.0,
    fields=(
        Field("time", Scalar.TIME, "when the sink received it"),
        Field("network", Scalar.STRING, "sensor network: the PAN or DODAG of one border router", example="pan-17"),
        Field("node", Scalar.STRING, "node that sent it", example="n42"),
        Field(
            "sequence",
            Scalar.LONG,
            "sequence number of the node's data packets, of whatever width; one that goes back is a wrap or a restart",
            low=0,
            high=2**32 - 1,
            example=1017,
        ),
        Field(
            "parent",
            Scalar.STRING,
            "the node's preferred parent at that time, as the border router knows its routes (RFC 6550 section 9.7)",
            nullable=True,
            example="n7",
        ),
        *origin(),
    ),
)
