"""CountWithin: how many records of the key within the last seconds."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.memory.base import Derived, Value, View
from detectors.memory.window import Windowed, entries, eras, keep, older


@dataclass(frozen=True)
class CountWithin(Windowed):
    """Records with `where` in the window, this one included; saturates at `at_most`. Size: 8 bytes an entry."""

    where: Derived | None = None

    @property
    def name(self) -> str:
        return f"count({self.where.name if self.where else ''} in {self.seconds:g}s, {self.at_most})"

    @property
    def looks_at(self) -> tuple[Value, ...]:
        return () if self.where is None else (self.where,)

    def state(self, types: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
        return {"clock": pl.List(pl.Int64)}

    def remember(self, view: View, state: dict[str, pl.Series]) -> tuple[pl.Series, dict[str, pl.Series]]:
        g = view.grouped
        # A record later than the window is not counted: it happened before the window began.
        mask = view.mask(self.where) & (g.time > g.clock - self.window_us)
        e = entries(g, state, mask, None)
        era = eras(g)
        upto = older(e.era, np.maximum(e.position, -1), era, np.arange(len(era)))
        gone = older(e.era, e.clock, era, g.clock - self.window_us)
        count = np.minimum(upto - gone, self.at_most)
        return pl.Series(count), keep(g, e, self.window_us, self.at_most)
