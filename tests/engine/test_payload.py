"""The memory of data bytes against a plain reference that looks back over all messages of a key, whole and cut."""

import random
from itertools import pairwise
from typing import Any

import polars as pl
import pytest

from detectors.key_tables import TIME, KeyTable
from detectors.memory import Derived, Payload
from detectors.memory import payload as bits

BY = ("key",)
LIFETIME_S = 40.0
MEMORY = Payload(
    BY,
    "word",
    "length",
    Derived("w", pl.col("w")),
    learn=6,
    learn_s=0.5,
    share=0.4,
    ratio=3,
    stuck=5,
    stuck_s=0.6,
    settle=3,
    settle_s=0.2,
    quiet=8,
    together=2,
    quiet_s=3.0,
)
Row = dict[str, Any]


def byte(row: Row, number: int) -> int:
    return int(row["word"]) >> 8 * number & 255


def reference(past: list[Row], now: Row) -> int:
    """The flags of a message; `past` are the earlier messages of its life that count."""
    m, every, code = MEMORY, [*past, now], 0
    changed = [[False] * 8] + [[byte(b, i) != byte(a, i) for i in range(8)] for a, b in pairwise(every)]
    begun = []
    for i in range(8):
        at = [n for n, c in enumerate(changed) if c[i]]
        start = at[-1] if at else 0
        length, learned = len(past) - start, start + 1
        # The first run began with the first message, which changed nothing.
        longest = max([b - a - 1 for a, b in pairwise([0, *at])], default=0)
        values = [byte(r, i) for r in every]
        # Runs of a value inside the range that was seen until they ended.
        inner = max(
            [b - a - 1 for a, b in pairwise([0, *at]) if min(values[:b]) < values[b - 1] < max(values[:b])], default=0
        )
        usual = inner if max(values) - min(values) >= bits.WIDE else longest
        if length < 2 or length <= 2 * usual or len(at) < max(1, round(m.learn * m.share)):
            continue
        lively = len(at) >= m.share * learned and learned >= m.learn
        stood = round(now["time"] - every[start]["time"], 3)
        before = round(every[start]["time"] - every[0]["time"], 3)
        if lively:
            code |= bits.PAUSES
        if lively and length >= m.settle and 2 * length >= m.ratio * usual and m.settle_s <= stood <= 16 * m.settle_s:
            code |= bits.SETTLES
        goes_on = sum(any(c) for c in changed[start + 1 :]) >= 5
        paced = 0.5 * before * length <= stood * learned <= 2 * before * length
        steps = [abs((byte(b, i) - byte(a, i) + 128) % 256 - 128) for a, b in pairwise(every[: start + 1])]
        leapt = bool(steps) and steps[-1] > max(2 * max(steps[:-1], default=0), 16)
        inside = min(values) < byte(now, i) < max(values)
        if (
            lively
            and max(steps, default=0) >= bits.STEP
            and length >= m.stuck
            and stood >= m.stuck_s
            and before >= m.learn_s
            and goes_on
            and paced
            and ((inside and length >= m.ratio * usual) or (leapt and length >= m.ratio * longest))
        ):
            begun.append(learned)
            code |= bits.STUCK | (bits.FRESH if stood <= 2.5 * m.stuck_s else 0)
    nibbles = [[int(r["word"]) >> 4 * n & 15 for n in range(16)] for r in every]
    counts = [
        [(b - a) % 16 == 1 or (b <= 1 and a != b) for a, b in zip(one, two, strict=True)]
        for one, two in pairwise(nibbles)
    ]

    def breaks(last: int) -> bool:
        known = counts[: last - 1]
        counters = [
            n for n in range(16) if len(known) + 1 > m.quiet and 20 * sum(c[n] for c in known) >= 19 * (last - 1)
        ]
        gap = every[last]["time"] - every[last - 1]["time"]
        pace = (every[last]["time"] - every[0]["time"]) / last
        return bool(counters) and not any(counts[last - 1][n] for n in counters) and gap <= 1.5 * pace

    broke = [n for n in range(1, len(every)) if breaks(n)]
    code |= bits.MISCOUNTS if broke[-1:] == [len(past)] and len(broke) > 2 and broke[-1] - broke[-3] <= 9 else 0
    hardly = [
        [c and n >= m.quiet and 20 * sum(d[i] for d in changed[:n]) <= n for i, c in enumerate(now)]
        for n, now in enumerate(changed)
    ]

    def alone(n: int) -> bool:
        same = [byte(every[n], i) == byte(every[max(n - 2, 0)], i) for i in range(8)]
        return n > 0 and sum(h and s for h, s in zip(hardly[n - 1], same, strict=True)) >= m.together

    single = [n for n in range(len(every)) if alone(n)]
    if single[-1:] == [len(past)] and len(single) > 2 and now["time"] - every[single[-3]]["time"] <= m.quiet_s:
        code |= bits.FUZZED
    first = every[0]["length"]
    if len(every) > m.learn and all(r["length"] == first for r in every[: m.learn]) and now["length"] != first:
        code |= bits.ODD_LENGTH
    if past:
        stirs = any(changed[-1])
        code |= 0 if stirs else bits.SAME
        near = (now["word"] ^ past[-2]["word"]).bit_count() if len(past) > 1 else 64
        code |= bits.BACK if stirs and len(past) > 1 and 2 * near <= (now["word"] ^ past[-1]["word"]).bit_count() else 0
    return code | (min(begun) << bits.BEGUN if begun else 0)


def expected(rows: list[Row]) -> list[int]:
    lives: dict[str, list[Row]] = {}
    clocks: dict[str, float] = {}
    out = []
    for row in rows:
        key, clock = row["key"], clocks.get(row["key"], row["time"])
        if row["time"] - clock > LIFETIME_S:
            lives[key], clock = [], row["time"]
        counts = row["w"] and row["time"] >= clock
        out.append(reference(lives.setdefault(key, []), row) if counts else 0)
        if counts:
            lives[key].append(row)
        clocks[key] = max(clock, row["time"])
    return out


def actual(rows: list[Row], ends: list[int]) -> list[int]:
    table, state, out = KeyTable("r", BY, int(LIFETIME_S * 1e6)), None, []
    for low, high in pairwise([0, *ends, len(rows)]):
        if low == high:
            continue
        frame = pl.DataFrame(
            {name: [r[name] for r in rows[low:high]] for name in ("key", "word", "length", "w")},
            schema_overrides={"word": pl.UInt64, "length": pl.Int32},
        ).with_columns(pl.Series(TIME, [round(r["time"] * 1e6) for r in rows[low:high]]))
        opened = table.open(state, frame)
        out += opened.advance(frame, MEMORY).to_list()
        state = opened.close()
    return out


def traffic(rng: random.Random) -> list[Row]:
    """A counter, a signal that freezes now and then, a random byte, bytes that hardly ever change; late and lost messages, a pause."""
    rows, time = [], 0.0
    signal = dict.fromkeys("ab", 100)
    frozen = dict.fromkeys("ab", 0)
    constant = {key: [7, 9, 3] for key in "ab"}
    for n in range(rng.randrange(20, 160)):
        time += 0.1 if rng.random() < 0.995 else 50.0
        storm = 0.3 if n % 90 > 65 else 0.0
        for key in "ab":
            frozen[key] = max(0, frozen[key] - 1) or (rng.randrange(8, 25) if rng.random() < 0.04 else 0)
            if not frozen[key] and rng.random() < 0.9:
                signal[key] = (signal[key] + rng.choice((-3, -1, 2, 3, 60 if rng.random() < 0.1 else 1))) % 256
            seen = [rng.randrange(256) for _ in range(3)] if rng.random() < storm else constant[key]
            if rng.random() < 0.003:
                constant[key] = [rng.randrange(256) for _ in range(3)]
            counter = n % 16 if rng.random() > storm else rng.randrange(16)
            data = bytes((signal[key], *seen, rng.randrange(256) if key == "a" else 0, n // 3 % 256, 0, counter | 0x20))
            data = (
                data
                if rng.random() > 0.02 or not rows
                else int(rows[-2 if len(rows) > 1 else -1]["word"]).to_bytes(8, "little")
            )
            late = rng.random() < 0.02
            rows.append(
                {
                    "key": key,
                    "time": round(time + 0.001 * rng.randrange(3) - (1.0 if late else 0.0), 3),
                    "word": int.from_bytes(data, "little"),
                    "length": 8 if rng.random() < 0.99 else 7,
                    "w": rng.random() < 0.98,
                }
            )
    return rows


def fuzzed() -> list[Row]:
    """Constant bytes, but for four single messages."""
    words = [0x1234_5678_9ABC if n not in (70, 75, 80, 82) else n * 0x0101_0101_0101 for n in range(90)]
    return [{"key": "a", "time": 0.1 * n, "word": w, "length": 8, "w": True} for n, w in enumerate(words)]


TRAFFIC = [*(traffic(random.Random(seed)) for seed in range(8)), fuzzed()]


@pytest.mark.parametrize("number", range(len(TRAFFIC)))
def test_as_the_reference(number: int) -> None:
    rng, rows = random.Random(number), TRAFFIC[number]
    want = expected(rows)
    for ends in ([], sorted(rng.sample(range(len(rows)), 5)), list(range(1, len(rows), 3))):
        got = actual(rows, ends)
        wrong = [(n, g, w) for n, (g, w) in enumerate(zip(got, want, strict=True)) if g != w]
        assert not wrong


def test_every_flag_is_seen() -> None:
    seen = 0
    for rows in TRAFFIC:
        for code in actual(rows, []):
            seen |= code
    assert seen & 0x1FF == 0x1FF
