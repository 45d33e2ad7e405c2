"""How PostgreSQL answers the dashboards when there is much: which plans it chooses, and, where asked, how long it takes.

The default suite looks at plans alone. The measurement, on a million alerts, a hundred thousand incidents and 35 days of telemetry:

    pytest tests/integration/test_dashboard_speed.py -m slow -s
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from infra.grafana.generate import dashboards
from infra.stack import StackState
from tests.conftest import Database, new_database
from tests.integration.dashboard_fill import ENTITY, STORM, fill
from tests.integration.grafana_sql import Range, expand, interpolate, opened
from tests.integration.telemetry_fill import fill_telemetry

BOARDS = dashboards()
#: Milliseconds that a query may take on the million.
LIMIT_MS = 200.0
#: The sums of telemetry.
TELEMETRY = ("talk", "level", "track", "seen")
#: Rows of `incident` that a plan may read one after the other; of `alert` none.
MOST_INCIDENTS = 110_000

NOW = datetime.now(UTC)
RANGES = {
    "24 hours": Range(NOW - timedelta(hours=24), NOW + timedelta(minutes=5), "1m"),
    "7 days": Range(NOW - timedelta(days=7), NOW + timedelta(minutes=5), "10m"),
    "30 days": Range(NOW - timedelta(days=30), NOW + timedelta(minutes=5), "30m"),
    "2 days": Range(NOW - timedelta(days=2), NOW, "5m"),
    "6 hours": Range(NOW - timedelta(hours=6), NOW + timedelta(minutes=5), "1m"),
}
#: What people choose: nothing, a detector that seldom fires, a site.
CHOICES: dict[str, dict[str, Any]] = {
    "all": {},
    "rare detector": {"detector": ["v2x_replay"]},
    "one site": {"site": ["site-77", "station-3", "T2", "unit-2", "rsu-1"], "assignee": ["nobody"]},
}


@dataclass(frozen=True)
class Asked:
    """One query as it is asked."""

    what: str
    sql: str


def asked() -> Iterator[Asked]:
    """Every query of every panel, variable and annotation, in each range and choice that concerns it."""
    for name, board in BOARDS.items():
        known = {v["name"] for v in board["templating"]["list"]}
        queries = [(p["title"], t["rawSql"]) for p in board["panels"] for t in p.get("targets", []) if "rawSql" in t]
        queries += [(v["name"], v["query"]) for v in board["templating"]["list"] if v["type"] == "query"]
        queries += [(a["name"], a["target"]["rawSql"]) for a in board["annotations"]["list"]]
        for title, raw in queries:
            seen: set[str] = set()
            for choice, chosen in CHOICES.items():
                own = {key: value for key, value in chosen.items() if key in known}
                values = opened(board, **{"incident": STORM, "entity": ENTITY} | own)
                for span, over in RANGES.items():
                    sql = expand(interpolate(raw, values), over)
                    if sql not in seen:
                        seen.add(sql)
                        yield Asked(f"{name}: {title}, {span}, {choice}", sql)


ASKED = list(asked())


def explain(reader: psycopg.Connection, sql: str) -> dict[str, Any]:
    """The plan of a query that was carried out."""
    row = reader.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}".encode()).fetchone()
    assert row is not None
    (found,) = row[0] if isinstance(row[0], list) else json.loads(row[0])
    return dict(found)


def scans(plan: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Tables that a plan reads row after row, and how many rows."""
    if plan["Node Type"] == "Seq Scan":
        rows = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        yield plan["Relation Name"], int(rows * plan["Actual Loops"])
    for part in plan.get("Plans", []):
        yield from scans(part)


@pytest.fixture(scope="module")
def many(stack: StackState) -> Iterator[Database]:
    """Fifty thousand alerts, five thousand incidents."""
    with new_database(stack) as database:
        with psycopg.connect(database.dsn, autocommit=True) as owner:
            fill(owner, 50_000)
            fill_telemetry(owner, 1)
        yield database


def test_no_plan_reads_all_alerts(many: Database) -> None:
    with psycopg.connect(many.reader_dsn, autocommit=True, options="-c timezone=UTC") as reader:
        found = {
            query.what: read
            for query in ASKED
            if (read := [s for s in scans(explain(reader, query.sql)["Plan"]) if s[0] == "alert" and s[1] > 0])
        }
    assert not found


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_million_alerts(stack: StackState) -> None:
    times: dict[str, float] = {}
    with new_database(stack) as database:
        with psycopg.connect(database.dsn, autocommit=True) as owner:
            took = fill(owner, 1_000_000)
            fill_telemetry(owner)
            sizes = {
                table: owner.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
                for table in (
                    "alert",
                    "incident",
                    "alert_rollup",
                    "alert_rollup_hour",
                    "latency_rollup_hour",
                    *TELEMETRY,
                )
            }
        print(f"\n{sizes}; alerts inserted in {took:.0f} s")
        with psycopg.connect(database.reader_dsn, autocommit=True, options="-c timezone=UTC") as reader:
            for query in ASKED:
                answers = [explain(reader, query.sql) for _ in range(3)]
                times[query.what] = min(a["Planning Time"] + a["Execution Time"] for a in answers)
                for table, rows in scans(answers[0]["Plan"]):
                    assert table != "alert" or rows == 0, query.what
                    assert table != "incident" or rows <= MOST_INCIDENTS, query.what
    print(f"{len(times)} queries; the slowest:")
    for what, ms in sorted(times.items(), key=lambda item: -item[1])[:15]:
        print(f"{ms:8.1f} ms  {what}")
    over = {what: round(ms) for what, ms in times.items() if ms > LIMIT_MS}
    print(f"{len(over)} over {LIMIT_MS:.0f} ms: {over}")
    assert not over
