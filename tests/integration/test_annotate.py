"""Annotations: one an incident of severity high or above, exactly once, on a real PostgreSQL and a stub that is no Grafana."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from infra.grafana.annotate import MAX_TAG, MAX_TEXT, MIN_SEVERITY, Annotator, annotation
from infra.grafana.client import Grafana, connect
from schemas.errors import ConfigFault
from tests.conftest import Database
from tests.integration.console import landed, rows
from tests.integration.landing import alert
from tests.unit.grafana_stub import TOKEN, Stub

CONSOLE = "https://soc.example.org"


@pytest.fixture
def stub() -> Iterator[Stub]:
    server = Stub()
    yield server
    server.close()


def own(number: int, **fields: Any) -> dict[str, Any]:
    """An alert with a dedup key of its own, at a site of its own: no storm."""
    return alert(number, dedup=f"rogue_master|{number}", site=f"site-{number}", **fields)


def annotator(stub: Stub, database: Database, say: Callable[[str], None] = print, token: str = TOKEN) -> Annotator:
    api = connect(Grafana(stub.url, token))
    return Annotator(api, database.landing_dsn, CONSOLE, say, rate=1000, backoff_s=(0.05, 0.1))


def run_once(stub: Stub, database: Database) -> Annotator:
    one = annotator(stub, database)
    one.close()
    return one


def annotated(stub: Stub) -> list[str]:
    """Ids of incidents, once for each annotation."""
    return sorted(
        tag.removeprefix("incident:") for one in stub.annotations for tag in one["tags"] if "incident:" in tag
    )


def test_grave_incidents_once_each_whatever_is_landed_and_started_again(stub: Stub, database: Database) -> None:
    alerts = [own(n) for n in range(10)]
    landed(database.landing_dsn, *alerts)
    grave = sorted(a["alert_id"] for a in alerts if a["severity_id"] >= MIN_SEVERITY)
    assert len(grave) == 4
    assert run_once(stub, database).line() == "annotations: sent 4, there already 0, refused 0"
    assert annotated(stub) == grave
    # The same again, a further alert of the same incident, and another start.
    landed(database.landing_dsn, *alerts, alert(99, dedup=alerts[4]["dedup"], severity_id=5))
    assert run_once(stub, database).sent == 0
    assert annotated(stub) == grave


def test_what_it_says(stub: Stub, database: Database) -> None:
    one = own(4)
    landed(database.landing_dsn, one)
    run_once(stub, database)
    (made,) = stub.annotations
    ((opened,),) = rows(database.dsn, "SELECT opened FROM incident")
    assert made["time"] == int(opened.timestamp() * 1000), "not the time that a sender chose"
    incident = f"incident:{one['alert_id']}"
    assert made["tags"] == ["gridwatch", "critical", "substation", "rogue_master", "T0848", incident]
    assert made["text"] == f"alert 4 ({one['site']}, {one['entity']})\n{CONSOLE}/incidents/{one['alert_id']}"


def test_an_incident_that_becomes_grave_gets_its_own_then(stub: Stub, database: Database) -> None:
    landed(database.landing_dsn, own(2, severity_id=3))
    assert run_once(stub, database).sent == 0
    landed(database.landing_dsn, alert(3, dedup="rogue_master|2", site="site-2", severity_id=4))
    assert run_once(stub, database).sent == 1
    landed(database.landing_dsn, alert(8, dedup="rogue_master|2", site="site-2", severity_id=5))
    assert run_once(stub, database).sent == 0


def test_killed_between_both_servers_it_writes_none_twice(stub: Stub, database: Database) -> None:
    """Grafana has the annotation, PostgreSQL does not know it yet."""
    landed(database.landing_dsn, own(4), own(9))
    run_once(stub, database)
    with psycopg.connect(database.dsn) as connection:
        connection.execute("UPDATE incident SET annotated = NULL")
    again = run_once(stub, database)
    assert (again.sent, again.known) == (0, 2) and len(stub.annotations) == 2


def test_two_processes_write_none_twice(stub: Stub, database: Database) -> None:
    landed(database.landing_dsn, *(own(5 * n + 4) for n in range(30)))
    both = [annotator(stub, database), annotator(stub, database)]
    for one in both:
        one.close()
    assert len(annotated(stub)) == len(set(annotated(stub))) == 30
    assert sum(one.sent for one in both) == 30 and sum(one.known for one in both) == 0


def test_a_grafana_that_refuses_is_told_once_and_gets_them_later(stub: Stub, database: Database) -> None:
    said: list[str] = []
    asked: list[object] = []

    def broken(*what: object) -> tuple[int, dict[str, str]]:
        asked.append(what)
        return 503, {"message": "out of order"}

    stub.before = broken
    landed(database.landing_dsn, own(4))
    one = annotator(stub, database, said.append)
    eventually(lambda: len(asked) >= 4)
    assert len(said) == 1 and "out of order" in said[0] and TOKEN not in said[0]
    stub.before = lambda *_: None
    eventually(lambda: one.sent == 1)
    landed(database.landing_dsn, own(9))
    one([])
    eventually(lambda: one.sent == 2)
    one.close()
    assert len(stub.annotations) == 2


def test_one_that_is_refused_for_ever_does_not_hold_up_the_others(stub: Stub, database: Database) -> None:
    first = iter([(400, {"message": "bad request"})])
    stub.before = lambda *_: next(first, None)
    landed(database.landing_dsn, own(4), own(9))
    assert run_once(stub, database).line() == "annotations: sent 1, there already 0, refused 1"
    assert run_once(stub, database).sent == 0


def test_a_wrong_token_or_nobody_there_keeps_them_waiting(stub: Stub, database: Database) -> None:
    landed(database.landing_dsn, own(4))
    said: list[str] = []
    one = annotator(stub, database, said.append, TOKEN + "x")
    eventually(lambda: bool(said))
    one.close()
    assert "Unauthorized" in said[0] and one.sent == 0
    nobody = connect(Grafana("http://127.0.0.1:9", TOKEN))
    two = Annotator(nobody, database.landing_dsn, CONSOLE, said.append)
    two.close()
    assert len(said) == 2 and run_once(stub, database).sent == 1


def test_a_storm_is_one(stub: Stub, database: Database) -> None:
    alerts = [alert(n, dedup=f"d|{n}", site="site-1", domain="meter", severity_id=4) for n in range(60)]
    landed(database.landing_dsn, *alerts)
    assert run_once(stub, database).sent == 51


def test_waiting_ones_are_found_by_their_index(database: Database) -> None:
    landed(database.landing_dsn, *(own(n) for n in range(10)))
    with psycopg.connect(database.landing_dsn) as connection:
        connection.execute("SET enable_seqscan = off")
        plan = connection.execute(
            "EXPLAIN SELECT 1 FROM incident WHERE annotated IS NULL AND severity_id >= 4 ORDER BY opened LIMIT 100"
        ).fetchall()
    assert "incident_unannotated" in str(plan)


def test_names_from_the_wire_are_cut() -> None:
    wild = {
        "incident_id": "a b&c" * 100, "severity_id": 5, "domain": "meter", "detector": "d" * 500, "technique": "", "site": "s",
        "entity": "e" * 5000, "title": "t" * 5000, "opened": datetime(2026, 3, 2, tzinfo=UTC),
    }  # fmt: skip
    made = annotation(wild, CONSOLE)
    assert all(0 < len(tag) <= MAX_TAG for tag in made["tags"])
    short = annotation(wild | {"incident_id": "3f2a91"}, CONSOLE)
    assert len(short["text"]) == MAX_TEXT and short["text"].endswith("/incidents/3f2a91")


def test_the_address_is_checked_and_the_token_not_shown() -> None:
    with pytest.raises(ConfigFault):
        connect(Grafana("grafana:3000", TOKEN))
    assert TOKEN not in repr(Grafana("http://g", TOKEN))


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
