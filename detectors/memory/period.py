"""Period: the learned interval between records of a key."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.columns import filled, nan_as_null
from detectors.memory.base import MICROSECONDS, Derived, Memory, Value, View


@dataclass(frozen=True)
class Period(Memory):
    """Mean interval in seconds over the key's first `learn` intervals, fixed from then on; null while learning.

    An attacker who comes later cannot move it. Size: 24 bytes a key.
    """

    learn: int = 50
    where: Derived | None = None

    @property
    def name(self) -> str:
        return f"period({self.where.name if self.where else ''} {self.learn})"

    @property
    def looks_at(self) -> tuple[Value, ...]:
        return () if self.where is None else (self.where,)

    def state(self, types: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
        return {"first": pl.Int64(), "count": pl.Int32(), "period": pl.Float64()}

    def remember(self, view: View, state: dict[str, pl.Series]) -> tuple[pl.Series, dict[str, pl.Series]]:
        g = view.grouped
        mask = view.mask(self.where) & g.ontime
        count0 = np.where(g.inherits, filled(state["count"], 0)[g.code], 0).astype(np.int64)
        period0 = np.where(g.inherits, filled(state["period"], np.nan)[g.code], np.nan)
        # How many records of the era count up to each record, and at what time the first of them came.
        total = np.concatenate((np.array([0]), np.cumsum(mask)))
        count = np.minimum(count0 + total[1:] - total[g.start], self.learn + 1)
        opening = np.append(g.time[mask], 0)[total[g.start]]
        origin = np.where(count0 > 0, filled(state["first"], 0)[g.code], opening)
        # A period holds from the record that completes it to the end of the era.
        completes = mask & (count == self.learn + 1) & np.isnan(period0)
        first = completes & (g.before(completes) < 0)
        done = np.maximum.accumulate(np.where(first, np.arange(len(count)), -1))
        learned = (g.time[done] - origin) / (MICROSECONDS * self.learn)
        period = np.where(np.isnan(period0) & (done >= g.start), learned, period0)
        begins = g.start == np.arange(len(count))
        seen = np.where(begins, period0, np.concatenate((np.array([np.nan]), period[:-1])))
        return (
            nan_as_null(seen),
            {
                "first": pl.Series(origin[g.ends]),
                "count": pl.Series(count[g.ends]).cast(pl.Int32),
                "period": nan_as_null(period[g.ends]),
            },
        )
