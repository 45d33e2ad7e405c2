"""Where topics end: the next offset of every partition, asked for all at once."""

from collections.abc import Collection

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from ingest.publisher import Broker


class Ends:
    """Asks the broker for the ends of topics, on a connection of its own.

    Args:
        broker: the cluster.
        timeout_s: for both questions.
    """

    def __init__(self, broker: Broker, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0, **broker.security})

    def __call__(self, topics: Collection[str]) -> dict[tuple[str, int], int] | None:
        """By topic and partition; without partitions that have no leader. None where the broker does not answer in time."""
        try:
            known = self._admin.list_topics(timeout=self._timeout_s).topics
            places = [TopicPartition(t, p) for t in topics if t in known for p in known[t].partitions]
            asked = self._admin.list_offsets(
                dict.fromkeys(places, OffsetSpec.latest()), request_timeout=self._timeout_s
            )
        except KafkaException:
            return None
        found = {}
        for place, answer in asked.items():
            try:
                found[place.topic, place.partition] = int(answer.result(self._timeout_s).offset)
            except (KafkaException, TimeoutError):
                continue
        return found if found or not places else None
