"""A conversation between two hosts, or an attempt at one: what a tap sees of TCP, or a flow log tells."""

from schemas.types import Domain, Field, Scalar, Schema, origin

FLOW = Schema(
    name="flow",
    domain=Domain.SUBSTATION,
    says="One TCP or UDP conversation, or an attempt at one.",
    locality="site",
    identity=("source", "source_port", "destination", "destination_port", "state", "frames"),
    fields=(
        Field("time", Scalar.TIME, "when it began; of a reset or an inconsistent segment, when that was seen"),
        Field("site", Scalar.STRING, "substation the tap or flow exporter stands in"),
        Field("source", Scalar.STRING, "address of the host that opened it, or tried to"),
        Field("source_port", Scalar.INT, "port of that host", nullable=True, low=0, high=65535),
        Field("destination", Scalar.STRING, "address of the host it is with"),
        Field("destination_port", Scalar.INT, "port there", low=0, high=65535),
        Field("protocol", Scalar.STRING, "transport protocol", one_of=("tcp", "udp")),
        Field(
            "state",
            Scalar.STRING,
            "attempted: no answer; rejected: refused at once; established: answered; reset: torn down by a reset; "
            "inconsistent: a segment was sent again with other content",
            one_of=("attempted", "rejected", "established", "reset", "inconsistent"),
        ),
        Field("source_mac", Scalar.STRING, "MAC address the first frame came from", nullable=True),
        Field("bytes_out", Scalar.LONG, "payload from source to destination", unit="byte", nullable=True, low=0),
        Field("bytes_in", Scalar.LONG, "payload from destination to source", unit="byte", nullable=True, low=0),
        Field("duration_s", Scalar.DOUBLE, "from the first packet to the last", unit="s", nullable=True, low=0),
        *origin(),
    ),
)
