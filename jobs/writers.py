"""Which writers' schemas are known: those of this version, and those announced on the `schemas` topic."""

from collections.abc import Collection, Mapping, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from ingest.publisher import Broker
from jobs.watermarks import ends, watermarks
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
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 50,
                "log_level": 0,
                **broker.security,
            }
        )

    def refresh(self) -> Mapping[bytes, tuple[Schema, str]]:
        """Read the announcements that came since the last call; gives all that is known.

        Raises:
            RunFault: the broker does not answer.
        """
        try:
            _, high = watermarks(self._consumer, SCHEMAS, 0, self._broker.timeout_s)
            if self._next < high:
                self._read(high)
        except KafkaException as wrong:
            raise RunFault(
                f"the announcements on topic {SCHEMAS} cannot be read: {wrong}",
                self._broker.bootstrap,
                "create the topics (gridwatch up) and look at the access rights",
            ) from wrong
        return self.known

    def _read(self, high: int) -> None:
        # Only while there is something to read: the broker answers no other question behind a fetch that waits for records,
        # and this is asked before every batch.
        self._consumer.assign([TopicPartition(SCHEMAS, 0, self._next)])
        try:
            while self._next < high:
                message = self._consumer.poll(self._broker.timeout_s)
                if message is None:
                    raise RunFault(
                        f"the announcements on topic {SCHEMAS} cannot be read",
                        self._broker.bootstrap,
                        "look at the broker's state",
                    )
                failed = message.error()
                if failed is not None and failed.code() == KafkaError._PARTITION_EOF:
                    # Told once at every end; at this end, what lay before it was compacted away.
                    if int(message.offset() or 0) >= high:
                        self._next = high
                    continue
                if failed is not None:
                    raise KafkaException(failed)
                self._next = int(message.offset() or 0) + 1
                self._learn(message.value())
        finally:
            self._consumer.unassign()

    def ends(self, topic: str) -> dict[int, int]:
        """The next offset of each partition of a topic.

        Raises:
            RunFault: the broker does not answer, or there is no such topic.
        """
        try:
            return ends(self._consumer, topic, self._broker.timeout_s)
        except KafkaException as wrong:
            raise RunFault(
                f"topic {topic} cannot be read: {wrong}", self._broker.bootstrap, "create the topics (gridwatch up)"
            ) from wrong

    @property
    def announced(self) -> frozenset[str]:
        """Fingerprints (hex) of the writers learnt from announcements."""
        return frozenset(mark.hex() for mark in self.known if mark not in self._own)

    def restricted(self, announced: Collection[str]) -> Mapping[bytes, tuple[Schema, str]]:
        """The known writers without those announcements that are not among these.

        Raises:
            RunFault: one of them was never announced.
        """
        if missing := sorted(set(announced) - {mark.hex() for mark in self.known}):
            raise RunFault(
                f"the schema with fingerprint {missing[0]}, which an earlier batch knew, is no longer announced",
                f"topic {SCHEMAS}",
                "start a publisher of that version: it announces its schemas",
            )
        return {mark: w for mark, w in self.known.items() if mark in self._own or mark.hex() in announced}

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

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
            if len(self.refused) < MAX_WRITERS:
                self.refused[value[:64]] = f"{type(wrong).__name__}: {wrong}"
            return
        if reader is not None:
            self.known[mark] = reader, text
