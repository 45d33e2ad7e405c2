"""SumWithin: the sum of a value over the key's records within the last seconds."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.columns import filled
from detectors.memory.base import Derived, Value, View, name_of
from detectors.memory.window import Windowed, entries, eras, keep, older


@dataclass(frozen=True)
class SumWithin(Windowed):
    """Sum of `value` (null counts as 0) over the window's latest `at_most` records with `where`, this one included.

    Values are summed as integers of 1e-6, so that the sum does not depend on where batches are cut; a value is
    clipped to +-1e9. Size: 16 bytes an entry.
    """

    value: Value = ""
    where: Derived | None = None

    @property
    def name(self) -> str:
        where = f" where {self.where.name}" if self.where else ""
        return f"sum({name_of(self.value)}{where} in {self.seconds:g}s, {self.at_most})"

    @property
    def looks_at(self) -> tuple[Value, ...]:
        return (self.value,) if self.where is None else (self.value, self.where)

    def state(self, types: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
        return {"clock": pl.List(pl.Int64), "value": pl.List(pl.Int64)}

    def remember(self, view: View, state: dict[str, pl.Series]) -> tuple[pl.Series, dict[str, pl.Series]]:
        g = view.grouped
        mask = view.mask(self.where) & (g.time > g.clock - self.window_us)
        value = np.nan_to_num(filled(view.series(self.value).cast(pl.Float64), 0.0), nan=0.0).clip(-1e9, 1e9)
        e = entries(g, state, mask, pl.Series((value * 1e6).round().astype(np.int64)))
        assert e.payload is not None
        era = eras(g)
        total = np.concatenate((np.array([0]), np.cumsum(e.payload.to_numpy())))
        upto = older(e.era, np.maximum(e.position, -1), era, np.arange(len(era)))
        gone = older(e.era, e.clock, era, g.clock - self.window_us)
        gone = np.maximum(gone, upto - self.at_most)
        return pl.Series((total[upto] - total[gone]) / 1e6), keep(g, e, self.window_us, self.at_most)
