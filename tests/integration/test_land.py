"""Landing on a real Kafka and a real PostgreSQL: once each, in both stores, whatever comes."""

import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import psycopg
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from confluent_kafka import Producer
from psycopg import sql

from infra import postgres
from infra.stack import StackState
from jobs.land.run import Counts, Landing, land
from schemas.errors import RunFault
from schemas.project.arrow import to_arrow
from schemas.records import ALERT, DEADLETTER, METER_READING
from schemas.wire import encode
from tests.conftest import Database
from tests.integration.landing import Topics, alert, deadletter, in_lake, in_postgres, own_topics, wire


@pytest.fixture
def topics(stack: StackState) -> Iterator[Topics]:
    with own_topics(stack.bootstrap) as own:
        yield own


def run(what: Landing) -> Counts:
    return land(what, threading.Event(), print)


def test_each_alert_once_in_both_stores(topics: Topics, database: Database, tmp_path: Path) -> None:
    topics.publish(topics.alerts, [*wire(range(300)), *wire(range(100, 200))])
    counts = run(topics.landing(database.dsn, tmp_path))
    assert (counts.read, counts.new["alert"], counts.known["alert"]) == (400, 300, 100)
    expected = [f"{number:032x}" for number in range(300)]
    assert in_postgres(database.dsn) == expected
    assert sorted(in_lake(tmp_path)["alert_id"]) == expected

    again = run(topics.landing(database.dsn, tmp_path))
    assert again.read == 0 and again.files == 0

    topics.publish(topics.alerts, wire(range(250, 350)))
    third = run(topics.landing(database.dsn, tmp_path))
    assert (third.new["alert"], third.known["alert"]) == (50, 50)
    assert len(in_lake(tmp_path)) == len(in_postgres(database.dsn)) == 350


def test_the_row_is_the_record(topics: Topics, database: Database, tmp_path: Path) -> None:
    topics.publish(topics.alerts, wire([7]))
    run(topics.landing(database.dsn, tmp_path))
    whole = {name: alert(7).get(name) for name in ALERT.names}
    assert in_lake(tmp_path).to_dicts() == [whole]
    with psycopg.connect(database.reader_dsn) as connection:
        columns = sql.SQL(", ").join(map(sql.Identifier, ALERT.names))
        row = connection.execute(sql.SQL("SELECT {} FROM alert").format(columns)).fetchone()
    assert row is not None and dict(zip(ALERT.names, row, strict=True)) == whole


def test_any_tool_reads_the_lake(topics: Topics, database: Database, tmp_path: Path) -> None:
    topics.publish(topics.alerts, wire(range(120)))
    run(topics.landing(database.dsn, tmp_path))
    files = sorted((tmp_path / "alerts").rglob("*.parquet"))
    assert {file.parent.relative_to(tmp_path).as_posix() for file in files} == {
        f"alerts/domain={domain}/date=2026-03-0{day}" for domain in ("meter", "substation", "vehicle") for day in (2, 3)
    }
    assert all(pq.read_schema(file).equals(to_arrow(ALERT), check_metadata=True) for file in files)
    glob = str(tmp_path / "alerts/**/*.parquet")
    query = f"SELECT domain, count(*) FROM read_parquet('{glob}', hive_partitioning = true) WHERE date = ? GROUP BY 1"
    on_second_day = dict(duckdb.execute(query, [date(2026, 3, 3)]).fetchall())
    assert on_second_day == {"meter": 20, "substation": 20, "vehicle": 20}
    polars = pl.scan_parquet(glob, hive_partitioning=True).filter(pl.col("date") == date(2026, 3, 3)).collect()
    assert len(polars) == 60
    arrow = ds.dataset(tmp_path / "alerts", partitioning="hive")
    assert arrow.count_rows(filter=ds.field("domain") == "meter") == 40


def test_dead_letters_are_told_apart_by_what_they_are_about(topics: Topics, database: Database, tmp_path: Path) -> None:
    broker = {"topic": "telemetry.meter", "partition": 2, "offset": 41}
    frame = {"capture": "a.pcap", "frame": 9, "stage": "ingest tap"}
    topics.publish(
        topics.deadletters,
        [
            *[deadletter(**broker)] * 3,
            deadletter(**{**broker, "offset": 42}),
            *[deadletter(**frame)] * 2,
            # Two faults in one frame are two, and what has no place at all is never the same.
            deadletter(**frame, detail="second unit"),
            *[deadletter(stage="ingest v2x")] * 2,
        ],
    )
    counts = run(topics.landing(database.dsn, tmp_path))
    assert (counts.new["deadletter"], counts.known["deadletter"]) == (6, 3)
    lake = in_lake(tmp_path, "deadletters")
    assert len(lake) == len(in_postgres(database.dsn, "stage", "deadletter")) == 6
    assert lake["content"][0] == b"\x00ab"
    assert set(lake.columns) == set(DEADLETTER.names)


HOSTILE: dict[str, Any] = {
    "no value": None,
    "text": b"{}",
    "unknown fingerprint": b"\xc3\x01" + b"\x11" * 8,
    "truncated": wire([1])[0][:40],
    "oversized": b"\xc3\x01" * 200_000,
    "another record type": encode(METER_READING, {"time": 0, "meter": "M", "transformer": "T", "register_kwh": 1.0}),
    "id too long": encode(ALERT, alert(2, alert_id="x" * 60_000)),
    "no id": encode(ALERT, alert(2, alert_id="")),
    "path for a domain": encode(ALERT, alert(2, domain="../../etc")),
}


def test_hostile_messages_become_dead_letters_and_landing_goes_on(
    topics: Topics, database: Database, tmp_path: Path
) -> None:
    topics.publish(topics.alerts, [wire([0])[0], *HOSTILE.values(), wire([1])[0]], key="one partition")
    topics.publish(topics.deadletters, [b"garbage"])
    counts = run(topics.landing(database.dsn, tmp_path))
    assert counts.refused.total() == len(HOSTILE) + 1
    assert in_postgres(database.dsn) == [f"{number:032x}" for number in (0, 1)]
    letters = in_lake(tmp_path, "deadletters")
    assert len(letters) == len(HOSTILE) + 1
    own = letters.filter(pl.col("topic") == topics.alerts).sort("offset")
    assert own["offset"].to_list() == list(range(1, len(HOSTILE) + 1))
    assert own["length"].to_list() == [len(value or b"") for value in HOSTILE.values()]
    assert own["content"].bin.size().max() == 1024
    assert own["reason"].to_list()[:3] == ["empty", "not single-object Avro", "unknown fingerprint"]
    assert run(topics.landing(database.dsn, tmp_path)).read == 0


def test_values_that_a_store_cannot_hold(topics: Topics, database: Database, tmp_path: Path) -> None:
    """NUL is replaced, in lists too; long names of assets are kept whole; a key no index takes is a dead letter."""
    strange = alert(5, entity="a\0b" + "é" * 30_000, runbook=["step\0"], dedup="d" * 60_000, detector="z" * 60_000)
    topics.publish(topics.alerts, [encode(ALERT, alert(6, title="nul \0")), encode(ALERT, strange)])
    counts = run(topics.landing(database.dsn, tmp_path))
    assert counts.new["alert"] + counts.refused["breaks schema"] == 2
    found = in_lake(tmp_path).sort("alert_id")
    assert found.filter(pl.col("alert_id") == f"{6:032x}")["title"].to_list() == ["nul �"]
    assert counts.new["deadletter"] == counts.refused.total()


def test_a_later_version_of_an_alert_lands(topics: Topics, database: Database, tmp_path: Path) -> None:
    """A writer whose schema has one field more, announced on the topic `schemas`."""
    from dataclasses import replace

    from schemas.project.avro import avro_json
    from schemas.topics import SCHEMAS
    from schemas.types import Field, Scalar
    from schemas.wire import fingerprint

    later = replace(
        ALERT, version=2, fields=(*ALERT.fields, Field("zone", Scalar.STRING, "test: a field added", nullable=True))
    )
    topics.publish(SCHEMAS, [avro_json(later).encode()], key=fingerprint(later).hex())
    topics.publish(topics.alerts, [encode(later, alert(1, zone="north"))])
    counts = run(topics.landing(database.dsn, tmp_path))
    assert counts.new["alert"] == 1 and not counts.refused


def test_lake_and_database_must_belong_together(topics: Topics, database: Database, tmp_path: Path) -> None:
    topics.publish(topics.alerts, wire(range(10)))
    run(topics.landing(database.dsn, tmp_path / "lake"))
    with pytest.raises(RunFault, match="another lake"):
        run(topics.landing(database.dsn, tmp_path / "other"))
    run(topics.landing(database.dsn, tmp_path / "other", rebuild=True))
    assert len(in_lake(tmp_path / "other")) == 10
    (tmp_path / "lake/alerts/_ledger").write_text("stranger\n")
    with pytest.raises(RunFault, match="copy of another database"):
        run(topics.landing(database.dsn, tmp_path / "lake"))


def test_a_position_that_the_broker_does_not_have_stops_the_start(
    topics: Topics, database: Database, tmp_path: Path
) -> None:
    topics.publish(topics.alerts, wire(range(10)))
    run(topics.landing(database.dsn, tmp_path))
    with psycopg.connect(database.dsn) as connection:
        connection.execute("UPDATE landed_position SET next_offset = next_offset + 1000")
    with pytest.raises(RunFault, match="made anew"):
        run(topics.landing(database.dsn, tmp_path))
    counts = run(topics.landing(database.dsn, tmp_path, from_start=True))
    assert (counts.read, counts.known["alert"]) == (10, 10)


def test_an_outage_of_postgresql_is_waited_for(
    topics: Topics, stack: StackState, database: Database, tmp_path: Path
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(database.dsn)["dbname"]
    administrator = stack.dsn_of(postgres.ADMINISTRATOR, "postgres")
    lines: list[str] = []
    away, stop = threading.Event(), threading.Event()

    def say(line: str) -> None:
        lines.append(line)
        if "no connection to PostgreSQL" in line:
            away.set()

    topics.publish(topics.alerts, wire(range(20)))
    with psycopg.connect(administrator, autocommit=True) as admin:
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        admin.execute(allow.format(sql.Identifier(str(name)), sql.Literal(False)))
        what = topics.landing(database.dsn, tmp_path, until_end=False, until_idle_s=1.0)
        worker = threading.Thread(target=land, args=(what, stop, say))
        worker.start()
        assert away.wait(30)
        admin.execute(allow.format(sql.Identifier(str(name)), sql.Literal(True)))
        # Lost in the middle, too: the connection is cut, and the rows come once.
        away.clear()
        while not admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'gridwatch land' AND datname = %s",
            (name,),
        ).fetchall():
            pass
        topics.publish(topics.alerts, wire(range(10, 40)))
        worker.join(60)
    assert not worker.is_alive()
    assert away.is_set()
    assert in_postgres(database.dsn) == sorted(in_lake(tmp_path)["alert_id"]) == [f"{n:032x}" for n in range(40)]
    assert not any("password" in line or database.dsn in line for line in lines)


def test_a_second_process_stands_by(topics: Topics, database: Database, tmp_path: Path) -> None:
    from jobs.land.store import LANDING, Store

    topics.publish(topics.alerts, wire(range(5)))
    first = Store(database.dsn)
    assert first.lock(LANDING)
    waiting, lines = threading.Event(), []

    def say(line: str) -> None:
        lines.append(line)
        waiting.set()

    worker = threading.Thread(target=land, args=(topics.landing(database.dsn, tmp_path), threading.Event(), say))
    worker.start()
    assert waiting.wait(30) and "standing by" in lines[0]
    assert in_postgres(database.dsn) == []
    first.close()
    worker.join(30)
    assert len(in_postgres(database.dsn)) == 5


def test_new_alerts_are_told_to_the_watcher_once(topics: Topics, database: Database, tmp_path: Path) -> None:
    told: list[str] = []
    topics.publish(topics.alerts, wire([1, 2, 2, 1]))
    watch = lambda alerts: told.extend(a["title"] for a in alerts)  # noqa: E731
    for _ in range(2):
        land(topics.landing(database.dsn, tmp_path), threading.Event(), print, watch)
    assert sorted(told) == ["alert 1", "alert 2"]


def test_a_missing_topic_and_a_silent_broker_are_faults(
    topics: Topics, stack: StackState, database: Database, tmp_path: Path
) -> None:
    from dataclasses import replace

    from ingest.publisher import Broker

    what = topics.landing(database.dsn, tmp_path)
    with pytest.raises(RunFault, match="no topic test-absent"):
        run(replace(what, alerts="test-absent"))
    with pytest.raises(RunFault, match="does not answer"):
        run(replace(what, broker=Broker("127.0.0.1:1", timeout_s=0.5)))


def test_partitions_added_later_are_read(topics: Topics, stack: StackState, database: Database, tmp_path: Path) -> None:
    from confluent_kafka.admin import AdminClient, NewPartitions

    from ingest.publisher import Broker
    from jobs.reader import Reader

    reader = Reader(Broker(stack.bootstrap), (topics.alerts,), (ALERT,), "test", print)
    reader.start({})
    admin = AdminClient({"bootstrap.servers": stack.bootstrap})
    for future in admin.create_partitions([NewPartitions(topics.alerts, 5)]).values():
        future.result(30)
    producer = Producer({"bootstrap.servers": stack.bootstrap})
    producer.produce(topics.alerts, wire([1])[0], partition=4)
    producer.flush()
    found: list[Any] = []
    while not found:
        reader.discover()
        found = reader.read(10, 1.0)
    assert found[0].partition() == 4
    reader.close()
