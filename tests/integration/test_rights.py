"""What each role of the database may, tried: landing adds, the console takes steps, Grafana reads, and only the owner takes away."""

from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from infra.database import ensure
from jobs.command.root import run
from jobs.settings import PREFIX
from schemas.errors import RunFault
from tests.conftest import Database
from tests.integration.console import landed
from tests.integration.landing import alert, in_postgres

SUMS = ("talk", "level", "track", "talk_hour", "level_hour", "track_hour", "seen")
TABLES = (
    "alert", "deadletter", "incident", "incident_event", "suppression", "audit", "lake", "lake_file", "landed_position",
    "observed_position",
    "alert_rollup", "latency_rollup", "deadletter_rollup", "table_version", "threat", "detector", *SUMS,
    "outflow", "alert_rollup_hour", "latency_rollup_hour", "site_place",
)  # fmt: skip
DESTROYING = ("DROP TABLE {}", "TRUNCATE {} CASCADE", "DELETE FROM {}", "ALTER TABLE {} ADD COLUMN x int")


def refused(dsn: str, statement: sql.Composed | str) -> bool:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        try:
            connection.execute(statement)  # type: ignore[arg-type]
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable):
            return True
    return False


@pytest.mark.parametrize("table", TABLES)
def test_nobody_but_the_owner_takes_away(database: Database, table: str) -> None:
    for dsn in (database.landing_dsn, database.console_dsn, database.reader_dsn):
        for statement in DESTROYING:
            if dsn == database.landing_dsn and table in SUMS and statement.startswith("DELETE"):
                continue  # what is derived from telemetry is let go of when it is old
            assert refused(dsn, sql.SQL(statement).format(sql.Identifier(table))), (dsn.split(":")[1], statement)
        assert refused(dsn, "CREATE TABLE other (x int)")
        assert refused(dsn, "DROP SCHEMA public CASCADE")


def test_the_list_of_tables_is_whole(database: Database) -> None:
    with psycopg.connect(database.dsn) as owner:
        names = {row[0] for row in owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert names == set(TABLES)


def test_grafana_reads_what_dashboards_need_and_nothing_else(database: Database) -> None:
    landed(database.landing_dsn, alert(1))
    for table in (
        "alert",
        "alert_overview",
        "incident",
        "incident_overview",
        "incident_event",
        "alert_rollup",
        "threat",
        "site_place",
    ):
        assert not refused(database.reader_dsn, f"SELECT * FROM {table}")
    for table in ("audit", "lake", "table_version"):
        assert refused(database.reader_dsn, f"SELECT * FROM {table}")
    for statement in (
        "UPDATE incident SET status = 'closed', closed = now(), verdict = 'benign'",
        "INSERT INTO incident_event SELECT * FROM incident_event",
        "SELECT add_alerts(ARRAY['x'])",
    ):
        assert refused(database.reader_dsn, statement) or "add_alerts" in statement
    with psycopg.connect(database.reader_dsn) as reader:
        assert reader.execute("SELECT sum(alerts) FROM alert_rollup").fetchone() == (1,)


def test_the_console_changes_the_life_of_an_incident_and_no_alert(database: Database) -> None:
    landed(database.landing_dsn, alert(1))
    for statement in (
        "UPDATE alert SET title = 'x'", "UPDATE incident SET title = 'x'", "UPDATE incident SET alerts = 0",
        "INSERT INTO alert_rollup SELECT * FROM alert_rollup", "UPDATE suppression SET scope = '{}'",
        "UPDATE incident_event SET actor = 'x'",
    ):  # fmt: skip
        assert refused(database.console_dsn, statement), statement
    assert in_postgres(database.dsn) == [alert(1)["alert_id"]]


def test_landing_changes_no_event_and_makes_no_suppression(database: Database) -> None:
    for statement in (
        "UPDATE incident_event SET actor = 'x'",
        "INSERT INTO audit DEFAULT VALUES",
        "UPDATE suppression SET reason = ''",
    ):
        assert refused(database.landing_dsn, statement), statement


def test_tables_of_another_version_are_told(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with psycopg.connect(database.dsn, autocommit=True) as owner, psycopg.connect(database.landing_dsn) as landing:
        ensure(landing)
        owner.execute("UPDATE table_version SET digest = 'older'")
        with pytest.raises(RunFault, match="gridwatch database"):
            ensure(landing)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"{PREFIX}POSTGRES__DSN", SecretStr(database.dsn).get_secret_value())
    assert run(["database"]) == 0
    with psycopg.connect(database.landing_dsn) as landing:
        ensure(landing)
    monkeypatch.setenv(f"{PREFIX}POSTGRES__DSN", database.landing_dsn)
    assert run(["database"]) == 4
