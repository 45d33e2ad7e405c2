"""The first and the next offset of partitions, asked for until their leaders answer."""

import time
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

_SOON: Final = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)


def watermarks(consumer: Consumer, topic: str, partition: int, timeout_s: float) -> tuple[int, int]:
    """Offset of the first record that is there, and of the one that comes next.

    A partition that was just created or moved has no leader for a moment: that is no failure.

    Raises:
        KafkaException: the broker does not answer in time, or refuses.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        left = max(0.1, deadline - time.monotonic())
        try:
            found: tuple[int, int] = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=left)
            return found
        except KafkaException as refused:
            if refused.args[0].code() not in _SOON or time.monotonic() > deadline:
                raise
            # Asking who leads takes the time of an answer: this does not spin.
            consumer.list_topics(topic, timeout=left)


def ends(consumer: Consumer, topic: str, timeout_s: float) -> dict[int, int]:
    """The next offset of each partition of a topic; all of them or none.

    Raises:
        KafkaException: the broker does not answer in time, or refuses, or there is no such topic.
    """
    partitions = consumer.list_topics(topic, timeout=timeout_s).topics[topic].partitions
    return {partition: watermarks(consumer, topic, partition, timeout_s)[1] for partition in partitions}
