"""Period: the learned interval between records of a key."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.memory.base import MICROSECONDS, Derived, Memory, Value, View
from detectors.memory.rounds import rounds


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
        first0 = state["first"].fill_null(0).to_numpy()
        count0 = state["count"].fill_null(0).to_numpy().astype(np.int64)
        period0 = state["period"].fill_null(np.nan).to_numpy()
        n = len(g.code)
        origin, count, period = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64), np.full(n, np.nan)
        count0_of = np.where(g.inherits, count0[g.code], 0)
        period0_of = np.where(g.inherits, period0[g.code], np.nan)
        for at, previous in rounds(g, mask):
            carried = previous >= 0
            count[at] = np.minimum(np.where(carried, count[previous], count0_of[at]) + 1, self.learn + 1)
            begun = np.where(carried, origin[previous], first0[g.code[at]])
            origin[at] = np.where(count[at] == 1, g.time[at], begun)
            known = np.where(carried, period[previous], period0_of[at])
            learned = (g.time[at] - origin[at]) / (MICROSECONDS * self.learn)
            period[at] = np.where(np.isnan(known) & (count[at] == self.learn + 1), learned, known)
        before = g.before(mask)
        seen = np.where(before >= 0, period[before], period0_of)
        last, key, inherits = g.last(mask), g.code[g.ends], g.inherits[g.ends]
        return (
            pl.Series(seen).fill_nan(None),
            {
                "first": pl.Series(np.where(last >= 0, origin[last], first0[key])),
                "count": pl.Series(np.where(last >= 0, count[last], np.where(inherits, count0[key], 0))).cast(pl.Int32),
                "period": pl.Series(
                    np.where(last >= 0, period[last], np.where(inherits, period0[key], np.nan))
                ).fill_nan(None),
            },
        )
