"""Cusum: the one-sided cumulative sum of a value's excess over a slack (Page 1954); with a bound it is a leaky bucket."""

import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.columns import filled
from detectors.memory.base import Derived, Memory, Value, View, name_of
from detectors.memory.rounds import Rounds


@dataclass(frozen=True)
class Cusum(Memory):
    """s <- min(most, max(0, s + value - slack)) over the key's on-time finite values, this one included. Size: 8 bytes a key."""

    value: Value = ""
    slack: float = 0.0
    where: Derived | None = None
    most: float = math.inf

    @property
    def name(self) -> str:
        where = f" where {self.where.name}" if self.where else ""
        most = f", {self.most:g}" if math.isfinite(self.most) else ""
        return f"cusum({name_of(self.value)}{where}, {self.slack:g}{most})"

    @property
    def looks_at(self) -> tuple[Value, ...]:
        return (self.value,) if self.where is None else (self.value, self.where)

    def state(self, types: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
        return {"sum": pl.Float64()}

    def remember(self, view: View, state: dict[str, pl.Series]) -> tuple[pl.Series, dict[str, pl.Series]]:
        g = view.grouped
        x = view.series(self.value).cast(pl.Float64).to_numpy()
        mask = view.mask(self.where) & g.ontime & np.isfinite(x)
        sum0 = np.where(g.inherits, filled(state["sum"], 0.0)[g.code], 0.0)
        total = np.zeros(len(x))
        rounds = Rounds.of(g, mask)
        for at, before in rounds.wide():
            grown = np.where(before >= 0, total[before], sum0[at]) + x[at] - self.slack
            total[at] = np.minimum(self.most, np.maximum(0.0, grown))
        for one, prior in rounds.narrow():
            total[one] = min(self.most, max(0.0, (total[prior] if prior >= 0 else sum0[one]) + x[one] - self.slack))
        previous = g.before(mask)
        seen = np.where(mask, total, np.where(previous >= 0, total[previous], sum0))
        last = g.last(mask)
        return pl.Series(seen), {"sum": pl.Series(np.where(last >= 0, total[last], sum0[g.ends]))}
