"""Every query of the dashboards on a real PostgreSQL that the pipeline filled, as the role that may only read."""

import re
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
from jobs.land.catalogue import keep
from jobs.land.run import land
from jobs.land.suppressions import Scope, Suppression
from jobs.observe.store import Store
from jobs.observe.views import Observer
from jobs.places import Place, write_places
from jobs.triage.lifecycle import Action, Change, Verdict, apply
from schemas.records import ALERT, METER_READING
from schemas.types import TELEMETRY_DOMAINS, Domain
from schemas.wire import encode
from tests.conftest import Database, new_database
from tests.engine.examples import filled as filled_in
from tests.engine.examples import records_of
from tests.engine.test_detectors import run as run_engine
from tests.integration.grafana_sql import Range, expand, interpolate, opened
from tests.integration.landing import deadletter, own_topics

BOARDS = dashboards()
#: The detector whose alerts a suppression hides.
HIDDEN = "register_rollback"
QUERIES = [
    pytest.param(
        name, panel["type"], target["format"], target["rawSql"], id=f"{name}: {panel['title']} {target['refId']}"
    )
    for name, board in BOARDS.items()
    for panel in board["panels"]
    for target in panel.get("targets", [])
    if "rawSql" in target
]
#: PostgreSQL's type ids that Grafana takes as numbers and as text.
NUMBERS = {20, 21, 23, 700, 701, 1700}
TEXTS = {25, 1043}
TIMES = {1114, 1184}


@pytest.fixture(scope="module")
def filled(stack: StackState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database with the alerts of every detector's examples, landed from Kafka, and some dead letters."""
    now = datetime.now(UTC)
    alerts = [
        {**row, "detected": now - timedelta(seconds=index), "capture": "station's.pcap", "frames": [7, index + 8]}
        for index, row in enumerate(_alerts())
    ]
    letters = [
        deadletter(topic="telemetry.meter", partition=0, offset=n, reason=("broken body", "empty")[n % 2])
        for n in range(9)
    ]
    with own_topics(stack.bootstrap) as topics, new_database(stack) as database:
        topics.publish(topics.alerts, [encode(ALERT, alert) for alert in alerts])
        topics.publish(topics.deadletters, letters)
        lake: Path = tmp_path_factory.mktemp("lake")
        land(topics.landing(database.dsn, lake, suppressions=(_hiding(alerts),)), threading.Event(), print)
        _observe(database, now)
        _place(database)
        yield database


def _hiding(alerts: list[dict[str, Any]]) -> Suppression:
    """What hides the alerts of one detector."""
    own = [alert for alert in alerts if alert["detector"] == HIDDEN]
    begins = min(alert["time"] for alert in own)
    return Suppression(
        id="quiet",
        scope=Scope(detector=HIDDEN),
        reason="tested",
        owner="anna",
        reviewed_by="ben",
        begins=begins,
        expires=begins + timedelta(days=300),
    )


def _observe(database: Database, now: datetime) -> None:
    """Sums of what the detectors' examples hold: some came hours ago, some half an hour ago, some both times."""
    observer = Observer()
    records = [r for d in DETECTORS if d.record.domain.observed for e in d.examples for r in records_of(d, e)]
    for left_out, ago in ((0, timedelta(hours=3)), (1, timedelta(minutes=30))):
        for number, (schema, fields) in enumerate(records):
            if number % 3 == left_out:
                continue
            observer.add(schema, round((now - ago).timestamp() * 1e6) + 1000 * number, fields)
    gone = filled_in(METER_READING, {"meter": "gone", "transformer": "T1"})
    observer.add(METER_READING, round((now - timedelta(hours=3)).timestamp() * 1e6), gone)
    store = Store(database.landing_dsn)
    store.add(observer.take(), "examples", {})
    store.close()


def _place(database: Database) -> None:
    """Every other site with incidents has a place."""
    with psycopg.connect(database.dsn, autocommit=True) as owner:
        sites = [row[0] for row in owner.execute("SELECT DISTINCT site FROM incident ORDER BY 1")]
        write_places(owner, {site: Place(48.0 + n, 11.0) for n, site in enumerate(sites[::2])})


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


@pytest.fixture(scope="module")
def chosen(filled: Database) -> dict[str, str]:
    """An incident with others beside it and its entity; people have worked on both."""
    with psycopg.connect(filled.dsn, autocommit=True) as connection:
        found = connection.execute(
            "SELECT i.incident_id, i.entity FROM incident i JOIN incident o ON o.entity = i.entity AND o.incident_id <> "
            "i.incident_id JOIN alert a ON a.incident_id = i.incident_id AND a.source IS NOT NULL "
            "ORDER BY i.severity_id DESC, 1 LIMIT 1"
        ).fetchone()
        assert found is not None
        closed = connection.execute(
            "SELECT incident_id FROM incident WHERE incident_id <> %s ORDER BY 1 LIMIT 9", (found[0],)
        ).fetchall()
        apply(connection, found[0], 0, Change(Action.ACKNOWLEDGE, "anna"))
        apply(connection, found[0], 1, Change(Action.COMMENT, "anna", comment="looked at"))
        for number, (incident,) in enumerate(closed):
            verdict = (Verdict.FALSE_POSITIVE, Verdict.TRUE_POSITIVE)[number % 2]
            apply(connection, incident, 0, Change(Action.CLOSE, "otto", verdict=verdict))
    return {"incident": found[0], "entity": found[1]}


def ask(reader: psycopg.Connection, sql: str) -> tuple[list[tuple[str, int]], list[tuple[Any, ...]]]:
    cursor = reader.execute(sql)  # type: ignore[arg-type]
    assert cursor.description is not None
    return [(column.name, column.type_code) for column in cursor.description], cursor.fetchall()


@pytest.mark.parametrize(("name", "kind", "shape", "sql"), QUERIES)
def test_panel_query_gives_what_its_panel_needs(
    name: str, kind: str, shape: str, sql: str, reader: psycopg.Connection, over: Range, chosen: dict[str, str]
) -> None:
    columns, rows = ask(reader, expand(interpolate(sql, opened(BOARDS[name], **chosen)), over))
    assert rows, "the panel would be empty"
    names, types = [name for name, _ in columns], [code for _, code in columns]
    assert len(set(names)) == len(names)
    if kind in ("timeseries", "state-timeline"):
        assert shape == "time_series" and names == ["time", "metric", "value"]
        assert types[0] in NUMBERS | TIMES and types[1] in TEXTS and types[2] in NUMBERS
        assert [row[0] for row in rows] == sorted(row[0] for row in rows), "Grafana wants rising times"
    elif kind == "stat":
        assert len(rows) == 1 and len(columns) == 1 and types[0] in NUMBERS and rows[0][0] is not None
    elif kind in ("bargauge", "piechart"):
        assert types[0] in TEXTS and types[1] in NUMBERS and len(columns) == 2
        assert len({row[0] for row in rows}) == len(rows)
    elif kind == "geomap":
        assert {"latitude", "longitude"} <= set(names)
        for row in rows:
            where = dict(zip(names, row, strict=True))
            assert isinstance(where["latitude"], float) and isinstance(where["longitude"], float)
    else:
        assert kind in ("table", "nodeGraph")
        assert set(types) <= NUMBERS | TEXTS | TIMES


def test_a_graph_holds_together(reader: psycopg.Connection, over: Range) -> None:
    for board in BOARDS.values():
        for panel in board["panels"]:
            if panel["type"] == "nodeGraph":
                frames = {}
                for target in panel["targets"]:
                    columns, rows = ask(reader, expand(interpolate(target["rawSql"], opened(board)), over))
                    frames[target["refId"]] = [dict(zip([n for n, _ in columns], row, strict=True)) for row in rows]
                nodes = {node["id"] for node in frames["nodes"]}
                assert len(nodes) == len(frames["nodes"]) and len({e["id"] for e in frames["edges"]}) == len(
                    frames["edges"]
                )
                assert {edge[end] for edge in frames["edges"] for end in ("source", "target")} == nodes
                for node in frames["nodes"]:
                    assert sum(value for name, value in node.items() if name.startswith("arc__")) == pytest.approx(1)
                drawn = {arc["field"] for arc in panel["options"]["nodes"]["arcs"]}
                assert drawn == {name for name in frames["nodes"][0] if name.startswith("arc__")}


def test_columns_that_tables_set_up_are_there(reader: psycopg.Connection, over: Range, chosen: dict[str, str]) -> None:
    for board in BOARDS.values():
        for panel in board["panels"]:
            if panel["type"] == "table":
                sql = interpolate(panel["targets"][0]["rawSql"], opened(board, **chosen))
                columns, _ = ask(reader, expand(sql, over))
                names = {name for name, _ in columns}
                overrides = panel["fieldConfig"]["overrides"]
                assert {override["matcher"]["options"] for override in overrides} <= names
                assert {sort["displayName"] for sort in panel["options"].get("sortBy", [])} <= names
                assert set(re.findall(r"__data\.fields\.(\w+)", str(overrides))) <= names, "what links are made of"


def test_variables_and_annotations(reader: psycopg.Connection, over: Range, chosen: dict[str, str]) -> None:
    for board in BOARDS.values():
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                columns, rows = ask(reader, expand(variable["query"], over))
                assert len(columns) == 1 and columns[0][1] in TEXTS and rows
        for annotation in board["annotations"]["list"]:
            sql = interpolate(annotation["target"]["rawSql"], opened(board, **chosen))
            columns, rows = ask(reader, expand(sql, over))
            assert [name for name, _ in columns] == ["time", "text", "tags"] and rows


def one_number(reader: psycopg.Connection, over: Range, name: str, panel: str, **variables: Any) -> int:
    (sql,) = (str(t.values[3]) for t in QUERIES if t.id == f"{name}: {panel} A")
    _, rows = ask(reader, expand(interpolate(sql, opened(BOARDS[name], **variables)), over))
    return int(rows[0][0])


def test_choosing_leaves_less(reader: psycopg.Connection, over: Range) -> None:
    def count(**chosen: Any) -> int:
        return one_number(reader, over, "overview.json", "Alerts", **chosen)

    everything = count()
    assert 0 < count(severity="4") < everything
    assert sum(count(domain=[domain.value]) for domain in (*TELEMETRY_DOMAINS, Domain.CORRELATION)) == everything
    assert 0 < count(detector=["rogue_master"]) < everything
    assert count(detector=["it's none"]) == 0


def test_times_of_days_count_the_same_from_slots_of_an_hour(reader: psycopg.Connection, over: Range) -> None:
    days = Range(over.end - timedelta(days=3), over.end, "1h")
    short = Range(over.end - timedelta(hours=40), over.end, "1h")
    for name, panel in (
        ("overview.json", "Alerts"),
        ("overview.json", "Event to alert, p99"),
        ("substation.json", "Refused"),
        ("vehicles.json", "CAN frames"),
        ("vehicles.json", "Stations heard"),
    ):
        assert one_number(reader, short, name, panel) == one_number(reader, days, name, panel) > 0


def test_choosing_leaves_fewer_incidents(reader: psycopg.Connection, over: Range, chosen: dict[str, str]) -> None:
    def count(**chosen: Any) -> int:
        return one_number(reader, over, "incidents.json", "High and critical", **chosen)

    everything = count()
    assert count(assignee=["anna"]) == 1 and count(assignee=["nobody"]) == everything - 1
    assert count(status=["open"]) == everything - 1 and count(status=["closed"]) == 0
    assert 0 < count(detector=["rogue_master"]) < everything
    assert count(site=["it's none"]) == 0


def test_an_incident_that_is_none_and_one_with_a_quote(reader: psycopg.Connection, over: Range) -> None:
    for name, kind, _, sql in (query.values for query in QUERIES):
        if name in ("incident.json", "entity.json"):
            given = {"incident": "it's none", "entity": "it's none"}
            _, rows = ask(reader, expand(interpolate(str(sql), opened(BOARDS[str(name)], **given)), over))
            assert not rows or kind == "stat"


def test_landing_tells_the_catalogue(filled: Database, reader: psycopg.Connection) -> None:
    known = reader.execute("SELECT detector FROM detector WHERE current").fetchall()
    assert {row[0] for row in known} == {detector.id for detector in DETECTORS}
    row = reader.execute("SELECT title, tactics, gap FROM threat WHERE threat = 'SG-17'").fetchone()
    assert row == ("Rogue master talks to an outstation", ["initial-access"], None)
    with psycopg.connect(filled.dsn, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO detector SELECT 'of_old', version, threat, technique, technique_name, tactics,"
            " severity_id, domain, record, needs, current FROM detector LIMIT 1"
        )
    with psycopg.connect(filled.landing_dsn, autocommit=True) as landing:
        keep(landing)
    assert reader.execute("SELECT detector FROM detector WHERE NOT current").fetchall() == [("of_old",)]


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
                name, _, _, sql = query.values
                ask(connection, expand(interpolate(str(sql), opened(BOARDS[str(name)])), over))


def test_an_unknown_macro_is_an_error(over: Range) -> None:
    with pytest.raises(ValueError, match="timeFliter"):
        expand("SELECT 1 WHERE $__timeFliter(x)", over)
