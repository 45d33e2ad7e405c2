"""A real single-node Kafka in KRaft mode: one process, broker and controller, on loopback."""

import signal
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra import ivy, process, reach
from infra.java import Java
from infra.ports import LOOPBACK
from infra.process import Process
from infra.progress import Say
from schemas.errors import RunFault

ARTIFACT: Final = ivy.Artifact("org.apache.kafka", "kafka_2.13", "4.1.2")

#: Seconds that a broker may need on a busy machine.
PATIENCE: Final = 90.0

LOGGING: Final = """\
rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c{1}: %m%n
"""


@dataclass(frozen=True)
class KafkaPlace:
    """Where a broker lives.

    Args:
        directory: its configuration and data.
        log: the file that it prints to.
        port: of the clients' listener.
        controller_port: of its own controller listener.
        heap_mb: Java heap, MiB.
    """

    directory: Path
    log: Path
    port: int
    controller_port: int
    heap_mb: int = 512

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"{LOOPBACK}:{self.port}"


def fetched_directory(cache: Path) -> Path:
    """Where the fetched jar files lie in a cache."""
    return cache / f"kafka-{ARTIFACT.version}"


def jars(java: Java, cache: Path, say: Say) -> list[Path]:
    """Kafka's own jar files, fetched once into the cache.

    Raises:
        RunFault: they could not be fetched.
    """
    return ivy.fetch((ARTIFACT,), fetched_directory(cache), java=java, cache=cache / "ivy", say=say)


def start(place: KafkaPlace, *, java: Java, cache: Path, environ: Mapping[str, str], say: Say) -> Process:
    """Format the storage if it is new, and start the broker; it answers after `await_ready`.

    Raises:
        RunFault: the storage cannot be formatted or Java not be started.
    """
    classpath = ":".join(map(str, jars(java, cache, say)))
    place.directory.mkdir(parents=True, exist_ok=True)
    properties = place.directory / "server.properties"
    properties.write_text(_properties(place))
    log_settings = place.directory / "log4j2.properties"
    log_settings.write_text(LOGGING)
    launcher = [str(java.executable), "-cp", classpath, f"-Dlog4j2.configurationFile={log_settings}"]
    if not (place.directory / "data" / "meta.properties").exists():
        _format(launcher, properties)
    # The collector and the pre-touched defaults of a dedicated broker make no sense on a shared small machine.
    flags = [f"-Xmx{place.heap_mb}m", f"-Xms{min(256, place.heap_mb)}m", "-XX:+UseG1GC", "-Djava.awt.headless=true"]
    return process.start(
        "Kafka", [*launcher, *flags, "kafka.Kafka", properties], place.log, cwd=place.directory, environment=environ
    )


def await_ready(broker: Process, bootstrap: str, patience: float = PATIENCE) -> None:
    """Wait until the broker answers a metadata request.

    Raises:
        RunFault: it ended or does not answer.
    """
    process.await_ready(broker, lambda: answers({"bootstrap.servers": bootstrap}), patience)


def answers(client: Mapping[str, Any], timeout: float = 2.0) -> bool:
    """Whether a broker answers a metadata request.

    Args:
        client: librdkafka settings of the connection (`bootstrap.servers` and security).
        timeout: seconds.

    Raises:
        ConfigFault: librdkafka does not take the settings.
    """
    try:
        reach.topics_of(client, timeout)
    except RunFault:
        return False
    return True


def stop(broker: Process) -> bool:
    """Shut the broker down cleanly; False when it was not running."""
    return broker.stop(signal.SIGTERM)


def _format(launcher: list[str], properties: Path) -> None:
    cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
    command = [*launcher, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        lines = (answer.stderr or answer.stdout).strip().splitlines() or ["no reason given"]
        raise RunFault(
            f"Kafka cannot format its storage: {lines[-1]}", str(properties.parent), "free the disk or remove it"
        )


def _properties(place: KafkaPlace) -> str:
    clients, controller = f"{LOOPBACK}:{place.port}", f"{LOOPBACK}:{place.controller_port}"
    values = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{clients},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{clients}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(place.directory / "data"),
        # A misspelt topic is an error, not a new topic.
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "log.retention.hours": "24",
        "log.segment.bytes": str(256 << 20),
        "num.network.threads": "2",
        "num.io.threads": "4",
    }
    return "".join(f"{key}={value}\n" for key, value in values.items())
