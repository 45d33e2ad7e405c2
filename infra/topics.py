"""Creating the topics."""

from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from infra.reach import topics_of
from schemas import topics
from schemas.errors import RunFault

#: Partitions of a topic that carries records by locality: the most parallel readers that a domain can have.
PARTITIONS: Final = 8

#: Seconds.
TIMEOUT: Final = 30.0


def configurations(partitions: int = PARTITIONS) -> dict[str, tuple[int, dict[str, str]]]:
    """Every topic with its number of partitions and its settings.

    Telemetry carries the broker's time of arrival, which no sender can forge: event times are bounded by it.
    """
    arrival = {"message.timestamp.type": "LogAppendTime"}
    wanted = {name: (partitions, dict(arrival)) for name in topics.TELEMETRY}
    # Correlation must see them in one order; they are few.
    wanted[topics.ALERTS] = (1, dict(arrival))
    wanted[topics.DEADLETTER] = (partitions, dict(arrival))
    wanted[topics.INCIDENTS] = (partitions, dict(arrival))
    wanted[topics.SCHEMAS] = (1, {"cleanup.policy": "compact"})
    return wanted


def create(client: Mapping[str, Any], *, partitions: int = PARTITIONS, replication: int = 1) -> list[str]:
    """Create the topics that are missing.

    Args:
        client: librdkafka settings of the connection (`bootstrap.servers` and security).
        partitions: of each topic keyed by locality.
        replication: copies of each partition.

    Returns:
        the names of the topics that were created.

    Raises:
        ConfigFault: librdkafka does not take the settings.
        RunFault: the broker refuses or does not answer.
    """
    where = str(client.get("bootstrap.servers"))
    present = topics_of(client)
    # Level 3, errors: librdkafka remarks on the events that a closing client leaves unread.
    admin = AdminClient({"log_level": 3, **client})
    missing = [
        NewTopic(name, num_partitions=count, replication_factor=replication, config=config)
        for name, (count, config) in configurations(partitions).items()
        if name not in present
    ]
    for name, future in admin.create_topics(missing, operation_timeout=TIMEOUT).items() if missing else ():
        try:
            future.result(TIMEOUT)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                reason = error.args[0].str()
                raise RunFault(
                    f"cannot create topic {name}: {reason}", where, "check the rights of this client"
                ) from error
    return [topic.topic for topic in missing]
