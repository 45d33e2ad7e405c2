"""A bucket's rows in portions: bounded, complete, in order, and the same whatever order Spark brings them in."""

import random
from collections import defaultdict
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.detect.portions import portions

SCHEMA = pa.schema(
    [
        ("bucket", pa.int32()),
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("tick", pa.int64()),
        ("weight", pa.int32()),
        ("text", pa.string()),
    ]
)
MOST = 10_000
#: (partition, offset, bytes); partition 1 holds ten times the records of partition 2, whose are larger.
ROWS = [(1, 100 + n, 30 + n % 7) for n in range(2000)] + [(2, 7 + n, 400) for n in range(200)] + [(3, 5, 25_000)]


def batches_of(rows: list[tuple[int, int, int]], length: int, ticks: int = 0) -> list[pa.RecordBatch]:
    """The rows as Spark gives them, so many a batch; ticks among the first."""
    table = [
        {"bucket": 1, "partition": p, "offset": o, "tick": None, "weight": w, "text": f"{p}-{o}"} for p, o, w in rows
    ]
    table[3:3] = [{"bucket": 1, "tick": t, "weight": None} for t in range(ticks)]
    return pa.Table.from_pylist(table, SCHEMA).to_batches(length)


def by_task(rows: list[tuple[int, int, int]], seed: int) -> list[tuple[int, int, int]]:
    """Partitions one after the other or mixed, each in order: as a shuffle brings them."""
    chance, queues = random.Random(seed), defaultdict(list)
    for row in reversed(rows):
        queues[row[0]].append(row)
    mixed = []
    while queues:
        partition = chance.choice(list(queues))
        for _ in range(chance.randint(1, 900)):
            mixed.append(queues[partition].pop())
            if not queues[partition]:
                del queues[partition]
                break
    return mixed


def content(found: list[pa.Table]) -> list[list[str]]:
    return [sorted(t["text"].drop_null().to_pylist()) for t in found]


def test_little_is_one_portion() -> None:
    assert list(portions([])) == []
    (table,) = portions(batches_of(ROWS, 100, ticks=2))
    assert table.num_rows == len(ROWS) + 2


@pytest.mark.parametrize("length", [1, 64, 5000])
def test_much_is_cut_and_complete(length: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_LOCAL_DIRS", f"{tmp_path},/nonexistent")
    found = list(portions(batches_of(by_task(ROWS, 1), length, ticks=3), MOST))
    assert list(tmp_path.iterdir()) == []
    assert sorted(chain(*content(found))) == sorted(f"{p}-{o}" for p, o, _ in ROWS)
    whole = sum(w for *_, w in ROWS)
    assert whole / MOST / 2 < len(found) <= whole / MOST + 1
    heaviest = [max(t["weight"].drop_null().to_pylist()) for t in found]
    assert all(sum(t["weight"].drop_null().to_pylist()) <= MOST + most for t, most in zip(found, heaviest, strict=True))
    # A partition's records stay in order from portion to portion, and within one.
    for partition in (1, 2):
        offsets = [
            o
            for t in found
            for p, o in zip(t["partition"].to_pylist(), t["offset"].to_pylist(), strict=True)
            if p == partition
        ]
        assert offsets == sorted(offsets)
    # Partitions keep step: the first portion is no partition's alone.
    assert {1, 2} <= set(found[0]["partition"].to_pylist())
    assert [t["tick"].drop_null().to_pylist() for t in found] == [[]] * (len(found) - 1) + [[0, 1, 2]]


def test_a_task_that_is_run_again_cuts_the_same() -> None:
    first, *others = (content(list(portions(batches_of(by_task(ROWS, seed), 10 + seed), MOST))) for seed in range(5))
    assert all(other == first for other in others)
