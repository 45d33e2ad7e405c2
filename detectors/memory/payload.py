"""Payload: what is odd about the data of a periodic message, learned from the messages of its key before."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from detectors.columns import filled, present
from detectors.grouping import Grouped, Ints
from detectors.memory.base import MICROSECONDS, Derived, Memory, Value, View
from detectors.payload_bytes import Lives, Words, bytes_of, counting, leaps, range_of, runs_of, third_within

#: Bits of the memory's value. STUCK: a byte that kept changing stays the same while the message goes on. FRESH: not for long yet.
STUCK, FRESH = 1, 2
#: SETTLES: a byte just stopped to change, whatever the reason. PAUSES: it was never so long without a change.
SETTLES, PAUSES = 4, 8
#: MISCOUNTS: every counter broke its sequence, three times in ten messages. FUZZED: bytes that hardly ever change did, for one message,
#: three times.
MISCOUNTS, FUZZED = 16, 32
#: ODD_LENGTH: not the length of all the first messages. SAME: no byte changed. BACK: as the message before the last one.
ODD_LENGTH, SAME, BACK = 64, 128, 256
#: From this bit on: the number of the message with which the stuck byte began to stand, within its key.
BEGUN = 20
_LONG_AGO = -(2**62)
_MOST = 2**30
#: Largest less smallest value of a byte whose rests at the ends of its range are another matter than those inside.
WIDE = 8
#: A byte that never took so wide a step is the high byte of a signal, which rests while the low one goes on.
STEP = 4


@dataclass(frozen=True)
class Payload(Memory):
    """Flags of a message by its first eight data bytes, from the on-time messages of its key so far.

    A byte is *stuck* when it did not change for `stuck_s` and `stuck` messages (*fresh* until 2.5 times that), `ratio` times
    as long as ever before (inside its range, where that is `WIDE`), though it changed, by `STEP` at least once, in a `share`
    of at least `learn` messages over `learn_s`; other bytes go on, the pace of the message too, and the byte is not at an end
    of its range, or leapt there. It *settles* when it stands still for `settle` messages and `settle_s` at least, sixteen
    times that at most, `ratio` / 2 times as long as before, wherever in its range. Bytes that hardly ever change did so in a
    twentieth of at least `quiet` messages at most; `together` of them are odd. Size: 430 bytes a key.

    Args:
        value: the first eight bytes of the data as an integer of 64 bits, byte 0 lowest.
        length: field with the length of the data.
        where: messages that carry data.
    """

    value: Value = ""
    length: str = ""
    where: Derived | None = None
    learn: int = 40
    learn_s: float = 4.0
    share: float = 0.3
    ratio: int = 8
    stuck: int = 20
    stuck_s: float = 2.0
    settle: int = 8
    settle_s: float = 0.5
    quiet: int = 100
    together: int = 3
    quiet_s: float = 10.0

    @property
    def name(self) -> str:
        numbers = (
            self.learn,
            self.learn_s,
            self.share,
            self.ratio,
            self.stuck,
            self.stuck_s,
            self.settle,
            self.settle_s,
        )
        return f"payload({', '.join(f'{n:g}' for n in (*numbers, self.quiet, self.together, self.quiet_s))})"

    @property
    def looks_at(self) -> tuple[Value, ...]:
        return (self.value, self.length) if self.where is None else (self.value, self.length, self.where)

    def state(self, types: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
        def bytewise(kind: type[pl.DataType]) -> pl.DataType:
            return pl.Array(kind, 8)

        return {
            "word": pl.UInt64(),
            "before": pl.UInt64(),
            "count": pl.Int32(),
            "first": pl.Int64(),
            "latest": pl.Int64(),
            "stirs": pl.Int32(),
            "length": pl.Int32(),
            "lengths": pl.Int32(),
            "run": bytewise(pl.Int32),
            "longest": bytewise(pl.Int32),
            "inner": bytewise(pl.Int32),
            "changes": bytewise(pl.Int32),
            "since": bytewise(pl.Int64),
            "stirred": bytewise(pl.Int32),
            "leapt": bytewise(pl.Boolean),
            "widest": bytewise(pl.UInt8),
            "low": bytewise(pl.UInt8),
            "high": bytewise(pl.UInt8),
            "hardly": bytewise(pl.Boolean),
            "steps": pl.Array(pl.Int32, 16),
            "breaks": pl.Array(pl.Int64, 2),
            "oddities": pl.Array(pl.Int64, 2),
        }

    def remember(self, view: View, state: dict[str, pl.Series]) -> tuple[pl.Series, dict[str, pl.Series]]:
        g = view.grouped
        at = np.flatnonzero(view.mask(self.where) & g.ontime)
        code = np.zeros(len(g.code), dtype=np.int64)
        if not len(at):
            return pl.Series(code), self._kept(g, state, {}, at)
        messages = _Messages(self, view, state, at)
        code[at] = messages.flags()
        return pl.Series(code), self._kept(g, state, messages.kept(), at)

    def _kept(
        self, g: Grouped, state: dict[str, pl.Series], fresh: dict[str, npt.NDArray[Any]], at: Ints
    ) -> dict[str, pl.Series]:
        """State columns: of a key whose current era has no message, what was there, where the era goes on."""
        last = np.searchsorted(at, g.ends, side="right") - 1
        touched = (last >= 0) & (at[last] >= g.start[g.ends]) if len(at) else np.zeros(g.keys, dtype=np.bool_)
        life = np.cumsum(np.concatenate(([True], np.diff(g.start[at]) != 0)))[last[touched]] - 1 if len(at) else at
        goes_on = ~touched & g.inherits[g.ends]
        out = {}
        for name, old in state.items():
            values = _matrix(old, 0)[g.code[g.ends]]
            if touched.any():
                values[touched] = fresh[name][..., life].T
            known = touched | (goes_on & present(old)[g.code[g.ends]])
            series = pl.Series(values).cast(old.dtype)
            out[name] = series if known.all() else pl.select(pl.when(pl.Series(known)).then(series)).to_series()
        return out


def _matrix(column: pl.Series, absent: int) -> npt.NDArray[Any]:
    """A state column as an array, a row a key; `absent` for null."""
    if not isinstance(column.dtype, pl.Array):
        return filled(column, absent).copy()
    values = column.to_arrow()
    known = present(column)
    inner = column.dtype.inner
    out = np.full((len(column), column.dtype.shape[0]), absent, dtype=pl.Series([], dtype=inner).to_numpy().dtype)
    out[known] = values.flatten().to_numpy(zero_copy_only=False).reshape(-1, column.dtype.shape[0])
    return out


class _Messages:
    """The messages of a batch that carry data, and the past of their lives."""

    def __init__(self, memory: Payload, view: View, state: dict[str, pl.Series], at: Ints) -> None:
        g = view.grouped
        self.memory = memory
        begins = np.concatenate(([True], np.diff(g.start[at]) != 0))
        first = np.flatnonzero(begins)
        last = np.append(first[1:], len(at)) - 1
        keys, inherits = g.code[at[first]], g.inherits[at[first]]
        known = inherits & present(state["word"])[keys]

        def past(name: str, absent: int) -> npt.NDArray[Any]:
            values = _matrix(state[name], absent)[keys]
            values[~known] = absent
            return values.T if values.ndim > 1 else values

        self.lives = Lives(np.cumsum(begins) - 1, first, last, past("count", 0).astype(np.int64))
        self.time = g.time[at]
        self.words = filled(view.series(memory.value), 0)[at].astype(np.uint64)
        word = np.where(known, past("word", 0), self.words[first]).astype(np.uint64)
        before = np.where(known, past("before", 0), word).astype(np.uint64)
        self.previous: Words = self.lives.before(self.words, word)
        self.earlier: Words = self.lives.before(self.previous, before)
        self.nth = self.lives.nth
        self.began = np.where(known, past("first", 0), self.time[first])
        self.gap = self.time - self.lives.before(self.time, np.where(known, past("latest", 0), self.time[first]))
        self.bytes = bytes_of(self.words)
        self.changed = bytes_of(self.words ^ self.previous) != 0
        self.stir = self.changed.any(axis=0)
        self.stirs = self.lives.total(self.stir, past("stirs", 0))
        low0, high0 = past("low", 255).astype(np.int64), past("high", 0).astype(np.int64)
        self.low, self.high = range_of(self.bytes, self.lives, low0, high0)
        self.inside = (self.low < self.bytes) & (self.bytes < self.high)
        was_inside = self.lives.before(self.inside, (low0 < bytes_of(word)) & (bytes_of(word) < high0))
        past_runs = past("run", -1), past("longest", 0), past("inner", 0), past("changes", 0)
        self.runs = runs_of(self.changed, was_inside, self.lives, *past_runs)
        # At an end of its range a signal may rest for long, as a speed does at 0. A byte of few values rests wherever it is.
        self.rest = np.where(self.high - self.low >= WIDE, self.runs.inner, self.runs.longest)
        self._since, self._stirred = past("since", 0), past("stirred", 0)
        self._since = np.where(known, self._since, self.began)
        self._leapt = past("leapt", 0).astype(np.bool_)
        previous = bytes_of(self.previous)
        self.leaps, self.widest = leaps(self.bytes, previous, self.lives, past("widest", 0).astype(np.int64))
        self.counts = counting(self.bytes, previous)
        self.steps = self.lives.total(self.counts, past("steps", 0))
        self._breaks, self._oddities = past("breaks", _LONG_AGO), past("oddities", _LONG_AGO)
        self._hardly = past("hardly", 0).astype(np.bool_)
        self.sizes = filled(view.series(memory.length), 0)[at].astype(np.int64)
        self._size = np.where(known, past("length", 0), self.sizes[first])
        self.size = self._size[self.lives.number]
        learning = self.nth <= memory.learn
        self.misfits = self.lives.total(learning & (self.sizes != self.size), past("lengths", 0))

    def flags(self) -> Ints:
        m, number = self.memory, self.lives.number
        code = self._standing()
        earlier = self.nth - 1
        # Lost messages break a sequence too, and leave a gap.
        pace = (self.time - self.began[number]) / np.maximum(earlier, 1)
        learned = (earlier > m.quiet) & (20 * (self.steps - self.counts) >= 19 * (earlier - 1))
        # A checksum counts along while the rest of the message stands still: one counter that goes on is enough.
        broke = learned.any(axis=0) & ~(learned & self.counts).any(axis=0) & (self.gap <= 1.5 * pace)
        miscounts, self._breaks = third_within(broke, self.nth, 9, self.lives, self._breaks)
        hardly = self.changed & (20 * (self.runs.changes - self.changed) <= earlier) & (earlier >= m.quiet)
        self.hardly = hardly
        returned = self.lives.before(hardly, self._hardly) & (bytes_of(self.words ^ self.earlier) == 0)
        alone = returned.sum(axis=0) >= m.together
        fuzzed, self._oddities = third_within(
            alone, self.time, int(m.quiet_s * MICROSECONDS), self.lives, self._oddities
        )
        near = np.bitwise_count(self.words ^ self.earlier).astype(np.int64)
        back = (earlier > 1) & self.stir & (2 * near <= np.bitwise_count(self.words ^ self.previous))
        odd_length = (self.nth > m.learn) & (self.misfits == 0) & (self.sizes != self.size)
        same = ~self.stir & (earlier > 0)
        for bit, holds in (
            (MISCOUNTS, miscounts),
            (FUZZED, fuzzed),
            (ODD_LENGTH, odd_length),
            (SAME, same),
            (BACK, back),
        ):
            code |= np.where(holds, bit, 0)
        return code

    def _standing(self) -> Ints:
        """PAUSES, SETTLES, STUCK, FRESH and BEGUN. Few bytes stand still that did not always: they are looked at one by one."""
        m, runs = self.memory, self.runs
        code = np.zeros(len(self.words), dtype=np.int64)
        least = max(1, round(m.learn * m.share))
        byte, at = np.nonzero((runs.length > 2 * self.rest) & (runs.changes >= least) & (runs.length > 1))
        if not len(at):
            return code
        life = self.lives.number[at]
        length, rest, changes = runs.length[byte, at], self.rest[byte, at], runs.changes[byte, at]
        learned = self.nth[at] - length
        lively = (changes >= m.share * learned) & (learned >= m.learn)
        turn = runs.changed_at[byte, at]
        since = np.where(turn >= 0, self.time[turn], self._since[byte, life])
        stirred = np.where(turn >= 0, self.stirs[turn], self._stirred[byte, life])
        stood, before = self.time[at] - since, since - self.began[life]
        settles = lively & (length >= m.settle) & (2 * length >= m.ratio * rest)
        settles &= (stood >= m.settle_s * MICROSECONDS) & (stood <= 16 * m.settle_s * MICROSECONDS)
        stuck = lively & (length >= m.stuck) & (self.widest[byte, at] >= STEP)
        stuck &= (stood >= m.stuck_s * MICROSECONDS) & (before >= m.learn_s * MICROSECONDS)
        stuck &= self.stirs[at] - stirred >= 5
        leapt = np.where(turn >= 0, self.leaps[byte, turn], self._leapt[byte, life])
        pace, usual = stood * learned, before * length
        stuck &= (pace <= 2 * usual) & (2 * pace >= usual)
        stuck &= (self.inside[byte, at] & (length >= m.ratio * rest)) | (
            leapt & (length >= m.ratio * runs.longest[byte, at])
        )
        fresh = stuck & (stood <= 2.5 * m.stuck_s * MICROSECONDS)
        for bit, holds in ((PAUSES, lively), (SETTLES, settles), (STUCK, stuck), (FRESH, fresh)):
            code[at[holds]] |= bit
        begun = np.full(len(code), _MOST, dtype=np.int64)
        np.minimum.at(begun, at[stuck], learned[stuck])
        return code | np.where(begun < _MOST, begun << BEGUN, 0)

    def kept(self) -> dict[str, npt.NDArray[Any]]:
        """State of each life after its last message, the lives last."""
        last, runs = self.lives.last, self.runs
        turn = runs.changed_at[:, last]
        return {
            "word": self.words[last],
            "before": self.previous[last],
            "count": np.minimum(self.nth[last], _MOST),
            "first": self.began,
            "latest": self.time[last],
            "stirs": np.minimum(self.stirs[last], _MOST),
            "length": self._size,
            "lengths": self.misfits[last],
            "run": np.minimum(runs.length[:, last], _MOST),
            "longest": np.minimum(runs.longest[:, last], _MOST),
            "inner": np.minimum(runs.inner[:, last], _MOST),
            "changes": np.minimum(runs.changes[:, last], _MOST),
            "since": np.where(turn >= 0, self.time[turn], self._since),
            "stirred": np.where(turn >= 0, self.stirs[turn], self._stirred),
            "leapt": np.where(turn >= 0, np.take_along_axis(self.leaps, turn, axis=1), self._leapt),
            "widest": self.widest[:, last],
            "low": self.low[:, last],
            "high": self.high[:, last],
            "hardly": self.hardly[:, last],
            "steps": np.minimum(self.steps[:, last], _MOST),
            "breaks": self._breaks,
            "oddities": self._oddities,
        }
