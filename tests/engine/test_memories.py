"""Every memory against a plain reference that walks the records of one key, whole and cut at random points."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.key_tables import TIME, KeyTable
from detectors.memory import (
    Age,
    CountWithin,
    Cusum,
    Derived,
    DistinctWithin,
    Ewma,
    Last,
    LeakySum,
    Least,
    Memory,
    Nth,
    Period,
    Recent,
    Regularity,
    RunLength,
    SeenBefore,
    SumWithin,
    TimeSince,
    Total,
)
from detectors.memory.recent import REFERENCE

PLACE = pl.Struct({"offset": pl.Int64, "frames": pl.List(pl.Int64)})
LIFETIME = 40_000_000
SECOND = 1_000_000
W = Derived("w", pl.col("w"))
BY = ("key",)


@dataclass(frozen=True)
class Row:
    """One record: key, time in seconds, a number, a word, whether `where` holds (null counts as no)."""

    key: str | None
    time: float
    x: float | None
    word: str | None
    w: bool | None


@dataclass(frozen=True)
class Seen:
    """A record as the reference of a memory sees it, with the clock of its key after it."""

    row: Row
    number: int
    time: int
    clock: int
    ontime: bool

    @property
    def where(self) -> bool:
        return self.row.w is True


#: Reference: (earlier records of the key's life, this record) -> value.
Reference = Callable[[Sequence[Seen], Seen], Any]


def place(number: int) -> dict[str, Any]:
    """A reference: structs that hold lists, empty ones too."""
    return {"offset": number, "frames": [None, [], [number], [1, number]][number % 4]}


def finite(x: float | None) -> bool:
    return x is not None and math.isfinite(x)


def last(of: Callable[[Seen], Any]) -> Reference:
    def value(past: Sequence[Seen], now: Seen) -> Any:
        known = [of(s) for s in past if s.where and s.ontime and of(s) is not None]
        return known[-1] if known and now.ontime else None

    return value


def time_since(past: Sequence[Seen], now: Seen) -> float | None:
    known = [s.time for s in past if s.where and s.ontime]
    return (now.time - known[-1]) / SECOND if known and now.ontime else None


def in_window(past: Sequence[Seen], now: Seen, seconds: float, of: Callable[[Seen], bool]) -> list[Seen]:
    """Records that count, this one included, whose clock is in this record's window."""
    counted = [s for s in (*past, now) if of(s) and s.time > s.clock - seconds * SECOND]
    return [s for s in counted if s.clock > now.clock - seconds * SECOND]


def count_within(past: Sequence[Seen], now: Seen) -> int:
    return min(3, len(in_window(past, now, 10, lambda s: s.where)))


def sum_within(past: Sequence[Seen], now: Seen) -> float:
    return whole_sum([s.row.x for s in in_window(past, now, 10, lambda s: s.where)[-3:]])


def whole_sum(values: Sequence[float | None]) -> float:
    """Sum as integers of 1e-6 of clipped values."""
    whole = [round(min(max(x, -1e9), 1e9) * 1e6) for x in values if x is not None and not math.isnan(x)]
    return sum(whole) / 1e6


def distinct_within(past: Sequence[Seen], now: Seen) -> int:
    counted = in_window(past, now, 10, lambda s: s.where and s.row.word is not None)
    return min(3, len({s.row.word for s in counted}))


def recent(past: Sequence[Seen], now: Seen) -> list[dict[str, Any]] | None:
    if not now.where or now.time <= now.clock - 10 * SECOND:
        return None
    return [place(s.number) for s in in_window(past, now, 10, lambda s: s.where)[-3:]]


def seen_before(past: Sequence[Seen], now: Seen) -> bool | None:
    if now.row.word is None:
        return None
    if not now.where or now.time <= now.clock - 10 * SECOND:
        return False
    earlier = in_window(past, now, 10, lambda s: s.where and s.row.word is not None)[:-1]
    # The three least recently seen values at most: the order of their last appearance.
    words = list(dict.fromkeys(s.row.word for s in reversed(earlier)))
    return now.row.word in words[:3]


def regularity(past: Sequence[Seen], now: Seen) -> dict[str, float] | None:
    counted = [s for s in (*past, now) if s.where and s.row.word is not None and s.time > s.clock - 10 * SECOND]
    if not counted or counted[-1] is not now:
        return None
    latest = [s for s in counted[-4:] if s.clock > now.clock - 10 * SECOND and s.row.word == now.row.word][-3:]
    ticks = [s.clock // 1000 for s in latest]
    total = float(ticks[-1] - ticks[0])
    if len(ticks) < 3 or total == 0:
        return None
    square = float(sum((b - a) ** 2 for a, b in pairwise(ticks)))
    return {"mean_s": total / 2000, "variation": math.sqrt(max(2 * square - total * total, 0.0)) / total}


def ewma(past: Sequence[Seen], now: Seen) -> float | None:
    mean, count = math.nan, 0
    for s in past:
        if s.where and s.ontime and finite(s.row.x):
            assert s.row.x is not None
            count += 1
            x = min(max(s.row.x, -1e15), 1e15)
            mean = x if count == 1 else mean + max(0.3, 1.0 / count) * (x - mean)
    return mean if count >= 2 and now.ontime else None


def cusum(past: Sequence[Seen], now: Seen) -> float:
    total = 0.0
    for s in (*past, now):
        if s.where and s.ontime and finite(s.row.x):
            assert s.row.x is not None
            total = max(0.0, total + s.row.x - 0.5)
    return total


def bucket(past: Sequence[Seen], now: Seen) -> float:
    total = 0.0
    for s in (*past, now):
        if s.where and s.ontime and finite(s.row.x):
            assert s.row.x is not None
            total = min(2.0, max(0.0, total + s.row.x - 0.5))
    return total


def leaky_sum(past: Sequence[Seen], now: Seen) -> float:
    total, before = 0.0, 0
    for s in (*past, now):
        if s.where and s.ontime and finite(s.row.x):
            assert s.row.x is not None
            total = total * math.exp(-max(s.time - before, 0) / 10e6) + min(max(s.row.x, -1e9), 1e9)
            before = s.time
    return total


def least(past: Sequence[Seen], now: Seen) -> float | None:
    known = [s.row.x for s in past if s.where and s.ontime and s.row.x is not None and finite(s.row.x)]
    return min(known) if known else None


def period(past: Sequence[Seen], now: Seen) -> float | None:
    times = [s.time for s in past if s.where and s.ontime]
    return (times[4] - times[0]) / (4 * SECOND) if len(times) > 4 else None


def run_length(past: Sequence[Seen], now: Seen) -> int | None:
    if not now.ontime or now.row.word is None:
        return None
    run = 1
    for s in reversed([s for s in past if s.ontime and s.row.word is not None]):
        if s.row.word != now.row.word:
            break
        run += 1
    return run


def total(past: Sequence[Seen], now: Seen) -> float | None:
    known = [s for s in (*past, now) if s.where and s.ontime and s.row.word is not None]
    if not known or known[-1] is not now or len(known) < 2 or known[-2].row.word == now.row.word:
        return None
    own = list(takewhile(lambda s: s.row.word == known[-2].row.word, reversed(known[:-1])))
    return whole_sum([s.row.x for s in own])


def nth(past: Sequence[Seen], now: Seen) -> int:
    return min(5, sum(s.where for s in (*past, now)))


def age(past: Sequence[Seen], now: Seen) -> float:
    return (now.clock - (*past, now)[0].clock) / SECOND


CASES: list[tuple[Memory, Reference]] = [
    (Last(BY, "x", W), last(lambda s: s.row.x)),
    (Last(BY, "word", W), last(lambda s: s.row.word)),
    (Last(BY, REFERENCE, W), last(lambda s: place(s.number))),
    (TimeSince(BY, W), time_since),
    (CountWithin(BY, 10, 3, W), count_within),
    (SumWithin(BY, 10, 3, "x", W), sum_within),
    (DistinctWithin(BY, 10, 3, "word", W), distinct_within),
    (Recent(BY, 10, 3, W), lambda past, now: recent(past, now) if now.row.word != "v" else None),
    (Ewma(BY, "x", 0.3, 2, W), ewma),
    (Cusum(BY, "x", 0.5, W), cusum),
    (Cusum(BY, "x", 0.5, W, most=2.0), bucket),
    (LeakySum(BY, "x", 10.0, W), leaky_sum),
    (Least(BY, "x", W), least),
    (Period(BY, 4, W), period),
    (RunLength(BY, "word"), run_length),
    (Nth(BY, 5, W), nth),
    (Age(BY), age),
    (SeenBefore(BY, 10, 3, "word", W), seen_before),
    (Total(BY, "x", "word", W), total),
    (Regularity(BY, 10, 4, "word", 2, W), regularity),
]


def expected(rows: Sequence[Row], reference: Reference) -> list[Any]:
    lives: dict[str | None, list[Seen]] = {}
    out = []
    for number, row in enumerate(rows):
        time = round(row.time * SECOND)
        life = lives.setdefault(row.key, [])
        clock = life[-1].clock if life else time
        if life and time - clock > LIFETIME:
            life.clear()
            clock = time
        now = Seen(row, number, time, max(clock, time), time >= clock)
        out.append(reference(life, now))
        life.append(now)
    return out


def actual(rows: Sequence[Row], memory: Memory, ends: Sequence[int], numbers: Sequence[int] | None = None) -> list[Any]:
    table = KeyTable("r", BY, LIFETIME)
    state = None
    out: list[Any] = []
    for low, high in pairwise([0, *ends, len(rows)]):
        if low == high:
            continue
        part = rows[low:high]
        frame = pl.DataFrame(
            {
                "key": [r.key for r in part],
                TIME: [round(r.time * SECOND) for r in part],
                "x": [r.x for r in part],
                "word": [r.word for r in part],
                "w": [r.w for r in part],
                REFERENCE: [place(numbers[low + i] if numbers else low + i) for i in range(len(part))],
            },
            schema_overrides={"key": pl.String, "x": pl.Float64, "word": pl.String, "w": pl.Boolean, REFERENCE: PLACE},
        )
        opened = table.open(state, frame)
        # Evidence is asked for some records only; that of the others must not change.
        asked = np.array([r.word != "v" for r in part]) if isinstance(memory, Recent) else None
        out += opened.advance(frame, memory, asked).to_list()
        state = opened.close()
    return out


#: Many records of few keys within a window, so that memories saturate.
crowd_of = st.lists(
    st.builds(
        Row,
        key=st.just("a"),
        time=st.integers(0, 12).map(float),
        x=st.integers(-3, 3).map(float),
        word=st.sampled_from("uvwxyz"),
        w=st.just(True),
    ),
    min_size=12,
    max_size=40,
)
rows_of = st.lists(
    st.builds(
        Row,
        key=st.sampled_from(["a", "b", None]),
        time=st.one_of(st.integers(0, 30).map(float), st.integers(0, 300).map(lambda t: t / 3), st.just(0.0)),
        x=st.one_of(st.none(), st.floats(), st.integers(-3, 3).map(float)),
        word=st.sampled_from(["u", "v", "w", "x", "y", None]),
        w=st.sampled_from([True, True, True, False, None]),
    ),
    max_size=25,
)


def same(got: Any, want: Any) -> bool:
    if isinstance(want, float) and isinstance(got, float):
        return got == want or (math.isnan(got) and math.isnan(want))
    return bool(got == want)


@pytest.mark.parametrize("memory", [m for m, _ in CASES], ids=lambda m: m.name)
def test_many_keys_at_once_as_one_by_one(memory: Memory) -> None:
    """Wide rounds and narrow ones, windows of many keys: more keys than the other tests have."""
    rng = random.Random(11)
    rows = [
        Row(
            key=f"k{min(rng.randrange(60), rng.randrange(60))}",
            time=i / 9 + rng.randrange(3),
            x=rng.choice([None, math.nan, rng.gauss(0, 3)]),
            word=rng.choice("uvwxyz"),
            w=rng.random() < 0.9,
        )
        for i in range(1500)
    ]
    whole = actual(rows, memory, [])
    cut = actual(rows, memory, [7, 8, 300, 900])
    alone: dict[int, Any] = {}
    for key in {r.key for r in rows}:
        own = [i for i, r in enumerate(rows) if r.key == key]
        alone |= dict(zip(own, actual([rows[i] for i in own], memory, [], own), strict=True))
    for number, (one, two) in enumerate(zip(whole, cut, strict=True)):
        assert same(one, two) and same(one, alone[number])


@pytest.mark.parametrize(("memory", "reference"), [pytest.param(m, r, id=m.name) for m, r in CASES])
@settings(max_examples=50, deadline=None)
@given(rows=st.one_of(rows_of, crowd_of), cuts=st.lists(st.integers(0, 40), max_size=5), hurry=st.booleans())
def test_as_the_reference(memory: Memory, reference: Reference, rows: list[Row], cuts: list[int], hurry: bool) -> None:
    # In order most of the time: hypothesis likes to shuffle, real streams do less.
    ordered = sorted(rows, key=lambda r: r.time) if hurry else rows
    want = expected(ordered, reference)
    for ends in ([], sorted({min(c, len(ordered)) for c in cuts}), list(range(len(ordered)))):
        got = actual(ordered, memory, ends)
        assert all(same(g, w) for g, w in zip(got, want, strict=True)), (ends, got, want)
