"""Whether Kafka is there: asked once at start, so that who waits at a terminal knows soon."""

from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from schemas.errors import ConfigFault, RunFault

#: Seconds for the first answer.
PATIENCE: Final = 10.0


def topics_of(client: Mapping[str, Any], patience: float = PATIENCE) -> frozenset[str]:
    """The names of the topics there are.

    Args:
        client: librdkafka settings of the connection (`bootstrap.servers` and security).
        patience: seconds.

    Raises:
        ConfigFault: librdkafka does not take the settings.
        RunFault: no broker answers.
    """
    where = str(client.get("bootstrap.servers"))
    quick = {"socket.timeout.ms": 2000, "reconnect.backoff.max.ms": 200, "log_level": 0}
    try:
        admin = AdminClient({**client, **quick})
    except KafkaException as refused:
        raise ConfigFault(
            f"the Kafka settings cannot be used: {refused.args[0].str()}",
            ", ".join(sorted(key for key in client if key != "bootstrap.servers")) or where,
            "correct the settings of [kafka]",
        ) from refused
    try:
        return frozenset(admin.list_topics(timeout=patience).topics)
    except KafkaException as silent:
        raise RunFault(
            f"Kafka does not answer: {silent.args[0].str()}",
            where,
            "start it (gridwatch up), or check kafka.bootstrap_servers and the security settings",
        ) from silent
