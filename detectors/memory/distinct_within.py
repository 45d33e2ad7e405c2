"""DistinctWithin: how many different values the key showed within the last seconds."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.columns import filled, present
from detectors.memory.base import Derived, Value, View, name_of
from detectors.memory.window import Windowed, entries, eras, keep, older


@dataclass(frozen=True)
class DistinctWithin(Windowed):
    """Different non-null values of `value` in the window among records with `where`, this one included.

    Saturates at `at_most`. Size: one value and 8 bytes an entry, an entry a distinct value.
    """

    value: Value = ""
    where: Derived | None = None

    @property
    def name(self) -> str:
        where = f" where {self.where.name}" if self.where else ""
        return f"distinct({name_of(self.value)}{where} in {self.seconds:g}s, {self.at_most})"

    @property
    def looks_at(self) -> tuple[Value, ...]:
        return (self.value,) if self.where is None else (self.value, self.where)

    def state(self, types: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
        return {"clock": pl.List(pl.Int64), "value": pl.List(types[name_of(self.value)])}

    def remember(self, view: View, state: dict[str, pl.Series]) -> tuple[pl.Series, dict[str, pl.Series]]:
        g, values = view.grouped, view.series(self.value)
        mask = view.mask(self.where) & present(values) & (g.time > g.clock - self.window_us)
        e = entries(g, state, mask, values)
        assert e.payload is not None
        # A value is present from an entry until the window has passed its last repetition: a run of entries of one
        # value, each within the window of the one before, counts once from its first entry to its last one's end.
        _, number = np.unique(filled(e.payload.rank("dense"), 0), return_inverse=True)
        order = np.lexsort((np.arange(len(number)), number, e.era))
        era_v, number_v, clock_v = e.era[order], number[order], e.clock[order]
        same = (era_v[1:] == era_v[:-1]) & (number_v[1:] == number_v[:-1])
        joined = np.concatenate((np.array([False]), same & (clock_v[1:] - clock_v[:-1] < self.window_us)))[: len(order)]
        begins = np.empty(len(order), dtype=np.bool_)
        begins[order] = ~joined
        ends = np.empty(len(order), dtype=np.bool_)
        ends[order] = ~np.append(joined[1:], False)[: len(order)]
        latest = np.empty(len(order), dtype=np.bool_)
        latest[order] = ~np.append(same, False)[: len(order)]
        era, at = eras(g), np.arange(len(g.code))
        begun = older(e.era[begins], np.maximum(e.position[begins], -1), era, at)
        over = older(e.era[ends], e.clock[ends], era, g.clock - self.window_us)
        return (
            pl.Series(np.minimum(begun - over, self.at_most)),
            keep(g, e, self.window_us, self.at_most, chosen=latest),
        )
