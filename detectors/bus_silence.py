"""Periodic identifiers that are silent while their bus goes on: the mathematics of can_suspension.

Time counts only while a bus is active: a pause counts as `ACTIVE_US` at most, and one of `pause_s` begins a new activity of the bus, in
which an identifier is judged once it was heard again. Everything is a function of the frames in arrival order and of the state alone,
so that it does not matter where the stream is cut. State: a row an identifier and a row a bus, about 60 bytes each.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.can_bus import DATA, DIAGNOSTIC
from detectors.detector import StepFunction
from detectors.grouping import Bools, Ints, number_keys, place, running_max, stable_order


@dataclass(frozen=True)
class Numbers:
    """What a silence is."""

    missing: float = 5.0  # mean periods of silence
    least_s: float = 2.0  # of silence at least
    regular: float = 2.5  # times the mean: an interval beyond is no period's
    learn: int = 20  # intervals of an identifier
    learn_s: float = 10.0  # that it was heard
    early_s: float = 2.5  # after the bus became active: identifiers that begin later are judged after
    settled_s: float = 60.0  # of theirs
    pause_s: float = 1.0  # without any frame: the bus slept
    share_max: float = 0.3  # of the judged identifiers that may be silent with it
    keys_max: int = 200_000  # identifiers remembered; the least recently heard are forgotten


#: Longest pause within activity that counts as activity, microseconds.
ACTIVE_US = 100_000
#: Silence after which an identifier that is not learned yet is forgotten, microseconds of activity.
FORGOTTEN_US = 60_000_000
BUS = ("vehicle", "channel")
KEY = (*BUS, "extended", "can_id")
#: Of an identifier: activity of the bus when it was last heard, the bus's number of pauses then, its intervals; times in microseconds.
STATE: dict[str, pl.DataType] = {
    "vehicle": pl.String(),
    "channel": pl.String(),
    "extended": pl.Boolean(),
    "can_id": pl.Int64(),
    "active": pl.Int64(),
    "pauses": pl.Int64(),
    "early": pl.Boolean(),
    "intervals": pl.Int64(),
    "total": pl.Int64(),
    "longest": pl.Int64(),
    "holes": pl.Int64(),
    "told": pl.Boolean(),
    # Of the bus, whose row has no identifier: its clock, and when its activity began.
    "clock": pl.Int64(),
    "began": pl.Int64(),
}
HITS = {"_row": pl.UInt32, "missing": pl.Int64, "silent_s": pl.Float64, "period_ms": pl.Float64}


@dataclass(frozen=True)
class _Line:
    """The frames of a batch by bus, then arrival: clock of the bus's activity, and how often it paused."""

    bus: Ints
    active: Ints
    pauses: Ints
    began: Ints
    clock: Ints
    ends: Ints


def _line(bus: Ints, time: Ints, past: pl.DataFrame, pause_us: int) -> _Line:
    """Activity of each bus; `past` has a row a bus (null where it is new), `bus` is sorted."""
    first = np.flatnonzero(np.diff(bus, prepend=-1))
    is_first = np.zeros(len(bus), dtype=np.bool_)
    is_first[first] = True
    known = past["clock"].is_not_null().to_numpy()
    clock0, active0, pauses0, began0 = (
        past[name].fill_null(0).to_numpy() for name in ("clock", "active", "pauses", "began")
    )
    clock = time.copy()
    clock[first] = np.where(known, np.maximum(time[first], clock0), time[first])
    clock = running_max(clock, is_first)
    gap = np.diff(clock, prepend=clock[:1])
    gap[first] = np.where(known, clock[first] - clock0, 0)
    pause = gap > pause_us

    def total(values: Ints, start: Ints) -> Ints:
        running = np.cumsum(values)
        return running + (start - np.concatenate(([0], running))[first])[bus]

    active = total(np.minimum(gap, ACTIVE_US), active0)
    begins = np.where(pause, active, 0)
    begins[first] = np.maximum(begins[first], began0)
    ends = np.append(first[1:], len(bus))
    return _Line(bus, active, total(pause.astype(np.int64), pauses0), running_max(begins, is_first), clock, ends)


@dataclass(frozen=True)
class _Heard:
    """Every time that an identifier was heard, by identifier; what was remembered of it comes first, at position -1."""

    code: Ints
    bus: Ints
    position: Ints
    active: Ints
    pauses: Ints
    early: Bools
    intervals: Ints
    total: Ints
    longest: Ints
    holes: Ints
    told: Bools
    judged: Bools
    due: Ints

    def before(self, position: int, codes: Ints) -> Ints:
        """For each identifier the last time that it was heard up to a position of the line; -1 where it was not yet."""
        found = place(self.code, self.position, codes, np.full(len(codes), position), "right") - 1
        return np.where((found >= 0) & (self.code[found] == codes), found, -1)


def _heard(p: Numbers, code: Ints, past: pl.DataFrame, bus: Ints, position: Ints, line: _Line) -> _Heard:
    """All times in order; the first rows of the arguments are those of `past`."""
    order = stable_order(code, int(code.max()) + 1)
    old = np.arange(len(code)) < len(past)

    def joined(name: str, now: Ints) -> Ints:
        then = past[name].fill_null(0).cast(pl.Int64).to_numpy()
        return np.concatenate((then, now))[order]

    zero = np.zeros(len(code) - len(past), dtype=np.int64)
    active, pauses = joined("active", line.active), joined("pauses", line.pauses)
    code, bus, position, old = code[order], bus[order], position[order], old[order]
    first = np.diff(code, prepend=-1) != 0
    follows = ~first & (pauses == np.concatenate(([0], pauses[:-1])))
    gap = np.where(follows, active - np.concatenate(([0], active[:-1])), 0)
    start = np.maximum.accumulate(np.where(first, np.arange(len(code)), 0))

    def so_far(name: str, now: Ints) -> Ints:
        running = np.cumsum(np.where(old, joined(name, zero), now))
        return running - np.concatenate(([0], running))[start]

    intervals, total = so_far("intervals", follows.astype(np.int64)), so_far("total", gap)
    least = int(p.least_s * 1e6)

    def wait(total: Ints, intervals: Ints) -> Ints:
        return np.maximum((p.missing * total / np.maximum(intervals, 1)).astype(np.int64), least)

    hole = follows & (intervals > p.learn) & (gap > wait(total - gap, intervals - follows))
    holes = so_far("holes", hole.astype(np.int64))
    longest = running_max(np.where(old, joined("longest", zero), np.where(hole, 0, gap)), first)
    soon = joined("active", line.active - line.began) <= p.early_s * 1e6
    opens = np.maximum.accumulate(np.where(old | ~follows, np.arange(len(code)), 0))
    early = np.where(old, joined("early", zero).astype(np.bool_), soon)[opens]
    judged = (intervals >= p.learn) & (total >= p.learn_s * 1e6) & (longest * intervals <= p.regular * total)
    judged &= (holes < 2) & (early | (total >= p.settled_s * 1e6))
    told = joined("told", zero).astype(np.bool_)
    due = active + wait(total, intervals)
    return _Heard(code, bus, position, active, pauses, early, intervals, total, longest, holes, told, judged, due)


def _missing(p: Numbers, line: _Line, heard: _Heard) -> tuple[Bools, list[tuple[int, int]]]:
    """Which silences were noticed, and of those of which something is to be said: (time heard, position on the line)."""
    last = np.append(heard.code[1:] != heard.code[:-1], True)
    until = np.append(heard.active[1:], 0)
    goes_on = ~last & (np.append(heard.pauses[1:], -1) == heard.pauses)
    asked = np.flatnonzero(heard.judged & ~heard.told & (~goes_on | (until >= heard.due)))
    asked = asked[line.active[line.ends[heard.bus[asked]] - 1] >= heard.due[asked]]
    at = place(line.bus, line.active, heard.bus[asked], heard.due[asked], "left")
    awake = line.pauses[at] == heard.pauses[asked]
    noticed = heard.told.copy()
    noticed[asked[awake]] = True
    said = []
    codes = np.unique(heard.code)
    bus_of = heard.bus[np.searchsorted(heard.code, codes)]
    for one, position in zip(asked[awake].tolist(), at[awake].tolist(), strict=True):
        there = heard.before(position, codes[bus_of == heard.bus[one]])
        there = there[there >= 0]
        there = there[heard.judged[there] & (heard.pauses[there] == line.pauses[position])]
        silent = 2 * (line.active[position] - heard.active[there]) >= heard.due[there] - heard.active[there]
        if silent.sum() <= max(2, p.share_max * len(there)):
            said.append((one, position))
    return noticed, said


def silences(p: Numbers) -> StepFunction:
    """The step of a detector: its hits are silences, on the frame by which each was noticed."""

    def run(state: pl.DataFrame | None, batch: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        state = pl.DataFrame(schema=STATE) if state is None else state
        frames = batch.filter(DATA.expr & ~DIAGNOSTIC).select(*KEY, "_time", "_row")
        if frames.is_empty():
            return state, pl.DataFrame(schema=HITS)
        code, _ = number_keys(frames.select(BUS))
        frames, bus = frames[stable_order(code, int(code.max()) + 1)], np.sort(code)
        buses = frames[np.flatnonzero(np.diff(bus, prepend=-1))].select(BUS)
        mine = buses.with_row_index("bus").join(state, on=BUS, how="left", maintain_order="left")
        own = buses.join(mine.filter(pl.col("clock").is_not_null()), on=BUS, how="left", maintain_order="left")
        line = _line(bus, frames["_time"].to_numpy(), own, int(p.pause_s * 1e6))
        past = mine.filter(pl.col("can_id").is_not_null())
        code, _ = number_keys(pl.concat([past.select(KEY), frames.select(KEY)]))
        position = np.concatenate((np.full(len(past), -1), np.arange(len(frames))))
        buses_of = np.concatenate((past["bus"].to_numpy().astype(np.int64), bus))
        heard = _heard(p, code, past, buses_of, position, line)
        noticed, said = _missing(p, line, heard)
        names = pl.concat([past.select(KEY), frames.select(KEY)])[np.unique(code, return_index=True)[1]]
        told = pl.DataFrame(
            [
                (
                    frames["_row"][at],
                    names["can_id"][int(heard.code[one])],
                    int(line.active[at] - heard.active[one]) / 1e6,
                    float(heard.total[one] / heard.intervals[one] / 1000),
                )
                for one, at in said
            ],
            schema=HITS,
            orient="row",
        )
        rest = state.join(buses, on=BUS, how="anti")
        return pl.concat([rest, _kept(p, line, heard, noticed, names, buses)]).tail(p.keys_max), told.sort("_row")

    return run


def _kept(
    p: Numbers, line: _Line, heard: _Heard, noticed: Bools, names: pl.DataFrame, buses: pl.DataFrame
) -> pl.DataFrame:
    """State of the buses of the batch, the identifiers first."""
    last = np.flatnonzero(np.append(heard.code[1:] != heard.code[:-1], True))
    end = line.ends - 1
    young = (heard.intervals[last] < p.learn) & (line.active[end][heard.bus[last]] - heard.active[last] > FORGOTTEN_US)
    ids = names.with_columns(
        pl.Series(name, getattr(heard, name)[last])
        for name in ("active", "pauses", "early", "intervals", "total", "longest", "holes")
    ).with_columns(pl.Series("told", noticed[last]))
    own = buses.with_columns(
        pl.Series("active", line.active[end]),
        pl.Series("pauses", line.pauses[end]),
        pl.Series("clock", line.clock[end]),
        pl.Series("began", line.began[end]),
    )
    return pl.concat([pl.DataFrame(schema=STATE), ids.filter(~young), own], how="diagonal")
