"""Regularity: how even the last intervals are between records of the key that show one value."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.columns import filled, present
from detectors.memory.base import Derived, Value, View, name_of
from detectors.memory.window import Windowed, entries, keep

#: Intervals are counted in whole milliseconds, so that sums do not depend on where batches are cut.
_TICK_US = 1000


@dataclass(frozen=True)
class Regularity(Windowed):
    """Of the last `gaps` intervals between records with `where` that show this record's `value`: mean and variation.

    A struct of `mean_s`, seconds, and `variation`, standard deviation over mean. Null unless all these records lie in the window
    and among the key's latest `at_most` with `where`, this one included. Size: one value and 8 bytes an entry.
    """

    value: Value = ""
    gaps: int = 20
    where: Derived | None = None

    @property
    def name(self) -> str:
        where = f" where {self.where.name}" if self.where else ""
        return f"regularity({self.gaps} of {name_of(self.value)}{where} in {self.seconds:g}s, {self.at_most})"

    @property
    def looks_at(self) -> tuple[Value, ...]:
        return (self.value,) if self.where is None else (self.value, self.where)

    @property
    def mean_s(self) -> pl.Expr:
        """Mean interval, seconds."""
        return self.col.struct.field("mean_s")

    @property
    def variation(self) -> pl.Expr:
        """Standard deviation over mean."""
        return self.col.struct.field("variation")

    def state(self, types: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
        return {"clock": pl.List(pl.Int64), "value": pl.List(types[name_of(self.value)])}

    def remember(self, view: View, state: dict[str, pl.Series]) -> tuple[pl.Series, dict[str, pl.Series]]:
        g, values = view.grouped, view.series(self.value)
        mask = view.mask(self.where) & present(values) & (g.time > g.clock - self.window_us)
        e = entries(g, state, mask, values)
        assert e.payload is not None
        number = filled(e.payload.rank("dense"), 0).astype(np.int64)
        # Entries of one era and value beside each other, in their order; `index` is the place among those of the era.
        order = np.lexsort((np.arange(len(number)), number, e.era))
        era, number, clock, index = e.era[order], number[order], e.clock[order], order
        begins = np.append(True, (era[1:] != era[:-1]) | (number[1:] != number[:-1]))[: len(order)]
        start = np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0))
        first = np.arange(len(order)) - self.gaps
        known = first >= start
        back = np.maximum(first, 0)
        known &= (index[back] > index - self.at_most) & (clock[back] > clock - self.window_us)
        ticks = clock // _TICK_US
        gap = np.where(begins, 0, ticks - np.append(0, ticks[:-1])[: len(order)])
        # Sums may wrap around: their differences are right all the same.
        squares = np.cumsum(gap * gap)
        total = (ticks - ticks[back]).astype(np.float64)
        square = (squares - squares[back]).astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            variation = np.sqrt(np.maximum(self.gaps * square - total * total, 0.0)) / total
        known &= total > 0
        at = np.flatnonzero(e.position[order] >= 0)
        mean_s, spread, seen = np.zeros(len(g.code)), np.zeros(len(g.code)), np.zeros(len(g.code), dtype=np.bool_)
        where = e.position[order][at]
        mean_s[where], spread[where], seen[where] = total[at] / (self.gaps * 1000), variation[at], known[at]
        out = pl.DataFrame({"mean_s": mean_s, "variation": spread}).to_struct()
        return out.set(pl.Series(~seen), None), keep(g, e, self.window_us, self.at_most)
