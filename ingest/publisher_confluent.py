"""Publishing with confluent-kafka (librdkafka): the bulk and low-latency path."""

from collections.abc import Callable
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from ingest.publisher import Broker, KafkaPublisher, Pace

#: Bound of the producer's queue: back-pressure begins here.
MAX_QUEUED_MESSAGES: Final = 100_000
MAX_QUEUED_KBYTES: Final = 65_536

_PACE: Final[dict[Pace, dict[str, Any]]] = {
    Pace.LIVE: {"linger.ms": 2, "compression.type": "none"},
    Pace.BULK: {"linger.ms": 50, "batch.size": 1_000_000, "compression.type": "lz4"},
}
#: Longest single wait (s) for room in the queue; then delivery reports are looked at again.
_WAIT_S: Final = 0.1


class ConfluentPublisher(KafkaPublisher):
    """Idempotent, acks=all, bounded queue.

    Args:
        broker: where to publish.
        clock: microseconds since 1970; dates dead letters whose input carries no time.
        pace: low latency or throughput.
        extra: further librdkafka options; they win over ours.
    """

    def __init__(
        self, broker: Broker, clock: Callable[[], int], pace: Pace = Pace.LIVE, extra: dict[str, Any] | None = None
    ) -> None:
        super().__init__(broker, clock)
        self._producer = Producer(
            {
                "bootstrap.servers": broker.bootstrap,
                "client.id": "gridwatch-ingest",
                "enable.idempotence": True,
                "acks": "all",
                # Java's default for keyed records, so both clients put a key into the same partition.
                "partitioner": "murmur2_random",
                "queue.buffering.max.messages": MAX_QUEUED_MESSAGES,
                "queue.buffering.max.kbytes": MAX_QUEUED_KBYTES,
                "delivery.timeout.ms": int(broker.timeout_s * 1000),
                "error_cb": self._on_error,
                # librdkafka repeats every refused connection on stderr; errors come through error_cb.
                "log_level": 0,
                **_PACE[pace],
                **broker.security,
                **(extra or {}),
            }
        )

    def _send(self, topic: str, key: bytes, value: bytes) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key, on_delivery=self._on_delivery)
                break
            except BufferError:
                self._producer.poll(_WAIT_S)
                self._raise_on_error()
            except KafkaException as error:  # larger than the client may send, or the client is beyond repair
                self._delivered(error.args[0].str())
                return
        self._producer.poll(0)

    def _drain(self) -> None:
        # Ends: a message is acknowledged or fails within delivery.timeout.ms.
        while self._producer.flush(_WAIT_S):
            pass

    def _list_topics(self) -> frozenset[str]:
        try:
            return frozenset(self._producer.list_topics(timeout=self._broker.timeout_s).topics)
        except KafkaException as error:
            raise self._unreachable(error.args[0].str()) from error

    def _on_delivery(self, error: KafkaError | None, _message: Message) -> None:
        self._delivered(error)

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal() and self._first_error is None:
            self._first_error = error.str()
