"""Reading topics at positions of our own keeping: what `land` and `archive` share.

Both keep the positions they have reached beside what they wrote, in the same transaction or manifest, so the broker's
committed offsets are only a report for monitoring. Partitions are assigned, not subscribed: a restart after a kill
waits for no session to time out.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from ingest.publisher import Broker
from jobs.watermarks import watermarks
from jobs.writers import Writers
from schemas.errors import RunFault
from schemas.topics import SCHEMAS
from schemas.types import Schema
from schemas.wire import Decoder, Undecodable

#: Seconds for an answer about topics and offsets.
TIMEOUT: Final = 30.0
#: Seconds for the first answer: who waits at a terminal wants to know soon.
FIRST_TIMEOUT: Final = 20.0
#: Bound of what librdkafka fetches ahead, KiB.
AHEAD_KBYTES: Final = 32_768
#: Longest wait (ms) of the broker for more data; it answers at once when there is any.
FETCH_WAIT_MS: Final = 100
#: Once something has come, seconds to wait for more of it.
GATHER_S: Final = 0.01

#: Errors that the client itself gets over.
_PASSING: Final = frozenset(
    {
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._TIMED_OUT,
        KafkaError._RESOLVE,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.REQUEST_TIMED_OUT,
    }
)


class Place(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


def place_of(message: Message) -> Place:
    """Where a message stands."""
    return Place(str(message.topic()), int(message.partition() or 0))


class Reader:
    """Reads partitions from given positions and decodes what they hold.

    Args:
        broker: where to read.
        topics: what to read, all partitions; later ones too, once `discover` is called.
        schemas: record types understood.
        group: under this name `report` tells the broker how far we are.
        say: takes a line when the broker is lost or partitions appear.

    Raises:
        RunFault: the broker does not answer or a topic is missing.
    """

    def __init__(
        self, broker: Broker, topics: Iterable[str], schemas: tuple[Schema, ...], group: str, say: Callable[[str], None]
    ) -> None:
        self._broker = broker
        self._topics = tuple(topics)
        self._say = say
        self._away = False
        self._decoder = Decoder(schemas)
        self._asked = False
        self._settings: dict[str, Any] = {
            "bootstrap.servers": broker.bootstrap,
            "group.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            # A position that the broker no longer has is a loss: never begin elsewhere in silence.
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": FETCH_WAIT_MS,
            "queued.max.messages.kbytes": AHEAD_KBYTES,
            "log_level": 0,
            "error_cb": self._on_error,
            **broker.security,
        }
        self._consumer = Consumer(self._settings)
        self._next: dict[Place, int] = {}
        self.cluster: str = ""
        try:
            metadata = self._consumer.list_topics(timeout=min(FIRST_TIMEOUT, broker.timeout_s))
        except KafkaException as error:
            raise self._unreachable(error.args[0].str()) from error
        self.cluster = str(metadata.cluster_id)
        missing = sorted({*self._topics, SCHEMAS} - set(metadata.topics))
        if missing:
            raise RunFault(
                f"no topic {', '.join(missing)}",
                broker.bootstrap,
                "create the topics first: gridwatch up does it on the embedded broker, kafka-topics.sh on yours",
            )
        self._writers = Writers(broker, schemas)
        self.learn()

    def start(self, positions: Mapping[Place, int], from_start: bool = False) -> None:
        """Begin, or begin again, at these offsets; a partition without one begins at its first record.

        Args:
            positions: the next offset to read.
            from_start: begin at the first record that the broker still has where a position cannot be had.

        Raises:
            RunFault: a position lies before the first record kept (records were deleted unread) or behind the last one
                (the topic was made anew), and `from_start` is not given.
        """
        begin: dict[Place, int] = {}
        for place in self._partitions():
            offset = positions.get(place, OFFSET_BEGINNING)
            low, high = self._watermarks(place)
            if offset != OFFSET_BEGINNING and not low <= offset <= high:
                if not from_start:
                    what = "unread records were deleted" if offset < low else "the topic was made anew"
                    raise RunFault(
                        f"{what}: next offset is {offset}, the broker has {low} to {high}",
                        f"{place.topic}, partition {place.partition}",
                        "start with --from-start to read what there is; what is stored already is not stored twice",
                    )
                offset = OFFSET_BEGINNING
            if offset == OFFSET_BEGINNING:
                offset = low
            begin[place] = offset
        self._next = begin
        self._consumer.assign([TopicPartition(*place, offset) for place, offset in begin.items()])

    def discover(self) -> None:
        """Take on partitions that were added to a topic, from their first record."""
        added = {place: self._watermarks(place)[0] for place in self._partitions() if place not in self._next}
        if added:
            self._say(f"new partitions: {', '.join(f'{p.topic}/{p.partition}' for p in added)}")
            self._consumer.incremental_assign([TopicPartition(*place, offset) for place, offset in added.items()])
            self._next |= added

    def read(self, most: int, wait_s: float) -> list[Message]:
        """At most `most` messages; waits up to `wait_s` seconds for the first, hardly for more.

        Raises:
            RunFault: the broker refuses to serve a topic or no longer has a position.
        """
        self._asked = False
        first = self._consumer.poll(wait_s)
        if first is None:
            return []
        found = [first]
        if most > 1:
            found += self._consumer.consume(most - 1, GATHER_S)
        records = [message for message in found if self._is_record(message)]
        for message in records:
            self._next[place_of(message)] = int(message.offset() or 0) + 1
        return records

    def positions(self) -> dict[Place, int]:
        """The next offset of each partition, behind all that `read` gave."""
        return dict(self._next)

    def decode(self, message: Message) -> tuple[Schema, dict[str, Any]]:
        """Decode a message; a fingerprint not met before is looked up among the announced schemas, once a batch.

        Raises:
            Undecodable: with the reason.
        """
        value = message.value()
        try:
            return self._decoder.decode(value)
        except Undecodable as wrong:
            if wrong.reason != "unknown fingerprint" or self._asked:
                raise
        self._asked = True
        self.learn()
        return self._decoder.decode(value)

    def learn(self) -> None:
        """Take in the schemas announced since the last call."""
        for _, avro in self._writers.refresh().values():
            self._decoder.announce(avro)

    def ends(self, timeout_s: float = TIMEOUT) -> dict[Place, int]:
        """The offset behind the last record of each partition, now.

        Args:
            timeout_s: longest wait for the answer about one of them.

        Raises:
            RunFault: the broker does not answer in time.
        """
        return {place: self._watermarks(place, timeout_s)[1] for place in sorted(self._next)}

    def report(self, positions: Mapping[Place, int]) -> None:
        """Tell the broker, for monitoring, how far we are; does not wait, and a failure changes nothing."""
        if positions:
            offsets = [TopicPartition(place.topic, place.partition, offset) for place, offset in positions.items()]
            self._consumer.commit(offsets=offsets, asynchronous=True)

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()
        self._writers.close()

    def _is_record(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            self._away = False
            return True
        if error.code() == KafkaError._PARTITION_EOF:
            # Offsets that a transaction left empty are behind us too.
            place = place_of(message)
            self._next[place] = max(self._next[place], int(message.offset() or 0))
            return False
        if error.code() in _PASSING or error.retriable():
            self._on_error(error)
            return False
        where = f"{message.topic()}, partition {message.partition()}"
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            raise RunFault(
                "the broker no longer has the records that come next", where, "start again with --from-start"
            )
        raise RunFault(f"Kafka refuses: {error.str()}", where, "check the topic and the rights of this client")

    def _partitions(self) -> list[Place]:
        try:
            topics = self._consumer.list_topics(timeout=TIMEOUT).topics
        except KafkaException as error:
            raise self._unreachable(error.args[0].str()) from error
        return [Place(name, number) for name in self._topics for number in sorted(topics[name].partitions)]

    def _watermarks(self, place: Place, timeout_s: float = TIMEOUT) -> tuple[int, int]:
        try:
            return watermarks(self._consumer, *place, timeout_s)
        except KafkaException as error:
            raise self._unreachable(error.args[0].str()) from error

    def _on_error(self, error: KafkaError) -> None:
        """Called by the client from within `poll`."""
        if error.code() == KafkaError._ALL_BROKERS_DOWN and not self._away:
            self._away = True
            self._say(f"Kafka does not answer at {self._broker.bootstrap}; waiting for it")

    def _unreachable(self, error: object) -> RunFault:
        return RunFault(
            f"Kafka does not answer: {error}",
            self._broker.bootstrap,
            "start it (gridwatch up) or correct the address and the TLS or SASL options",
        )
