"""What the landing tests share: topics of their own, published alerts, and what both stores hold."""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from ingest.publisher import Broker
from jobs.land.run import Landing
from schemas.records import ALERT, DEADLETTER
from schemas.wire import encode

START = datetime(2026, 3, 2, 23, 59, tzinfo=UTC)
DOMAINS = ("meter", "substation", "vehicle")


@dataclass(frozen=True)
class Topics:
    """Topics that no other test uses, on the shared broker."""

    bootstrap: str
    alerts: str
    deadletters: str

    def landing(self, dsn: str, lake: Path, **more: Any) -> Landing:
        """A landing of these topics that stops at their end."""
        options: dict[str, Any] = {"until_end": True, "roll_s": 0.2} | more
        return Landing(Broker(self.bootstrap), dsn, lake, alerts=self.alerts, deadletters=self.deadletters, **options)

    def publish(self, topic: str, values: Iterable[bytes | None], key: str | None = None) -> None:
        """Publish messages and wait until they are safe."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 5, "enable.idempotence": True})
        for index, value in enumerate(values):
            producer.produce(topic, value, (key or f"site-{index % 5}").encode())
            producer.poll(0)
        assert producer.flush(30) == 0


@contextmanager
def own_topics(bootstrap: str, partitions: int = 3) -> Iterator[Topics]:
    """Topics for one test, deleted afterwards."""
    with (
        own_topic(bootstrap, "alerts", partitions) as alerts,
        own_topic(bootstrap, "deadletter", partitions) as letters,
    ):
        yield Topics(bootstrap, alerts, letters)


@contextmanager
def own_topic(bootstrap: str, what: str, partitions: int = 3) -> Iterator[str]:
    """A topic for one test, deleted afterwards; gives its name."""
    name = f"test-{secrets.token_hex(4)}-{what}"
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(name, partitions, 1)])[name].result(30)
    yield name
    admin.delete_topics([name])[name].result(30)


def alert(number: int, **fields: Any) -> dict[str, Any]:
    """A whole alert; the number makes it one of its own."""
    time = START + timedelta(seconds=number)
    return {
        "alert_id": f"{number:032x}",
        "time": time,
        "detected": time + timedelta(milliseconds=300),
        "detector": "rogue_master",
        "detector_version": 1,
        "threat": "SG-17",
        "technique": "T0848",
        "severity_id": 1 + number % 5,
        "confidence_id": 3,
        "domain": DOMAINS[number % 3],
        "record": "modbus",
        "site": f"site-{number % 5}",
        "entity_kind": "server",
        "entity": f"10.0.0.{number % 50}",
        "source": "10.0.0.66" if number % 2 else None,
        "first_time": time,
        "last_time": time,
        "title": f"alert {number}",
        "observed": "function 6",
        "expected": "a master of the site file",
        "dedup": f"rogue_master|{number % 7}",
        "runbook": ["Find the host.", 'Say "stop", {then} wait,\nthen \\ look.'],
        "topic": "telemetry.substation",
        "partition": 0,
        "offsets": [number, number + 1],
        "evidence": ['{"client": "10.0.0.66"}'],
        **fields,
    }


def wire(numbers: Iterable[int]) -> list[bytes]:
    """Encoded alerts."""
    return [encode(ALERT, alert(number)) for number in numbers]


def deadletter(**fields: Any) -> bytes:
    """An encoded dead letter."""
    whole = {"time": START, "stage": "detect meter", "reason": "broken body", "length": 3, "content": b"\x00ab"}
    return encode(DEADLETTER, whole | fields)


def in_postgres(dsn: str, column: str = "alert_id", table: str = "alert") -> list[Any]:
    """A column of a table, sorted."""
    with psycopg.connect(dsn) as connection:
        return sorted(row[0] for row in connection.execute(f"SELECT {column} FROM {table}"))  # type: ignore[arg-type]


def in_lake(lake: Path, directory: str = "alerts") -> pl.DataFrame:
    """All rows of the lake."""
    files = sorted((lake / directory).rglob("*.parquet"))
    return pl.concat([pl.read_parquet(file, hive_partitioning=False) for file in files]) if files else pl.DataFrame()
