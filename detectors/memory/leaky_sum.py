"""LeakySum: a sum that forgets with time: the steady state of a filter that takes what is added as its input."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.columns import filled
from detectors.memory.base import MICROSECONDS, Derived, Memory, Value, View, name_of
from detectors.memory.rounds import Rounds


@dataclass(frozen=True)
class LeakySum(Memory):
    """s <- s * exp(-dt / seconds) + value over the key's on-time finite values, this one included; dt since the one before.

    A record without a value sees the sum as it stood after the last that had one. A value is clipped to +-1e9. Size: 16 bytes a key.
    """

    value: Value = ""
    seconds: float = 10.0
    where: Derived | None = None

    @property
    def name(self) -> str:
        where = f" where {self.where.name}" if self.where else ""
        return f"leaky({name_of(self.value)}{where}, {self.seconds:g}s)"

    @property
    def looks_at(self) -> tuple[Value, ...]:
        return (self.value,) if self.where is None else (self.value, self.where)

    def state(self, types: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
        return {"sum": pl.Float64(), "time": pl.Int64()}

    def remember(self, view: View, state: dict[str, pl.Series]) -> tuple[pl.Series, dict[str, pl.Series]]:
        g = view.grouped
        x = filled(view.series(self.value).cast(pl.Float64), np.nan)
        mask = view.mask(self.where) & g.ontime & np.isfinite(x)
        x = x.clip(-1e9, 1e9)
        sum0 = np.where(g.inherits, filled(state["sum"], 0.0)[g.code], 0.0)
        time0 = np.where(g.inherits, filled(state["time"], 0)[g.code], 0)
        previous = g.before(mask)
        # The first value of all finds a sum of 0, whatever time stands there.
        gone_us = (g.time - np.where(previous >= 0, g.time[previous], time0)).astype(np.float64)
        kept = np.exp(-np.maximum(gone_us, 0.0) / (self.seconds * MICROSECONDS))
        total = np.zeros(len(x))
        rounds = Rounds.of(g, mask)
        for at, before in rounds.wide():
            total[at] = np.where(before >= 0, total[before], sum0[at]) * kept[at] + x[at]
        for one, prior in rounds.narrow():
            total[one] = (total[prior] if prior >= 0 else sum0[one]) * kept[one] + x[one]
        seen = np.where(mask, total, np.where(previous >= 0, total[previous], sum0))
        last = g.last(mask)
        return pl.Series(seen), {
            "sum": pl.Series(np.where(last >= 0, total[last], sum0[g.ends])),
            "time": pl.Series(np.where(last >= 0, g.time[last], time0[g.ends])),
        }
