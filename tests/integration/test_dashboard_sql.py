"""Every query of the dashboards on a real PostgreSQL that the pipeline filled, as the role that may only read."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from detectors.catalog import DETECTORS
from detectors.site import parse_site
from infra.grafana.generate import dashboards
from infra.stack import StackState
from jobs.land.run import land
from schemas.records import ALERT
from schemas.types import TELEMETRY_DOMAINS
from schemas.wire import encode
from tests.conftest import Database, new_database
from tests.engine.examples import records_of
from tests.engine.test_detectors import run as run_engine
from tests.integration.grafana_sql import Range, expand, interpolate
from tests.integration.landing import deadletter, own_topics

BOARDS = dashboards()
QUERIES = [
    pytest.param(panel["type"], target["format"], target["rawSql"], id=f"{panel['title']} {target['refId']}")
    for board in BOARDS.values()
    for panel in board["panels"]
    for target in panel["targets"]
]
#: PostgreSQL's type ids that Grafana takes as numbers and as text.
NUMBERS = {20, 21, 23, 700, 701, 1700}
TEXTS = {25, 1043}
TIMES = {1114, 1184}


@pytest.fixture(scope="module")
def filled(stack: StackState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database with the alerts of every detector's examples, landed from Kafka, and some dead letters."""
    now = datetime.now(UTC)
    alerts = [{**row, "detected": now - timedelta(seconds=index)} for index, row in enumerate(_alerts())]
    letters = [
        deadletter(topic="telemetry.meter", partition=0, offset=n, reason=("broken body", "empty")[n % 2])
        for n in range(9)
    ]
    with own_topics(stack.bootstrap) as topics, new_database(stack) as database:
        topics.publish(topics.alerts, [encode(ALERT, alert) for alert in alerts])
        topics.publish(topics.deadletters, letters)
        lake: Path = tmp_path_factory.mktemp("lake")
        land(topics.landing(database.dsn, lake), threading.Event(), print)
        yield database


def _alerts() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for detector in DETECTORS:
        for example in detector.examples:
            site = parse_site(dict(example.site), "example")
            for frame in run_engine(detector, site, records_of(detector, example), []):
                found += frame.to_dicts()
    return found


@pytest.fixture(scope="module")
def reader(filled: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(filled.reader_dsn, autocommit=True, options="-c timezone=UTC") as connection:
        yield connection


@pytest.fixture(scope="module")
def over() -> Range:
    now = datetime.now(UTC)
    return Range(now - timedelta(hours=1), now + timedelta(minutes=5))


def variables(**chosen: Any) -> dict[str, Any]:
    """What the dashboard's variables hold when it is opened, or as chosen."""
    detector = next(v for v in BOARDS["overview.json"]["templating"]["list"] if v["name"] == "detector")
    return {
        "domain": [domain.value for domain in TELEMETRY_DOMAINS],
        "severity": "1",
        "detector": detector["allValue"],
        **chosen,
    }


def ask(reader: psycopg.Connection, sql: str) -> tuple[list[tuple[str, int]], list[tuple[Any, ...]]]:
    cursor = reader.execute(sql)  # type: ignore[arg-type]
    assert cursor.description is not None
    return [(column.name, column.type_code) for column in cursor.description], cursor.fetchall()


@pytest.mark.parametrize(("kind", "shape", "sql"), QUERIES)
def test_panel_query_gives_what_its_panel_needs(
    kind: str, shape: str, sql: str, reader: psycopg.Connection, over: Range
) -> None:
    columns, rows = ask(reader, expand(interpolate(sql, variables()), over))
    assert rows, "the panel would be empty"
    names, types = [name for name, _ in columns], [code for _, code in columns]
    assert len(set(names)) == len(names)
    if kind == "timeseries":
        assert shape == "time_series" and names == ["time", "metric", "value"]
        assert types[0] in NUMBERS | TIMES and types[1] in TEXTS and types[2] in NUMBERS
        assert [row[0] for row in rows] == sorted(row[0] for row in rows), "Grafana wants rising times"
    elif kind == "stat":
        assert len(rows) == 1 and len(columns) == 1 and types[0] in NUMBERS and rows[0][0] is not None
    elif kind in ("bargauge", "piechart"):
        assert types[0] in TEXTS and types[1] in NUMBERS and len(columns) == 2
        assert len({row[0] for row in rows}) == len(rows)
    else:
        assert kind == "table"
        assert set(types) <= NUMBERS | TEXTS | TIMES


def test_columns_that_tables_set_up_are_there(reader: psycopg.Connection, over: Range) -> None:
    for board in BOARDS.values():
        for panel in board["panels"]:
            if panel["type"] == "table":
                columns, _ = ask(reader, expand(interpolate(panel["targets"][0]["rawSql"], variables()), over))
                names = {name for name, _ in columns}
                assert {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]} <= names
                assert {sort["displayName"] for sort in panel["options"].get("sortBy", [])} <= names


def test_variables_and_annotations(reader: psycopg.Connection, over: Range) -> None:
    for board in BOARDS.values():
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                columns, rows = ask(reader, expand(variable["query"], over))
                assert len(columns) == 1 and columns[0][1] in TEXTS and rows
        for annotation in board["annotations"]["list"]:
            columns, rows = ask(reader, expand(interpolate(annotation["target"]["rawSql"], variables()), over))
            assert [name for name, _ in columns] == ["time", "text", "tags"] and rows


def test_choosing_leaves_less(reader: psycopg.Connection, over: Range) -> None:
    total = next(t.values[2] for t in QUERIES if t.id == "Alerts A")

    def count(**chosen: Any) -> int:
        _, rows = ask(reader, expand(interpolate(str(total), variables(**chosen)), over))
        return int(rows[0][0])

    everything = count()
    assert 0 < count(severity="4") < everything
    assert sum(count(domain=[domain.value]) for domain in TELEMETRY_DOMAINS) == everything
    assert 0 < count(detector=["rogue_master"]) < everything
    assert count(detector=["it's none"]) == 0


def test_the_reader_cannot_write(reader: psycopg.Connection) -> None:
    for statement in ("DELETE FROM alert", "CREATE TABLE x (y int)", "UPDATE lake_file SET rows = 0"):
        with pytest.raises((psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.InsufficientPrivilege)):
            reader.execute(statement)  # type: ignore[arg-type]
    reader.execute("SET default_transaction_read_only = off")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("DELETE FROM alert")
    reader.execute("SET default_transaction_read_only = on")


def test_every_query_runs_on_an_empty_database(stack: StackState, over: Range) -> None:
    from infra.database import prepare

    with new_database(stack) as database:
        with psycopg.connect(database.dsn, autocommit=True) as owner:
            prepare(owner)
        with psycopg.connect(database.reader_dsn) as connection:
            for query in QUERIES:
                ask(connection, expand(interpolate(str(query.values[2]), variables()), over))


def test_an_unknown_macro_is_an_error(over: Range) -> None:
    with pytest.raises(ValueError, match="timeFliter"):
        expand("SELECT 1 WHERE $__timeFliter(x)", over)
