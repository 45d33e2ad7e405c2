"""The demo's books: what went in, what came out, and whether every ledger balances."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl
import psycopg
from confluent_kafka import Consumer, TopicPartition
from psycopg.rows import dict_row

from ingest.publisher import Broker
from jobs.state_store import StateStore
from jobs.watermarks import watermarks
from schemas import topics
from schemas.errors import RunFault
from schemas.records import ALERT, DEADLETTER
from schemas.types import TELEMETRY_DOMAINS, Domain
from schemas.wire import Decoder

#: What detection reads: telemetry, and the alerts.
READ: Final = (*TELEMETRY_DOMAINS, Domain.CORRELATION)


@dataclass
class Books:
    """The counts at one moment.

    Attributes:
        produced: records on each topic.
        ledger: counts of the detection queries, a domain.
        rows: rows in PostgreSQL, a table.
    """

    produced: dict[str, int] = field(default_factory=dict)
    ledger: dict[Domain, Mapping[str, int]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def processed(self, domain: Domain) -> int:
        """Records that the detection query of a domain decoded or refused."""
        return sum(n for k, n in self.ledger.get(domain, {}).items() if k.startswith(("decoded.", "dead.")))

    @property
    def waiting(self) -> int:
        """Telemetry records and alerts that detection has not seen yet."""
        return sum(self.produced.get(d.topic, 0) - self.processed(d) for d in READ)


class Auditor:
    """Reads the counts of a running pipeline.

    Args:
        broker: the cluster.
        state: folder of the detection state.
        dsn: the database.
        lake: the Parquet lake.
    """

    def __init__(self, broker: Broker, state: str, dsn: str, lake: Path) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": broker.bootstrap,
                "group.id": "gridwatch-demo-audit",
                "enable.auto.commit": False,
                "log_level": 0,
                **broker.security,
            }
        )
        self._timeout = broker.timeout_s
        self._stores = {d: StateStore(state, d.value) for d in READ}
        self._dsn, self._lake = dsn, lake

    def books(self) -> Books:
        """The counts now."""
        names = [*(d.topic for d in TELEMETRY_DOMAINS), topics.ALERTS, topics.DEADLETTER]
        produced = {name: sum(high - low for low, high in self._ends(name).values()) for name in names}
        ledger = {d: store.latest().ledger for d, store in self._stores.items()}
        with psycopg.connect(self._dsn) as connection:
            rows = {t: _count(connection, t) for t in (ALERT.name, DEADLETTER.name)}
        return Books(produced, ledger, rows)

    def alerts(self) -> list[dict[str, Any]]:
        """Every alert in PostgreSQL, by time."""
        with psycopg.connect(self._dsn, row_factory=dict_row) as connection:
            if not _exists(connection, ALERT.name):
                return []
            connection.execute("SET timezone TO 'UTC'")
            return connection.execute("SELECT * FROM alert ORDER BY time, alert_id").fetchall()

    def latency(self) -> tuple[float, float] | None:
        """Median and 99th percentile of event to PostgreSQL, seconds."""
        query = "SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM landed - time)) FROM alert"
        with psycopg.connect(self._dsn) as connection:
            row = connection.execute(query).fetchone()
        return (float(row[0][0]), float(row[0][1])) if row and row[0] else None

    def balance(self) -> list[tuple[str, int, int]]:
        """What must be equal at the end: what it is, one count, the other."""
        books = self.books()
        told = self._distinct_alerts()
        parquet = self._parquet_rows(ALERT.name)
        letters = books.produced[topics.DEADLETTER]
        checks = [
            (f"{d.topic}: records produced = decoded + dead letters", books.produced[d.topic], books.processed(d))
            for d in TELEMETRY_DOMAINS
        ]
        checks += [
            ("alerts emitted (distinct ids) = rows in PostgreSQL", told, books.rows[ALERT.name]),
            ("alerts in PostgreSQL = rows in Parquet", books.rows[ALERT.name], parquet),
            ("dead letters on the topic = rows in PostgreSQL", letters, books.rows[DEADLETTER.name]),
        ]
        return checks

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def _ends(self, topic: str) -> dict[int, tuple[int, int]]:
        partitions = self._consumer.list_topics(topic, self._timeout).topics[topic].partitions
        return {p: watermarks(self._consumer, topic, p, self._timeout) for p in partitions}

    def _distinct_alerts(self) -> int:
        decoder = Decoder((ALERT,))
        seen: Counter[str] = Counter()
        ends = self._ends(topics.ALERTS)
        left = {p for p, (low, high) in ends.items() if high > low}
        self._consumer.assign([TopicPartition(topics.ALERTS, p, ends[p][0]) for p in left])
        while left:
            message = self._consumer.poll(self._timeout)
            if message is None or message.error() is not None:
                raise RunFault("the alerts cannot be read back", topics.ALERTS, "look at the broker's log")
            partition, offset = int(message.partition() or 0), int(message.offset() or 0)
            seen[decoder.decode(message.value())[1]["alert_id"]] += 1
            if offset + 1 >= ends[partition][1]:
                left.discard(partition)
        return len(seen)

    def _parquet_rows(self, record: str) -> int:
        files = sorted(str(f) for f in self._lake.rglob("*.parquet") if _of(record, f))
        return sum(int(pl.scan_parquet(f).select(pl.len()).collect().item()) for f in files)


def _of(record: str, file: Path) -> bool:
    return any(part in (f"{record}s", record) for part in file.parts)


def _exists(connection: "psycopg.Connection[Any]", table: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL AS there", (table,)).fetchone()
    return bool(row and (row["there"] if isinstance(row, dict) else row[0]))


def _count(connection: "psycopg.Connection[Any]", table: str) -> int:
    if not _exists(connection, table):
        return 0
    row = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()
    return int(row[0]) if row else 0


def unbalanced(checks: Sequence[tuple[str, int, int]]) -> list[str]:
    """The checks that do not hold, in words."""
    return [f"{what}: {one} and {other}" for what, one, other in checks if one != other]
