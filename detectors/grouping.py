"""The records of a batch grouped by key, in arrival order, with the clock of each key.

All records of a locality reach a bucket in one order (one partition, by offset; or one file, by line), so a key's
records have one order however the stream is cut into batches. Everything here depends on that order and on the key's
state alone: that is what makes the memories split-invariant.

Disorder: the clock of a key is the latest event time seen so far. A record behind the clock is late. Memories of
the last value pass over a late record (it neither sees nor becomes "the last"); windows place it at the clock.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from detectors.columns import filled, pick, positions

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
T = TypeVar("T", np.int64, np.float64)
K = TypeVar("K")

#: State column of a key table: the clock of the key, microseconds since 1970.
CLOCK = "_clock"
#: Engine column of a batch: event time bounded by the broker's, microseconds.
TIME = "_time"
_NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Grouped:
    """One batch sorted by key, then arrival. All arrays but `order` are in that sorted order, of length n.

    Attributes:
        order: sorted position -> batch position.
        code: key number, 0 to `keys` - 1, in the order of first arrival; also the row of the key's state.
        time: event time, microseconds.
        clock: clock of the key after this record, microseconds.
        ontime: False for a late record.
        start: position of the first record of this record's era. An era ends where a key was silent longer than its
        lifetime.
        inherits: True where the era began in an earlier batch, so that the key's state holds its past.
        ends: position of the last record of each key, by key number.
        keys: number of keys.

    What is worked out for a mask is kept: memories of one key often look at the same records.
    """

    order: Ints
    code: Ints
    time: Ints
    clock: Ints
    ontime: Bools
    start: Ints
    inherits: Bools
    ends: Ints
    keys: int
    _kept: dict[tuple[str, bytes], Any] = field(default_factory=dict, repr=False, compare=False)

    def once(self, name: str, mask: Bools, work: Callable[[Bools], K]) -> K:
        """What `work` makes of a mask, worked out once a batch."""
        key = (name, mask.tobytes())
        if key not in self._kept:
            self._kept[key] = work(mask)
        kept: K = self._kept[key]
        return kept

    def before(self, mask: Bools) -> Ints:
        """For each record the position of the last earlier record of its era with `mask`; -1 where there is none."""
        return self.once("before", mask, self._before)

    def last(self, mask: Bools) -> Ints:
        """For each key the position of the last record of its current era with `mask`; -1 where there is none."""
        return self.once("last", mask, self._last)

    def _before(self, mask: Bools) -> Ints:
        upto = np.maximum.accumulate(np.where(mask, np.arange(len(mask)), -1))
        earlier = np.concatenate((np.array([-1]), upto[:-1]))
        return np.where(earlier >= self.start, earlier, -1)

    def _last(self, mask: Bools) -> Ints:
        upto = np.maximum.accumulate(np.where(mask, np.arange(len(mask)), -1))[self.ends]
        return np.where(upto >= self.start[self.ends], upto, -1)

    @cached_property
    def _there(self) -> pl.Series:
        return positions(self.order)

    @cached_property
    def _back(self) -> pl.Series:
        back = np.empty(len(self.order), dtype=np.uint32)
        back[self.order] = np.arange(len(self.order), dtype=np.uint32)
        return pl.Series(back)

    def sort(self, values: pl.Series) -> pl.Series:
        """Bring values from batch order to sorted order."""
        return values[self._there]

    def unsort(self, values: pl.Series) -> pl.Series:
        """Bring values from sorted order back to batch order."""
        return values[self._back]


def recall(
    grouped: Grouped, values: pl.Series, state: pl.Series, position: Ints, inherits: Bools, code: Ints
) -> pl.Series:
    """Values at `position`; where that is -1, the state of the key if the era inherits it, else null."""
    index = np.where(position >= 0, position + len(state), np.where(inherits, code, -1))
    everything = pl.concat([state, values.cast(state.dtype)])
    return pick(everything, index)


def group(code: Ints, keys: int, time: Ints, clock: pl.Series, lifetime_us: int) -> Grouped:
    """Group a batch.

    Args:
        code: key number of each record, in arrival order.
        keys: number of keys.
        time: event time of each record, microseconds.
        clock: clock of each key from the state, microseconds; null for a key without state.
        lifetime_us: silence after which a key's past no longer counts, microseconds.
    """
    order = stable_order(code, keys)
    code, time = code[order], time[order]
    n = len(code)
    first = np.empty(n, dtype=np.bool_)
    first[:1] = True
    first[1:] = code[1:] != code[:-1]
    before = filled(clock, _NEVER)[code]
    running = running_max(np.where(first, np.maximum(time, before), time), first)
    previous = np.concatenate((np.array([_NEVER]), running[:-1]))
    previous = np.where(first, before, previous)
    ontime = time >= previous
    known = previous != _NEVER
    fresh = known & (running - np.where(known, previous, running) > lifetime_us)
    era = first | fresh
    start = np.maximum.accumulate(np.where(era, np.arange(n), 0))
    inherits = (first & known & ~fresh)[start]
    ends = np.flatnonzero(np.append(first[1:], True))
    return Grouped(order, code, time, running, ontime, start, inherits, ends, keys)


def number_keys(frame: pl.DataFrame) -> tuple[Ints, Ints]:
    """Number the distinct rows of a frame in the order of their first appearance; nulls are equal to each other.

    Returns:
        The number of each row, and the row at which each number first appears.
    """
    code, first = _distinct(frame.to_series(0))
    for column in frame.get_columns()[1:]:
        finer, finer_first = _distinct(column)
        if (code == code[finer_first][finer]).all():
            # Each value of this column goes with one value of those before, as a meter does with its transformer.
            code, first = finer, finer_first
        elif not (finer == finer[first][code]).all():
            code, first = _by_appearance(code * len(finer_first) + finer)
    return code, first


def _distinct(column: pl.Series) -> tuple[Ints, Ints]:
    values = column.to_arrow(compat_level=pl.CompatLevel.oldest())
    # Arrow's dictionary is made in one pass and in the order of appearance.
    indices = values.dictionary_encode(null_encoding="encode").indices
    code = indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return code, np.flatnonzero(np.diff(np.maximum.accumulate(code), prepend=-1))


def _by_appearance(code: Ints) -> tuple[Ints, Ints]:
    _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
    order = np.argsort(first)
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return number[inverse], first[order]


def stable_order(number: Ints, below: int) -> Ints:
    """Stable order of numbers from 0 to `below` - 1; few bits are sorted by radix, far faster."""
    return np.argsort(number.astype(np.uint16) if below <= 65_536 else number, kind="stable")


def running_max(time: npt.NDArray[T], first: Bools) -> npt.NDArray[T]:
    """The largest value so far of each group; `first` is True at the first of each group. Values must not be NaN."""
    if not ((time[1:] < time[:-1]) & ~first[1:]).any():
        return time
    # Ranks instead of times: a rank plus a key's offset cannot overflow, whatever times a hostile record names.
    values, rank = np.unique(time, return_inverse=True)
    base = (np.cumsum(first) - 1) * len(values)
    climbed: Ints = np.maximum.accumulate(rank + base) - base
    highest: npt.NDArray[T] = values[climbed]
    return highest


def place(entry_group: Ints, entry_value: Ints, group: Ints, value: Ints, side: Literal["left", "right"]) -> Ints:
    """Where each (group, value) would stand among entries sorted by (group, value), as `numpy.searchsorted` says.

    Groups are numbered from 0. All groups are laid on one line; where hostile values make it too long for 64 bits, ranks
    take the place of values.
    """
    if not len(entry_value):
        return np.zeros(len(value), dtype=np.int64)
    groups = max(int(entry_group[-1]), int(group.max(initial=0))) + 1
    ends = np.searchsorted(entry_group, np.arange(groups), side="right")
    begins = np.concatenate((np.array([0]), ends[:-1]))
    filled = ends > begins
    low = np.where(filled, entry_value[np.minimum(begins, len(entry_value) - 1)], 0)
    high = np.where(filled, entry_value[ends - 1], 0)
    if float(np.sum(high.astype(np.float64) - low)) > 2.0**61 or low.min() < -(2**61) or high.max() > 2**61:
        known, rank = np.unique(entry_value, return_inverse=True)
        # Between two ranks there is room for a value that is no entry.
        asked = 2 * np.searchsorted(known, value, side="left")
        exact = known[np.minimum(asked // 2, len(known) - 1)] == value
        return place(entry_group, 2 * rank + 1, group, np.where(exact, asked + 1, asked), side)
    base = np.concatenate((np.array([0]), np.cumsum(high - low + 3)[:-1])) - low + 1
    line, asked = base[entry_group] + entry_value, base[group] + np.clip(value, low[group] - 1, high[group] + 1)
    return np.searchsorted(line, asked, side=side).astype(np.int64)
