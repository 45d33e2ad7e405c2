"""`gridwatch land` and `gridwatch archive` as a user calls them, on the shared topics."""

import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import psycopg
import pytest

from infra.stack import StackState
from jobs.land.store import LANDING
from schemas.records import ALERT, METER_READING
from schemas.topics import ALERTS
from schemas.types import Domain
from schemas.wire import encode
from tests.conftest import REPOSITORY, Database
from tests.integration.landing import START, Topics, alert

COMMAND = [sys.executable, "-m", "jobs.command"]


@pytest.fixture
def environment(stack: StackState, database: Database, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "GRIDWATCH_RUN_DIR": str(tmp_path),
        "GRIDWATCH_KAFKA__BOOTSTRAP_SERVERS": stack.bootstrap,
        "GRIDWATCH_POSTGRES__DSN": database.dsn,
    }


def call(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], cwd=REPOSITORY, env=environment, capture_output=True, text=True)


def shared(stack: StackState) -> Topics:
    return Topics(stack.bootstrap, ALERTS, "deadletter")


def test_land_once(stack: StackState, database: Database, environment: dict[str, str], tmp_path: Path) -> None:
    mark = secrets.token_hex(16)
    shared(stack).publish(ALERTS, [encode(ALERT, alert(1, alert_id=mark, domain="meter"))])
    done = call(environment, "land", "--once")
    assert done.returncode == 0, done.stderr
    assert "land: read" in done.stderr
    with psycopg.connect(database.dsn) as connection:
        assert connection.execute("SELECT detector FROM alert WHERE alert_id = %s", (mark,)).fetchone()
    files = list((tmp_path / "lake/alerts/domain=meter").rglob("*.parquet"))
    assert any(mark in pl.read_parquet(file)["alert_id"] for file in files)


def test_land_ends_in_order_when_asked(environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [*COMMAND, "land"], cwd=REPOSITORY, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        with psycopg.connect(environment["GRIDWATCH_POSTGRES__DSN"], autocommit=True) as connection:
            asked = (
                "SELECT 1 FROM pg_locks JOIN pg_database ON oid = database "
                "WHERE datname = current_database() AND locktype = 'advisory' AND objid = %s AND granted"
            )
            while connection.execute(asked, (LANDING,)).fetchone() is None:
                assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0 and "land: read" in said


def test_archive_once(stack: StackState, environment: dict[str, str], tmp_path: Path) -> None:
    meter = secrets.token_hex(8)
    record = {"time": START, "meter": meter, "transformer": "T", "register_kwh": 1.0}
    shared(stack).publish(Domain.METER.topic, [encode(METER_READING, record)])
    done = call(environment, "archive", "--domain", "meter", "--once")
    assert done.returncode == 0, done.stderr
    assert "archive: read" in done.stderr
    files = list((tmp_path / "lake/telemetry/domain=meter/record=meter_reading").rglob("*.parquet"))
    assert any(meter in pl.read_parquet(file)["meter"] for file in files)


@pytest.mark.parametrize(
    ("words", "setting", "code", "says"),
    [
        (["archive", "--domain", "water"], {}, 2, "no domain water"),
        (["archive", "--once"], {"GRIDWATCH_STORE__LAKE": "s3://bucket/lake"}, 3, "store.lake"),
        (["land", "--once"], {"GRIDWATCH_GRAFANA__URL": "http://127.0.0.1:1"}, 3, "grafana.token"),
    ],
)
def test_faults(words: list[str], setting: dict[str, str], code: int, says: str, environment: dict[str, str]) -> None:
    done = call(environment | setting, *words)
    assert done.returncode == code
    assert done.stderr.splitlines()[-1].startswith("gridwatch: ") and says in done.stderr
