"""The queries of the alert rules on a real PostgreSQL, as Grafana's role: an instance comes with its incident and goes with its cause."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.database import prepare
from infra.grafana.alert_rules import GROUPS, MAX_DEADLETTERS, MAX_INSTANCES, MAX_LAG, MAX_LANDING_MIN, WITHIN_MIN, Rule
from infra.grafana.postgres_query import SOURCE
from infra.stack import StackState
from jobs.land.run import land
from jobs.triage.lifecycle import Action, Change, Verdict, apply
from schemas.records import ALERT
from schemas.wire import encode
from tests.conftest import Database
from tests.integration.console import landed
from tests.integration.landing import alert, own_topics

RULES = {rule.uid: rule for group in GROUPS for rule in group.rules if rule.source is SOURCE}
#: PostgreSQL's type ids that Grafana takes as numbers and as text.
NUMBERS = {20, 21, 23, 700, 701, 1700}
TEXTS = {25, 1043}


def fires(database: Database, uid: str) -> dict[tuple[str, ...], float]:
    """The instances of a rule that are above its threshold, by their labels but for titles, as Grafana would make them.

    Of a table, it makes one instance a row where exactly one column is a number and all others are text; two rows with the same
    labels are an error.
    """
    rule = RULES[uid]
    with psycopg.connect(database.reader_dsn) as reader:
        cursor = reader.execute(rule.query)  # type: ignore[arg-type]
        assert cursor.description is not None
        types = [column.type_code for column in cursor.description]
        assert set(types[:-1]) <= TEXTS and types[-1] in NUMBERS, uid
        rows = cursor.fetchall()
    assert len({row[:-1] for row in rows}) == len(rows), "two instances with the same labels"
    assert all(label is not None for row in rows for label in row[:-1])
    return {row[:-2] if rule.incident else row[:-1]: row[-1] for row in rows if row[-1] > rule.above}


def incidents(database: Database, uid: str) -> list[str]:
    return sorted(labels[0] for labels in fires(database, uid))


def do(database: Database, incident_id: str, action: Action, **own: Any) -> None:
    with psycopg.connect(database.dsn) as connection:
        apply(connection, incident_id, None, Change(action, "otto", **own))


def run(database: Database, statement: str) -> None:
    with psycopg.connect(database.dsn) as connection:
        connection.execute(statement)  # type: ignore[arg-type]


def own(number: int, **fields: Any) -> dict[str, Any]:
    """An alert with a dedup key of its own."""
    return alert(number, dedup=f"rogue_master|{number}", **fields)


@pytest.fixture(autouse=True)
def _tables(database: Database) -> Iterator[None]:
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        prepare(connection)
    yield


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_nothing_fires_on_an_empty_database(rule: Rule, database: Database) -> None:
    assert fires(database, rule.uid) == {}


def test_a_critical_incident_fires_until_somebody_takes_it_up(database: Database) -> None:
    first, second, high = own(4), own(9), own(3)
    landed(database.landing_dsn, first, second, high)
    assert incidents(database, "gridwatch-critical") == [first["alert_id"], second["alert_id"]]
    (labels,) = [labels for labels in fires(database, "gridwatch-critical") if labels[0] == first["alert_id"]]
    assert labels == (first["alert_id"], "critical", first["site"], "rogue_master", first["entity"])
    do(database, first["alert_id"], Action.ACKNOWLEDGE)
    assert incidents(database, "gridwatch-critical") == [second["alert_id"]]
    do(database, second["alert_id"], Action.CLOSE, verdict=Verdict.TEST)
    assert incidents(database, "gridwatch-critical") == []
    do(database, second["alert_id"], Action.REOPEN)
    assert incidents(database, "gridwatch-critical") == [second["alert_id"]]


def test_an_incident_is_overdue_after_the_time_of_its_severity(database: Database) -> None:
    by_severity = {number % 5 + 1: own(number) for number in range(5)}
    landed(database.landing_dsn, *by_severity.values())

    def overdue(minutes: float) -> list[int]:
        run(database, f"UPDATE incident SET since = now() - interval '{minutes} minutes'")
        ids = incidents(database, "gridwatch-overdue")
        return sorted(severity for severity, one in by_severity.items() if one["alert_id"] in ids)

    assert overdue(0) == []
    assert overdue(WITHIN_MIN[5] - 0.5) == []
    assert overdue(WITHIN_MIN[5] + 0.5) == [5]
    assert overdue(WITHIN_MIN[4] + 0.5) == [4, 5]
    assert overdue(WITHIN_MIN[3] + 0.5) == [3, 4, 5]
    waits = fires(database, "gridwatch-overdue").values()
    assert all(minutes == pytest.approx(WITHIN_MIN[3] + 0.5, abs=0.1) for minutes in waits)
    do(database, by_severity[5]["alert_id"], Action.ACKNOWLEDGE)
    do(database, by_severity[4]["alert_id"], Action.CLOSE, verdict=Verdict.BENIGN)
    assert incidents(database, "gridwatch-overdue") == [by_severity[3]["alert_id"]]
    # Opened again, its time begins anew.
    do(database, by_severity[4]["alert_id"], Action.REOPEN)
    assert incidents(database, "gridwatch-overdue") == [by_severity[3]["alert_id"]]


def test_a_storm_fires_until_it_is_closed(database: Database) -> None:
    alerts = [own(n, site="site-1", domain="meter", severity_id=4) for n in range(55)]
    landed(database.landing_dsn, *alerts)
    (storm,) = fires(database, "gridwatch-storm").items()
    labels, count = storm
    assert labels[0] == alerts[50]["alert_id"] and count == 5
    do(database, labels[0], Action.ACKNOWLEDGE)
    assert incidents(database, "gridwatch-storm") == [labels[0]], "it rages on, whoever looks after it"
    do(database, labels[0], Action.CLOSE, verdict=Verdict.TRUE_POSITIVE)
    assert incidents(database, "gridwatch-storm") == []


def test_many_incidents_are_many_instances_but_not_without_end(database: Database) -> None:
    alerts = [own(n, site=f"site-{n}", severity_id=5) for n in range(MAX_INSTANCES + 20)]
    landed(database.landing_dsn, *alerts)
    newest = own(9999, severity_id=5)
    landed(database.landing_dsn, newest)
    found = incidents(database, "gridwatch-critical")
    assert len(found) == MAX_INSTANCES and newest["alert_id"] in found


def test_names_from_the_wire_stay_labels(database: Database) -> None:
    wild = own(4, entity="x" * 5000, title='"quoted" {{ end }}\n' + "y" * 5000, site="")
    landed(database.landing_dsn, wild)
    (labels,) = fires(database, "gridwatch-critical")
    assert labels[0] == wild["alert_id"] and len(labels[4]) == 200


def test_landing_that_gives_no_sign_of_life_fires(database: Database, stack: StackState, tmp_path: Path) -> None:
    """A run of the landing step is the sign of life; it also says how much waits."""
    with own_topics(stack.bootstrap) as topics:
        topics.publish(topics.alerts, [encode(ALERT, own(n)) for n in range(3)])
        land(topics.landing(database.dsn, tmp_path), threading.Event(), lambda _: None)
    with psycopg.connect(database.dsn) as connection:
        ends = connection.execute(
            "SELECT sum(end_offset), sum(next_offset), bool_and(seen IS NOT NULL) FROM landed_position"
        ).fetchone()
    assert ends == (3, 3, True)
    assert fires(database, "gridwatch-landing") == {} == fires(database, "gridwatch-lag")
    run(database, f"UPDATE landed_position SET seen = now() - interval '{MAX_LANDING_MIN} minutes 10 seconds'")
    ((_, minutes),) = fires(database, "gridwatch-landing").items()
    assert minutes == pytest.approx(MAX_LANDING_MIN + 1 / 6, abs=0.1)
    run(database, "UPDATE landed_position SET seen = now() - interval '40 days'")
    assert fires(database, "gridwatch-landing") == {}, "a cluster that was given up"


def test_lag_fires_by_topic(database: Database) -> None:
    landed(database.landing_dsn, own(1))
    run(database, f"UPDATE landed_position SET seen = now(), end_offset = next_offset + {MAX_LAG}")
    assert fires(database, "gridwatch-lag") == {}
    run(database, "UPDATE landed_position SET end_offset = end_offset + 1")
    assert fires(database, "gridwatch-lag") == {("alerts",): MAX_LAG + 1}
    run(database, "UPDATE landed_position SET next_offset = end_offset")
    assert fires(database, "gridwatch-lag") == {}


def test_dead_letters_fire_by_stage_and_reason_for_a_quarter_of_an_hour(database: Database) -> None:
    insert = "INSERT INTO deadletter_rollup SELECT date_bin('5 minutes', now(), 'epoch'), 'detect meter', topic, 'broken body', {} "
    run(database, insert.format(MAX_DEADLETTERS / 2) + "FROM (VALUES ('a'), ('b')) AS of (topic)")
    assert fires(database, "gridwatch-deadletters") == {}
    run(database, insert.format(1) + "FROM (VALUES ('c')) AS of (topic)")
    assert fires(database, "gridwatch-deadletters") == {("detect meter", "broken body"): MAX_DEADLETTERS + 1}
    run(database, "UPDATE deadletter_rollup SET slot = slot - interval '20 minutes'")
    assert fires(database, "gridwatch-deadletters") == {}


def test_a_detector_that_fired_every_day_and_stops_fires(database: Database) -> None:
    now = datetime.now(UTC)
    every_day = [now - timedelta(days=day, hours=3) for day in range(1, 8)]
    rare = every_day[::3]
    landed(
        database.landing_dsn,
        *(own(n, detector="daily", detected=time) for n, time in enumerate(every_day)),
        *(own(100 + n, detector="rare", detected=time) for n, time in enumerate(rare)),
        *(own(200 + n, detector="alive", detected=time) for n, time in enumerate([*every_day, now])),
    )
    assert fires(database, "gridwatch-silent") == {("daily",): pytest.approx(27, abs=0.2)}
    landed(database.landing_dsn, own(300, detector="daily", detected=now))
    assert fires(database, "gridwatch-silent") == {}
