"""Landing killed at any moment and started again: the same rows in both stores, none twice."""

import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from infra.stack import StackState
from jobs import lake
from jobs.land.run import land
from jobs.land.store import Store
from tests.conftest import REPOSITORY, Database
from tests.integration.landing import Topics, deadletter, in_lake, in_postgres, own_topics, wire

#: Random moments at which the process is killed.
KILLS = 2
#: Alerts published before each start.
BURST = 3_000


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


@pytest.fixture
def topics(stack: StackState) -> Iterator[Topics]:
    with own_topics(stack.bootstrap) as own:
        yield own


def check(topics: Topics, database: Database, root: Path, alerts: int, letters: int) -> None:
    """Rows in PostgreSQL = rows in Parquet = distinct ids, and every file is known to the ledger."""
    expected = [f"{number:032x}" for number in range(alerts)]
    assert in_postgres(database.dsn) == expected
    assert sorted(in_lake(root)["alert_id"]) == expected
    assert len(in_lake(root, "deadletters")) == letters
    assert len(in_postgres(database.dsn, "deadletter_id", "deadletter")) == letters
    assert not [file for file in root.rglob(".*") if file.is_file()]
    with psycopg.connect(database.dsn) as connection:
        files, rows = connection.execute(
            "SELECT count(*), sum(rows) FROM lake_file WHERE written IS NOT NULL"
        ).fetchone() or (0, 0)
    assert files == len(list(root.rglob("*.parquet")))
    assert rows == alerts + letters


MOMENTS: dict[str, tuple[object, str]] = {
    "before the rows are committed": (Store, "land"),
    "before a file is planned": (Store, "plan"),
    "before a file is made": (lake, "write_parquet"),
    "before a file appears": (lake, "reveal"),
    "before a file is marked": (Store, "mark_written"),
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_every_step(
    moment: str, when: str, topics: Topics, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics.publish(topics.alerts, wire([*range(40), *range(20)]))
    topics.publish(topics.deadletters, [deadletter(topic="t", partition=0, offset=n % 5) for n in range(8)])
    place, name = MOMENTS[moment]
    original: Callable[..., object] = getattr(place, name)
    calls = 0

    def killed(*arguments: object, **more: object) -> object:
        nonlocal calls
        calls += 1
        # The mark of the lake appears by the same function: not that one, but the second file.
        if calls < 3:
            return original(*arguments, **more)
        if when == "after":
            original(*arguments, **more)
        raise Killed

    monkeypatch.setattr(place, name, killed)
    what = topics.landing(database.dsn, tmp_path)
    for batch in range(3):
        try:
            land(what, threading.Event(), print)
        except Killed:
            break
        topics.publish(topics.alerts, wire([batch]))
    else:
        pytest.fail("the moment never came")
    monkeypatch.setattr(place, name, original)
    land(what, threading.Event(), print)
    check(topics, database, tmp_path, alerts=40, letters=5)


def test_sigkill_at_random_moments(topics: Topics, database: Database, tmp_path: Path) -> None:
    rng = random.Random(3)
    command = [
        sys.executable, "-m", "tests.integration.land_worker", topics.bootstrap, database.dsn, str(tmp_path),
        topics.alerts, topics.deadletters,
    ]  # fmt: skip
    for number in range(KILLS + 1):
        # Bursts overlap, as those of a detection job do that repeats its last batch after a kill.
        first = number * BURST
        topics.publish(topics.alerts, wire(range(max(0, first - BURST // 2), first + BURST)))
        topics.publish(topics.deadletters, [deadletter(topic="t", partition=1, offset=n % 50) for n in range(60)])
        if number < KILLS:
            landed = _landed(database)
            with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL) as process:
                while _landed(database) == landed:
                    assert process.poll() is None, "it ended before it could be killed"
                with pytest.raises(subprocess.TimeoutExpired):
                    process.wait(rng.uniform(0.0, 0.5))
                process.kill()
    subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
    check(topics, database, tmp_path, alerts=(KILLS + 1) * BURST, letters=50)


def _landed(database: Database) -> int:
    """The sum of all positions."""
    try:
        with psycopg.connect(database.dsn) as connection:
            row = connection.execute("SELECT coalesce(sum(next_offset), 0) FROM landed_position").fetchone()
    except psycopg.errors.UndefinedTable:
        return 0
    return int(row[0]) if row else 0
