"""What the window memories share: entries of the past beside those of the batch, and counting over both.

An entry stands at the key's clock when it arrived, so entries of a key are in time order. The window of a record
reaches back `seconds` from the key's clock: an entry exactly `seconds` old is outside.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from detectors.columns import take
from detectors.grouping import Bools, Grouped, Ints, place
from detectors.memory.base import MICROSECONDS, Memory


@dataclass(frozen=True)
class Windowed(Memory):
    """A memory over the last `seconds`, of at most `at_most` entries a key: beyond that the value saturates."""

    seconds: float
    at_most: int = 1000

    @property
    def window_us(self) -> int:
        """Length of the window, microseconds."""
        return int(self.seconds * MICROSECONDS)


@dataclass(frozen=True)
class Entries:
    """Entries of past and batch, by era, then arrival. `position` is -1 for an entry from the state.

    `era` numbers rise with the sorted order of the batch, so (era, clock) is sorted.
    """

    era: Ints
    clock: Ints
    position: Ints
    payload: pl.Series | None


def eras(g: Grouped) -> Ints:
    """The number of each record's era, rising from 0."""
    return np.cumsum(np.arange(len(g.start)) == g.start) - 1


def entries(g: Grouped, state: dict[str, pl.Series], mask: Bools, payload: pl.Series | None) -> Entries:
    """Entries of the past (state columns `clock`, and `value` with a payload) and of the batch where `mask` holds."""
    era = eras(g)
    at = np.flatnonzero(mask)
    counts = _lengths(state["clock"])
    # The past of a key belongs to the era of its first record of the batch, where that inherits it.
    firsts = np.concatenate((np.array([0]), g.ends[:-1] + 1)) if g.keys else np.empty(0, dtype=np.int64)
    past_era = np.repeat(np.where(g.inherits[firsts], era[firsts], -1), counts)
    flat = _flat(state["clock"]).to_numpy().astype(np.int64)
    alive = past_era >= 0
    eras_all = np.concatenate((past_era[alive], era[at]))
    clocks = np.concatenate((flat[alive], g.clock[at]))
    positions = np.concatenate((np.full(int(alive.sum()), -1, dtype=np.int64), at))
    order = np.argsort(eras_all, kind="stable")
    joined = None
    if payload is not None:
        past = _flat(state["value"]).filter(pl.Series(alive))
        joined = take(pl.concat([past, take(payload, at).cast(past.dtype)]), order)
    return Entries(eras_all[order], clocks[order], positions[order], joined)


def older(entry_era: Ints, entry_clock: Ints, era: Ints, until: Ints) -> Ints:
    """How many entries come before each (era, until]: entries of earlier eras, and of `era` with clock <= until.

    Entries must be sorted by (era, clock).
    """
    return place(entry_era, entry_clock, era, until, "right")


def keep(g: Grouped, e: Entries, window_us: int, at_most: int, chosen: Bools | None = None) -> dict[str, pl.Series]:
    """State columns of the entries still in the window at each key's clock: the latest `at_most` of the current era."""
    era_of_key = eras(g)[g.ends]
    clock_of_key = g.clock[g.ends]
    row = np.searchsorted(era_of_key, e.era)
    current = (row < g.keys) & (era_of_key[np.minimum(row, g.keys - 1)] == e.era)
    row = np.minimum(row, g.keys - 1)
    alive = current & (e.clock > clock_of_key[row] - window_us)
    if chosen is not None:
        alive &= chosen
    index = np.flatnonzero(alive)
    rows = row[index]
    # Rank from the end within each key, to keep the latest.
    counts = np.bincount(rows, minlength=g.keys)
    from_end = np.cumsum(counts)[rows] - np.arange(len(rows))
    index = index[from_end <= at_most]
    rows = row[index]
    counts = np.bincount(rows, minlength=g.keys)
    kept = {"clock": lists_of(pl.Series(e.clock[index]), counts)}
    if e.payload is not None:
        kept["value"] = lists_of(take(e.payload, index), counts)
    return kept


# By Arrow, which has the lengths and the values of lists at hand: Polars plans a query for each question.


def _lengths(lists: pl.Series) -> Ints:
    """Length of each list; 0 for null."""
    lengths = lists.to_arrow().value_lengths()
    known: Ints = (lengths.fill_null(0) if lengths.null_count else lengths).to_numpy().astype(np.int64)
    return known


def _flat(lists: pl.Series) -> pl.Series:
    """The values of all lists, one behind the other."""
    values = pl.Series(lists.to_arrow().flatten())
    inner = lists.dtype.inner  # type: ignore[attr-defined]  # of a list
    return values if values.dtype == inner else values.cast(inner)


def lists_of(values: pl.Series, counts: Ints) -> pl.Series:
    """Lists of `counts` values each; null instead of an empty one."""
    offsets = pa.array(np.append(0, np.cumsum(counts)))
    empty = pa.array(counts == 0)
    return pl.Series(pa.LargeListArray.from_arrays(offsets, values.to_arrow(), mask=empty))
