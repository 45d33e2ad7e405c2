"""What could not be decoded or breaks its schema, with the reason: nothing is dropped in silence."""

from schemas.types import Domain, Field, Scalar, Schema

#: Bytes of the offending record that a dead letter keeps.
KEPT_BYTES = 1024

DEADLETTER = Schema(
    name="deadletter",
    domain=Domain.SYSTEM,
    says="One record that was refused.",
    locality="stage",
    identity=("topic", "partition", "offset", "capture", "frame"),
    fields=(
        Field("time", Scalar.TIME, "broker's time of the record, or time in the capture"),
        Field("stage", Scalar.STRING, "who refused it: ingest source or detection domain"),
        Field("reason", Scalar.STRING, "why, one of the reasons of the refusing stage"),
        Field("detail", Scalar.STRING, "what exactly, one line", nullable=True),
        Field("topic", Scalar.STRING, "topic of the record", nullable=True),
        Field("partition", Scalar.INT, "partition of the record", nullable=True),
        Field("offset", Scalar.LONG, "offset of the record", nullable=True),
        Field("capture", Scalar.STRING, "file the record was read from", nullable=True),
        Field("frame", Scalar.LONG, "frame or line number in that file, counted from 1", nullable=True),
        Field("length", Scalar.LONG, "length of the whole record", unit="bytes"),
        Field("content", Scalar.BYTES, "the first bytes of the record, at most 1,024"),
    ),
)
