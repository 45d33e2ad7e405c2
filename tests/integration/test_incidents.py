"""Incidents on a real Kafka and a real PostgreSQL: each alert counted once, storms collapsed, suppressed ones hidden and kept."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from infra.stack import StackState
from jobs.command.root import run as command
from jobs.land.incidents import STORM_MIN
from jobs.land.run import land
from jobs.land.suppressions import load
from schemas.records import ALERT
from schemas.wire import encode
from tests.conftest import Database
from tests.integration.landing import Topics, alert, in_lake, own_topics

STORMY = STORM_MIN + 40


@pytest.fixture
def topics(stack: StackState) -> Iterator[Topics]:
    with own_topics(stack.bootstrap, partitions=1) as own:
        yield own


def made(number: int, **fields: Any) -> bytes:
    whole = alert(number) | {"time": alert(0)["time"] + timedelta(seconds=number % 1000), **fields}
    return encode(ALERT, whole)


def test_incidents_storms_and_suppressions(
    topics: Topics,
    database: Database,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    suppressions = tmp_path / "suppressions.yaml"
    begins = (alert(0)["time"] - timedelta(hours=1)).isoformat()
    expires = (alert(0)["time"] + timedelta(hours=1)).isoformat()
    suppressions.write_text(
        f"- {{id: known, scope: {{entity: M-known}}, reason: r, owner: a, reviewed_by: b, begins: {begins}, expires: {expires}}}"
    )
    same = {"detector": "modbus_scan", "domain": "substation", "site": "s1"}
    messages = [
        *(made(n, dedup="one key", **same) for n in range(5)),
        *(
            made(100 + n, dedup=f"storm {n}", severity_id=3, detector="position_jump", domain="vehicle", site="r1")
            for n in range(STORMY)
        ),
        *(made(500 + n, dedup=f"known {n}", entity="M-known", **same) for n in range(3)),
    ]
    told: list[str] = []

    def watch(alerts: Any) -> None:
        told.extend(a["alert_id"] for a in alerts)

    what = topics.landing(database.dsn, tmp_path / "lake", suppressions=load(suppressions))
    topics.publish(topics.alerts, messages)
    land(what, threading.Event(), print, watch)
    # What is published again is known and counts nowhere.
    topics.publish(topics.alerts, messages)
    land(what, threading.Event(), print, watch)

    with psycopg.connect(database.dsn, row_factory=dict_row) as connection:
        incidents = connection.execute("SELECT * FROM incident").fetchall()
        alerts = connection.execute("SELECT * FROM alert").fetchall()
    assert len(alerts) == len(messages)
    counted = [a for a in alerts if a["incident_id"] is not None]
    assert len(counted) == len(messages) - 3 == sum(i["alerts"] for i in incidents)
    (one,) = (i for i in incidents if i["dedup"] == "one key")
    assert one["alerts"] == 5 and one["incident_id"] == alert(0)["alert_id"]
    (storm,) = (i for i in incidents if i["kind"] == "storm")
    assert storm["alerts"] == 40 and storm["entity"] == "r1"
    assert {a["storm"] for a in alerts if a["incident_id"] == storm["incident_id"]} == {storm["incident_id"]}
    assert {a["dedup"] for a in alerts if a["suppression"] == "known"} == {"known 0", "known 1", "known 2"}
    # Of a storm its first is told, of what is suppressed nothing, of what is known nothing again.
    assert len(told) == len(set(told)) == 5 + STORM_MIN + 1
    lake = in_lake(tmp_path / "lake")
    assert lake["suppression"].drop_nulls().to_list() == ["known"] * 3 and len(lake["storm"].drop_nulls()) == 40

    monkeypatch.setenv("GRIDWATCH_POSTGRES__DSN", database.dsn)
    capsys.readouterr()
    assert command(["incidents", "--json", "--limit", "1000"]) == 0
    listed = json.loads(capsys.readouterr().out)["incidents"]
    assert len(listed) == len(incidents) == 1 + STORM_MIN + 1
    assert command(["incidents", "--limit", "3"]) == 0
    assert "3 incidents" in capsys.readouterr().out
    assert command(["suppressions", "--file", str(suppressions), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    (known,) = shown["suppressions"]
    assert (known["alerts"], known["state"]) == (3, "expired") and not shown["removed"]
    suppressions.write_text(suppressions.read_text().replace("id: known", "id: another"))
    assert command(["suppressions", "--file", str(suppressions), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["removed"] == {"known": 3}
