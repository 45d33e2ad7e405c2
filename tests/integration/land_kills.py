"""Kill landing at random moments and start it again. The long run is a command of its own:

python -m tests.integration.land_kills --kills 10
"""

import argparse
import contextlib
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from infra.stack import temporary_stack
from jobs.settings import default_cache
from tests.conftest import REPOSITORY, new_database
from tests.integration.landing import Topics, deadletter, in_lake, in_postgres, own_topics, wire

#: Alerts published before each start.
BURST = 3_000
#: Distinct dead letters among those that are published.
LETTERS = 50


def disturb(topics: Topics, dsn: str, root: Path, rng: random.Random, kills: int) -> None:
    """Land bursts of alerts; kill the process at a random moment after each but the last."""
    command = [
        sys.executable, "-m", "tests.integration.land_worker", topics.bootstrap, dsn, str(root), topics.alerts,
        topics.deadletters,
    ]  # fmt: skip
    for number in range(kills + 1):
        # Bursts overlap, as those of a detection job do that repeats its last batch after a kill.
        first = number * BURST
        topics.publish(topics.alerts, wire(range(max(0, first - BURST // 2), first + BURST)))
        topics.publish(topics.deadletters, [deadletter(topic="t", partition=1, offset=n % LETTERS) for n in range(60)])
        if number < kills:
            landed = _landed(dsn)
            with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL) as process:
                try:
                    # Every other one at any moment from its start on, the others while it lands.
                    while number % 2 and _landed(dsn) == landed:
                        assert process.poll() is None, "it ended before it could be killed"
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        moment = rng.uniform(0.0, 0.5 if number % 2 else 1.5)
                        raise AssertionError(f"it ended by itself with code {process.wait(moment)}")
                finally:
                    process.kill()
    subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)


def check(topics: Topics, dsn: str, root: Path, alerts: int, letters: int) -> None:
    """Rows in PostgreSQL = rows in Parquet = distinct ids, and every file is known to the ledger."""
    expected = [f"{number:032x}" for number in range(alerts)]
    assert in_postgres(dsn) == expected
    assert sorted(in_lake(root)["alert_id"]) == expected
    assert len(in_lake(root, "deadletters")) == letters
    assert len(in_postgres(dsn, "deadletter_id", "deadletter")) == letters
    assert not [file for file in root.rglob(".*") if file.is_file()]
    with psycopg.connect(dsn) as connection:
        files, rows = connection.execute(
            "SELECT count(*), sum(rows) FROM lake_file WHERE written IS NOT NULL"
        ).fetchone() or (0, 0)
    assert files == len(list(root.rglob("*.parquet")))
    assert rows == alerts + letters


def _landed(dsn: str) -> int:
    """The sum of all positions."""
    try:
        with psycopg.connect(dsn) as connection:
            row = connection.execute("SELECT coalesce(sum(next_offset), 0) FROM landed_position").fetchone()
    except psycopg.errors.UndefinedTable:
        return 0
    return int(row[0]) if row else 0


def main() -> None:
    """The long run."""
    options = argparse.ArgumentParser(description="Kill landing at random moments; it must not show.")
    options.add_argument("--kills", type=int, default=10)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    with (
        temporary_stack(default_cache(), os.environ) as stack,
        own_topics(stack.bootstrap) as topics,
        new_database(stack) as database,
        tempfile.TemporaryDirectory() as folder,
    ):
        disturb(topics, database.dsn, Path(folder), random.Random(chosen.seed), chosen.kills)
        check(topics, database.dsn, Path(folder), (chosen.kills + 1) * BURST, LETTERS)
    print(f"landing killed {chosen.kills} times: the same rows in PostgreSQL and Parquet, none twice")


if __name__ == "__main__":
    main()
