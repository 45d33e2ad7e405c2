"""Archiving from a real Kafka: every record once, in files that any tool reads, whenever it is killed."""

import json
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from infra.stack import StackState
from ingest.lake import read_parquet
from ingest.publisher import Broker
from ingest.source import Record
from jobs import lake
from jobs.archive.run import Archiving, Counts, archive
from jobs.archive.topic import TopicArchive
from schemas.errors import RunFault
from schemas.records import METER_EVENT, METER_READING, MODBUS
from schemas.types import Domain
from schemas.wire import encode
from tests.conftest import REPOSITORY
from tests.integration.landing import Topics, own_topics

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def topics(stack: StackState) -> Iterator[Topics]:
    """The first of the two topics stands for telemetry."""
    with own_topics(stack.bootstrap) as own:
        yield own


def archiving(topics: Topics, root: Path, **more: Any) -> Archiving:
    options: dict[str, Any] = {"until_end": True, "roll_s": 0.2} | more
    return Archiving(Broker(topics.bootstrap), root, (Domain.METER,), topics={Domain.METER: topics.alerts}, **options)


def run(what: Archiving) -> Counts:
    return archive(what, threading.Event(), print)


def reading(number: int) -> dict[str, Any]:
    return {
        "time": START + timedelta(seconds=number),
        "meter": f"M{number % 20}",
        "transformer": f"T{number % 4}",
        "register_kwh": float(number),
        "voltage_v": 230.0 if number % 2 else None,
    }


def event(number: int) -> dict[str, Any]:
    names = {"profile": "dlms", "code": 40, "meaning": "cover_removed"}
    return {"time": START, "meter": f"M{number}", "transformer": "T1", **names}


def readings(numbers: Iterable[int]) -> list[bytes]:
    return [encode(METER_READING, reading(number)) for number in numbers]


def registers(root: Path) -> list[float]:
    files = sorted((root / "telemetry").rglob("*.parquet"))
    frames = [pl.read_parquet(file, columns=["register_kwh"], hive_partitioning=False) for file in files]
    return sorted(pl.concat(frames)["register_kwh"]) if frames else []


def test_every_record_once_with_its_place(topics: Topics, tmp_path: Path) -> None:
    topics.publish(topics.alerts, [*readings(range(500)), *(encode(METER_EVENT, event(n)) for n in range(7))])
    counts = run(archiving(topics, tmp_path))
    assert counts.archived == {"meter_reading": 500, "meter_event": 7} and not counts.refused
    assert registers_of(tmp_path, "meter_reading") == [float(n) for n in range(500)]
    assert run(archiving(topics, tmp_path)).read == 0

    files = list((tmp_path / "telemetry/domain=meter/record=meter_reading").rglob("*.parquet"))
    place = pl.concat([pl.read_parquet(file, hive_partitioning=False) for file in files])
    assert place.select("_partition", "_offset").is_duplicated().sum() == 0
    assert all(datetime.now(UTC).year == datetime.fromtimestamp(us / 1e6, UTC).year for us in place["_broker"])
    back = [item for file in files for item in read_parquet(file)]
    assert len(back) == 500 and all(isinstance(item, Record) and item.schema is METER_READING for item in back)


def registers_of(root: Path, record: str) -> list[float]:
    return registers_in(root / "telemetry" / "domain=meter" / f"record={record}")


def registers_in(directory: Path) -> list[float]:
    glob = f"{directory}/**/*.parquet"
    rows = duckdb.execute(
        f"SELECT register_kwh FROM read_parquet('{glob}', hive_partitioning = true) WHERE hour > '2026' ORDER BY 1"
    ).fetchall()
    return [row[0] for row in rows]


def test_what_does_not_decode_is_counted_and_passed_over(topics: Topics, tmp_path: Path) -> None:
    modbus = {"client": "a", "server": "b", "requested": True, "responded": False, "time": 0, "site": "s"}
    numbers = dict.fromkeys(("client_port", "server_port", "transaction", "unit", "function"), 1)
    hostile = [None, b"{}", b"\xc3\x01" + b"\x22" * 8, readings([1])[0][:30], encode(MODBUS, modbus | numbers)]
    topics.publish(topics.alerts, [*hostile, *readings([5])], key="one partition")
    counts = run(archiving(topics, tmp_path))
    assert counts.read == 6 and counts.refused.total() == 5
    assert registers(tmp_path) == [5.0]
    assert run(archiving(topics, tmp_path)).read == 0


def test_rolls_by_size(topics: Topics, tmp_path: Path) -> None:
    topics.publish(topics.alerts, readings(range(12_000)))
    counts = run(archiving(topics, tmp_path, roll_s=3600, roll_mb=0.1))
    assert counts.files > 1
    assert registers(tmp_path) == [float(n) for n in range(12_000)]


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("place", "name", "call"),
    [(lake, "write_hidden", 2), (TopicArchive, "_decide", 2), (lake, "reveal", 2), (lake, "reveal", 5)],
)
def test_killed_at_every_step(
    place: object, name: str, call: int, when: str, topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original: Callable[..., object] = getattr(place, name)
    calls = 0

    def killed(*arguments: object, **more: object) -> object:
        nonlocal calls
        calls += 1
        if calls != call:
            return original(*arguments, **more)
        if when == "after":
            original(*arguments, **more)
        raise Killed

    monkeypatch.setattr(place, name, killed)
    what = archiving(topics, tmp_path)
    for number in range(4):
        topics.publish(
            topics.alerts, [*readings(range(10 * number, 10 * number + 10)), encode(METER_EVENT, event(number))]
        )
        try:
            run(what)
        except Killed:
            break
    else:
        pytest.fail("the moment never came")
    monkeypatch.setattr(place, name, original)
    run(what)
    total = 10 * (number + 1)
    assert registers_of(tmp_path, "meter_reading") == [float(n) for n in range(total)]
    events = list((tmp_path / "telemetry/domain=meter/record=meter_event").rglob("*.parquet"))
    assert sum(len(pl.read_parquet(file)) for file in events) == number + 1
    assert not list(tmp_path.rglob(".*.tmp"))


def test_sigkill_at_random_moments(topics: Topics, tmp_path: Path) -> None:
    rng = random.Random(5)
    command = [sys.executable, "-m", "tests.integration.archive_worker", topics.bootstrap, str(tmp_path), topics.alerts]
    manifest = tmp_path / "telemetry/_archive" / f"{Domain.METER.topic}.json"
    burst, kills = 8_000, 2
    for number in range(kills + 1):
        topics.publish(topics.alerts, readings(range(number * burst, (number + 1) * burst)))
        if number < kills:
            before = manifest.read_text() if manifest.exists() else ""
            with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL) as process:
                while not manifest.exists() or manifest.read_text() == before:
                    assert process.poll() is None, "it ended before it could be killed"
                with pytest.raises(subprocess.TimeoutExpired):
                    process.wait(rng.uniform(0.0, 0.3))
                process.kill()
    subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
    assert registers(tmp_path) == [float(n) for n in range((kills + 1) * burst)]


def test_manifest_and_files_must_belong_together(topics: Topics, tmp_path: Path) -> None:
    topics.publish(topics.alerts, readings(range(5)))
    run(archiving(topics, tmp_path))
    manifest = tmp_path / "telemetry/_archive" / f"{Domain.METER.topic}.json"
    content = manifest.read_text()
    assert sum(json.loads(content)["next"].values()) == 5
    manifest.write_text(content[:40])
    with pytest.raises(RunFault, match="damaged"):
        run(archiving(topics, tmp_path))
    manifest.unlink()
    with pytest.raises(RunFault, match="missing"):
        run(archiving(topics, tmp_path))
    manifest.write_text(content)
    holder = TopicArchive(tmp_path, Domain.METER, "x")
    assert holder.next == {}, "offsets of another cluster mean nothing"
    with pytest.raises(RunFault, match="another process"):
        run(archiving(topics, tmp_path))
    holder.close()
    assert run(archiving(topics, tmp_path)).read == 0
