"""The publisher interface, what the Kafka implementations share, and the loop from a source to a publisher."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Protocol

from ingest.source import Item, Record, Refused, deadletter
from schemas.errors import RunFault
from schemas.project.avro import avro_json
from schemas.records.deadletter import DEADLETTER
from schemas.topics import DEADLETTER as DEADLETTER_TOPIC
from schemas.topics import SCHEMAS, topic_of
from schemas.types import MAX_MESSAGE, Schema
from schemas.wire import encode, fingerprint

#: Reason of a record whose values do not fit its schema: a source's mistake or hostile input.
BREAKS_SCHEMA: Final = "breaks schema"


@dataclass
class Counts:
    """What happened to the items of a source.

    `delivered` counts records and dead letters that the broker acknowledged, so after a flush
    `read == published + refused.total() == delivered`.
    """

    read: int = 0
    published: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    delivered: int = 0
    failed: int = 0

    def line(self, stage: str) -> str:
        """The counter line that ends a run."""
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(self.refused.items()))
        refused = f"{self.refused.total()} ({reasons})" if reasons else "0"
        failed = f", failed {self.failed}" if self.failed else ""
        delivered = f"delivered {self.delivered}{failed}"
        return f"{stage}: read {self.read}, published {self.published}, refused {refused}, {delivered}"


class Pace(Enum):
    """What a producer trades for what."""

    LIVE = "live"  # a record waits at most a few milliseconds for company
    BULK = "bulk"  # large compressed batches


@dataclass(frozen=True)
class Broker:
    """A Kafka cluster and how to reach it.

    Args:
        bootstrap: comma-separated host:port.
        security: TLS and SASL options by librdkafka's names, e.g. `security.protocol`, `ssl.ca.location`,
            `sasl.mechanism`, `sasl.username`, `sasl.password`.
        timeout_s: a record not acknowledged within it counts as failed; also the wait for a first answer.
    """

    bootstrap: str
    security: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float = 60.0


class Publisher(Protocol):
    """Where records go."""

    @property
    def counts(self) -> Counts:
        """What was published, refused, delivered and failed until now; `read` stays 0."""

    def announce(self, schema: Schema) -> None:
        """Make a writer's schema known to all readers; `publish` does it for a schema it meets first.

        Raises:
            RunFault: the broker does not answer or a topic is missing.
        """

    def publish(self, schema: Schema, fields: Mapping[str, Any]) -> None:
        """Hand over one record; waits while the queue is full.

        Raises:
            ValueError: the fields do not fit the schema; nothing was sent.
            RunFault: an earlier record could not be delivered.
        """

    def refuse(self, refused: Refused, stage: str) -> None:
        """Hand over one dead letter.

        Raises:
            RunFault: an earlier record could not be delivered.
        """

    def flush(self) -> None:
        """Wait until all is acknowledged.

        Raises:
            RunFault: something could not be delivered.
        """


class KafkaPublisher(ABC):
    """What both Kafka clients share: topics, keys, encoding, announcements, counts and delivery errors.

    Args:
        broker: where to publish.
        clock: microseconds since 1970; dates dead letters whose input carries no time.
    """

    def __init__(self, broker: Broker, clock: Callable[[], int]) -> None:
        self._broker = broker
        self._clock = clock
        self._counts = Counts()
        self._announced: set[str] = set()
        self._topics: frozenset[str] | None = None
        self._first_error: str | None = None

    @property
    def counts(self) -> Counts:
        return self._counts

    def announce(self, schema: Schema) -> None:
        if schema.name in self._announced:
            return
        if self._topics is None:
            self._topics = self._list_topics()
        missing = sorted({topic_of(schema), DEADLETTER_TOPIC, SCHEMAS} - self._topics)
        if missing:
            raise RunFault(
                f"no topic {', '.join(missing)}",
                self._broker.bootstrap,
                "create the topics first: gridwatch up does it on the embedded broker, kafka-topics.sh on yours",
            )
        self._send(SCHEMAS, fingerprint(schema).hex().encode(), avro_json(schema).encode())
        self._drain()
        # An announcement is no record: it must not show up in the counts.
        if self._first_error is None:
            self._counts.delivered -= 1
        self._raise_on_error()
        self._announced.add(schema.name)

    def publish(self, schema: Schema, fields: Mapping[str, Any]) -> None:
        value = encode(schema, fields)
        if len(value) > MAX_MESSAGE:
            raise ValueError(f"{schema.name}: {len(value)} bytes encoded, the bound is {MAX_MESSAGE}")
        self._raise_on_error()
        if schema.name not in self._announced:
            self.announce(schema)
        self._send(topic_of(schema), str(fields[schema.locality]).encode(), value)
        self._counts.published += 1

    def refuse(self, refused: Refused, stage: str) -> None:
        self._raise_on_error()
        if DEADLETTER.name not in self._announced:
            self.announce(DEADLETTER)
        value = encode(DEADLETTER, deadletter(refused, stage, self._clock()))
        self._send(DEADLETTER_TOPIC, stage.encode(), value)
        self._counts.refused[refused.reason] += 1

    def flush(self) -> None:
        self._drain()
        self._raise_on_error()

    @abstractmethod
    def _send(self, topic: str, key: bytes, value: bytes) -> None:
        """Enqueue one message, waiting while the queue is full."""

    @abstractmethod
    def _drain(self) -> None:
        """Wait until every message is acknowledged or has failed."""

    @abstractmethod
    def _list_topics(self) -> frozenset[str]:
        """All topics of the cluster; RunFault where the broker does not answer."""

    def _delivered(self, error: object) -> None:
        """Count one acknowledgement or, with an error, one failure."""
        if error is None:
            self._counts.delivered += 1
        else:
            self._counts.failed += 1
            if self._first_error is None:
                self._first_error = str(error)

    def _raise_on_error(self) -> None:
        if self._first_error is not None:
            raise RunFault(
                f"{self._counts.failed} records were not delivered, the first with: {self._first_error}",
                self._broker.bootstrap,
                "look at the broker's state and the access rights, then publish again",
            )

    def _unreachable(self, error: object) -> RunFault:
        return RunFault(
            f"the broker does not answer: {error}",
            self._broker.bootstrap,
            "start it (gridwatch up) or correct the address and the TLS or SASL options",
        )


def run(source: Iterable[Item], publisher: Publisher, stage: str, say: Callable[[str], None] = print) -> Counts:
    """Publish all that a source yields, then say the counter line.

    An interrupt (Ctrl-C) ends a live source in order: what was read is still delivered.

    Args:
        source: read lazily; closed at the end where it can be.
        stage: name of the source in dead letters and in the counter line, e.g. "ingest tap".
        say: takes the counter line; it is said after a fault too.

    Raises:
        RunFault: the source or the broker failed.
    """
    read = 0
    try:
        try:
            for item in source:
                read += 1
                if isinstance(item, Record):
                    try:
                        publisher.publish(item.schema, item.fields)
                    except ValueError as wrong:
                        publisher.refuse(_broken(item, str(wrong)), stage)
                else:
                    publisher.refuse(item, stage)
        except KeyboardInterrupt:
            pass
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()
        publisher.flush()
    finally:
        counts = publisher.counts
        counts.read = read
        say(counts.line(stage))
    return counts


def _broken(record: Record, detail: str) -> Refused:
    fields = record.fields
    frames, time, capture = fields.get("frames"), fields.get("time"), fields.get("capture")
    return Refused(
        BREAKS_SCHEMA,
        detail,
        content=repr(fields).encode(errors="backslashreplace"),
        capture=capture if isinstance(capture, str) else None,
        frame=frames[0] if isinstance(frames, list) and frames and isinstance(frames[0], int) else None,
        time=time if isinstance(time, int) else None,
    )
