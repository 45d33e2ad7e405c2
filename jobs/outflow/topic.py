"""Incidents to a Kafka topic, keyed by their id: the states of one stand in order in one partition."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Producer

from ingest.publisher import Broker
from jobs.outflow.message import Answer, Message
from schemas.topics import INCIDENTS

#: What Kafka says of the message, not of itself.
_REFUSALS: Final = frozenset(
    {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG_SIZE, KafkaError.INVALID_RECORD, KafkaError.INVALID_MSG}
)


class Topic:
    """Publishes with acknowledgement of all replicas; idempotent, so that what is sent anew overtakes nothing.

    Args:
        broker: where.
        kind: content type, a header of each message; another is `uid`.
        topic: its name.
    """

    batch = 200

    def __init__(self, broker: Broker, kind: str, topic: str = INCIDENTS) -> None:
        self._topic, self._kind = topic, kind
        self._producer = Producer(
            {
                "bootstrap.servers": broker.bootstrap,
                "client.id": "gridwatch-outflow",
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": 5,
                "compression.type": "lz4",
                "partitioner": "murmur2_random",
                "delivery.timeout.ms": int(broker.timeout_s * 1000),
                "log_level": 0,
                **broker.security,
            }
        )
        self.name = f"kafka {topic}"

    def send(self, messages: Sequence[Message]) -> Answer:
        """Publish all and wait for each to be acknowledged or to fail."""
        answer = Answer()
        for message in messages:
            headers = [("uid", message.uid.encode()), ("content-type", self._kind.encode())]
            report = partial(self._report, answer, message)
            try:
                self._producer.produce(
                    self._topic, message.body, message.incident_id.encode(), headers=headers, on_delivery=report
                )
            except KafkaException as wrong:
                self._report(answer, message, wrong.args[0], None)
            except BufferError:
                answer.failure = "the queue is full"
                break
        # Ends: a message is acknowledged or fails within delivery.timeout.ms.
        while self._producer.flush(1.0):
            pass
        return answer

    def close(self) -> None:
        """Nothing waits any more."""
        self._producer.flush(5.0)

    @staticmethod
    def _report(answer: Answer, message: Message, error: Any, _message: Any) -> None:
        if error is None:
            answer.taken.append(message)
        elif error.code() in _REFUSALS:
            answer.refused.append((message, error.str()))
        else:
            answer.failure = error.str()
