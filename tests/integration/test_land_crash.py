"""Landing killed at any moment and started again: the same rows in both stores, none twice. Ten kills: see `land_kills`."""

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.stack import StackState
from jobs import lake
from jobs.land.run import land
from jobs.land.store import Store
from tests.conftest import Database
from tests.integration.land_kills import BURST, LETTERS, check, disturb
from tests.integration.landing import Topics, deadletter, own_topics, wire


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


@pytest.fixture
def topics(stack: StackState) -> Iterator[Topics]:
    with own_topics(stack.bootstrap) as own:
        yield own


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
    check(topics, database.dsn, tmp_path, alerts=40, letters=5)


def test_sigkill_at_random_moments(topics: Topics, database: Database, tmp_path: Path) -> None:
    disturb(topics, database.dsn, tmp_path, random.Random(3), kills=2)
    check(topics, database.dsn, tmp_path, alerts=3 * BURST, letters=LETTERS)
