"""Publishing with kafka-python: pure Python, for gateways without librdkafka and for low rates."""

from collections.abc import Callable
from threading import Condition
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError

from ingest.publisher import Broker, KafkaPublisher, Pace
from schemas.errors import ConfigFault

#: Messages that may wait for an acknowledgement: back-pressure begins here.
MAX_QUEUED_MESSAGES: Final = 10_000

_PACE: Final[dict[Pace, dict[str, Any]]] = {
    Pace.LIVE: {"linger_ms": 2},
    Pace.BULK: {"linger_ms": 50, "batch_size": 262_144, "compression_type": "gzip"},
}
#: The security options by librdkafka's names and by kafka-python's.
_SECURITY: Final = {
    "security.protocol": "security_protocol",
    "sasl.mechanism": "sasl_mechanism",
    "sasl.mechanisms": "sasl_mechanism",
    "sasl.username": "sasl_plain_username",
    "sasl.password": "sasl_plain_password",
    "ssl.ca.location": "ssl_cafile",
    "ssl.certificate.location": "ssl_certfile",
    "ssl.key.location": "ssl_keyfile",
    "ssl.key.password": "ssl_password",
}


def security_options(broker: Broker) -> dict[str, str]:
    """The broker's security options by kafka-python's names.

    Raises:
        ConfigFault: an option that kafka-python does not know.
    """
    unknown = sorted(set(broker.security) - set(_SECURITY))
    if unknown:
        raise ConfigFault(
            f"kafka-python has no option {', '.join(unknown)}",
            "Kafka security options",
            "use confluent-kafka, or one of " + ", ".join(sorted(_SECURITY)),
        )
    options = {_SECURITY[name]: value for name, value in broker.security.items()}
    if "security_protocol" in options:
        options["security_protocol"] = options["security_protocol"].upper()
    return options


class KafkaPythonPublisher(KafkaPublisher):
    """Idempotent, acks=all, bounded queue.

    Args:
        broker: where to publish.
        clock: microseconds since 1970; dates dead letters whose input carries no time.
        pace: low latency or throughput.

    Raises:
        ConfigFault: a security option that kafka-python does not know.
        RunFault: the broker does not answer.
    """

    def __init__(self, broker: Broker, clock: Callable[[], int], pace: Pace = Pace.LIVE) -> None:
        super().__init__(broker, clock)
        self._bootstrap = broker.bootstrap.split(",")
        # A record settles within its delivery time-out; the rest is the client's own slack.
        self._patience_s = 2 * broker.timeout_s
        timeout_ms = int(broker.timeout_s * 1000)
        try:
            self._producer = KafkaProducer(
                bootstrap_servers=self._bootstrap,
                allow_auto_create_topics=False,
                client_id="gridwatch-ingest",
                enable_idempotence=True,
                acks="all",
                delivery_timeout_ms=timeout_ms,
                request_timeout_ms=max(1, timeout_ms // 2),
                max_block_ms=timeout_ms,
                bootstrap_timeout_ms=timeout_ms,
                **_PACE[pace],
                **security_options(broker),
            )
        except KafkaError as error:
            raise self._unreachable(error) from error
        self._waiting = 0
        self._settled = Condition()

    def _send(self, topic: str, key: bytes, value: bytes) -> None:
        with self._settled:
            room = self._settled.wait_for(lambda: self._waiting < MAX_QUEUED_MESSAGES, self._patience_s)
        if not room:
            raise self._unreachable(f"{MAX_QUEUED_MESSAGES} records wait for it")
        self._raise_on_error()
        try:
            future = self._producer.send(topic, value=value, key=key)
        except KafkaError as error:
            self._delivered(error)
            return
        with self._settled:
            self._waiting += 1
        future.add_callback(lambda _metadata: self._settle(None))
        future.add_errback(self._settle)

    def _settle(self, error: object) -> None:
        # Runs in the client's own thread, or at once where the future is settled already.
        with self._settled:
            self._delivered(error)
            self._waiting -= 1
            self._settled.notify_all()

    def _drain(self) -> None:
        try:
            self._producer.flush(timeout=self._patience_s)
        except KafkaError as error:
            raise self._unreachable(error) from error
        with self._settled:
            drained = self._settled.wait_for(lambda: self._waiting == 0, self._patience_s)
        if not drained:
            raise self._unreachable(f"{self._waiting} records wait for it")

    def _list_topics(self) -> frozenset[str]:
        try:
            admin = KafkaAdminClient(bootstrap_servers=self._bootstrap, **security_options(self._broker))
            try:
                return frozenset(admin.list_topics())
            finally:
                admin.close()
        except KafkaError as error:
            raise self._unreachable(error) from error
