"""TimeSince: seconds since the key's last record."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.columns import nan_as_null
from detectors.grouping import recall
from detectors.memory.base import MICROSECONDS, Derived, Memory, Value, View


@dataclass(frozen=True)
class TimeSince(Memory):
    """Seconds of event time since the key's last record with `where`; null for the first and for a late one.

    Size: 8 bytes a key.
    """

    where: Derived | None = None

    @property
    def name(self) -> str:
        return f"time_since({self.where.name if self.where else ''})"

    @property
    def looks_at(self) -> tuple[Value, ...]:
        return () if self.where is None else (self.where,)

    def state(self, types: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
        return {"time": pl.Int64()}

    def remember(self, view: View, state: dict[str, pl.Series]) -> tuple[pl.Series, dict[str, pl.Series]]:
        g = view.grouped
        mask = view.mask(self.where) & g.ontime
        times = pl.Series(g.time)
        seen = recall(g, times, state["time"], g.before(mask), g.inherits, g.code)
        # Not by Polars: it divides a single row by a constant otherwise than many, and cuts would show.
        since = nan_as_null((times - seen).cast(pl.Float64).to_numpy() / MICROSECONDS)
        kept = recall(g, times, state["time"], g.last(mask), g.inherits[g.ends], g.code[g.ends])
        return since.set(pl.Series(np.logical_not(g.ontime)), None), {"time": kept}
