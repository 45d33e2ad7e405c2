"""Which writers' schemas are known: those of this version, and those announced on the `schemas` topic."""

from collections.abc import Mapping, Sequence

from confluent_kafka import Consumer, KafkaException, TopicPartition

from ingest.publisher import Broker
from schemas.errors import RunFault
from schemas.project.avro import avro_json
from schemas.topics import SCHEMAS
from schemas.types import MAX_MESSAGE, Schema
from schemas.wire import compatible_reader, fingerprint, fingerprint_of

#: Announcements that are taken from strangers at most: each one makes the decode step larger.
MAX_WRITERS = 64


class Writers:
    """Writers' schemas by fingerprint, kept up to date from the topic.

    Args:
        broker: the cluster.
        schemas: the record types that this reader understands.
    """

    def __init__(self, broker: Broker, schemas: Sequence[Schema]) -> None:
        self._schemas = tuple(schemas)
        self._own = {fingerprint(s) for s in schemas}
        self.known: dict[bytes, tuple[Schema, str]] = {fingerprint(s): (s, avro_json(s)) for s in schemas}
        self.refused: dict[bytes, str] = {}
        self._broker = broker
        self._next = 0
        self._consumer = Consumer(
            {
                "bootstrap.servers": broker.bootstrap,
                "group.id": "gridwatch-schemas",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "log_level": 0,
                **broker.security,
            }
        )
        self._consumer.assign([TopicPartition(SCHEMAS, 0, 0)])

    def refresh(self) -> Mapping[bytes, tuple[Schema, str]]:
        """Read the announcements that came since the last call; gives all that is known.

        Raises:
            RunFault: the broker does not answer.
        """
        try:
            _, high = self._consumer.get_watermark_offsets(TopicPartition(SCHEMAS, 0), timeout=self._broker.timeout_s)
            while self._next < high:
                message = self._consumer.poll(self._broker.timeout_s)
                if message is None:
                    raise RunFault(
                        f"the announcements on topic {SCHEMAS} cannot be read",
                        self._broker.bootstrap,
                        "look at the broker's state",
                    )
                failed = message.error()
                if failed is not None:
                    raise KafkaException(failed)
                self._next = int(message.offset() or 0) + 1
                self._learn(message.value())
                if self._next < high and self._compacted(high):
                    break
        except KafkaException as wrong:
            raise RunFault(
                f"the announcements on topic {SCHEMAS} cannot be read: {wrong}",
                self._broker.bootstrap,
                "create the topics (gridwatch up) and look at the access rights",
            ) from wrong
        return self.known

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def _compacted(self, high: int) -> bool:
        """True where the rest up to `high` was compacted away: the consumer stands at its end."""
        position = self._consumer.position([TopicPartition(SCHEMAS, 0)])[0].offset
        return int(position) >= high

    def _learn(self, value: bytes | None) -> None:
        if not value or len(value) > MAX_MESSAGE:
            return
        try:
            text = value.decode()
            mark = fingerprint_of(text)
            if mark in self.known or len(self.known) - len(self._own) >= MAX_WRITERS:
                return
            reader = compatible_reader(text, self._schemas)
        except Exception as wrong:  # noqa: BLE001 - foreign text: whatever is wrong with it, its records stay refused
            self.refused[value[:64]] = f"{type(wrong).__name__}: {wrong}"
            return
        if reader is not None:
            self.known[mark] = reader, text
