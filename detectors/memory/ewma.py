"""Ewma: the exponentially weighted mean of a value, as it stood before this record."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.columns import filled, nan_as_null
from detectors.memory.base import Derived, Memory, Value, View, name_of
from detectors.memory.rounds import Rounds

#: Values are clipped to this.
FAR = 1e15
#: Count at which it stops: far beyond any 1/alpha, and it fits 32 bits.
MANY = 2**30


@dataclass(frozen=True)
class Ewma(Memory):
    """m <- m + max(alpha, 1/n) * (value - m) over the key's on-time finite values; a record sees m of those before it.

    The plain mean of the first 1/alpha values, exponentially weighted from then on: the first value has no weight of its
    own. Null until the key had `least` values, so that nothing is judged by a mean of one. Size: 12 bytes a key.
    """

    value: Value = ""
    alpha: float = 0.1
    least: int = 1
    where: Derived | None = None

    @property
    def name(self) -> str:
        where = f" where {self.where.name}" if self.where else ""
        return f"ewma({name_of(self.value)}{where}, {self.alpha:g}, {self.least})"

    @property
    def looks_at(self) -> tuple[Value, ...]:
        return (self.value,) if self.where is None else (self.value, self.where)

    def state(self, types: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
        return {"mean": pl.Float64(), "count": pl.Int32()}

    def remember(self, view: View, state: dict[str, pl.Series]) -> tuple[pl.Series, dict[str, pl.Series]]:
        g = view.grouped
        x = view.series(self.value).cast(pl.Float64).to_numpy()
        mask = view.mask(self.where) & g.ontime & np.isfinite(x)
        x = x.clip(-FAR, FAR)  # the difference of two hostile values must be finite
        mean0 = filled(state["mean"], np.nan)
        count0 = filled(state["count"], 0).astype(np.int64)
        mean0_of = np.where(g.inherits, mean0[g.code], np.nan)
        count0_of = np.where(g.inherits, count0[g.code], 0)
        mean, count = np.empty(len(x)), np.empty(len(x), dtype=np.int64)
        rounds = Rounds.of(g, mask)
        for at, previous in rounds.wide():
            number = np.where(previous >= 0, count[previous], count0_of[at]) + 1
            m = np.where(previous >= 0, mean[previous], mean0_of[at])
            mean[at] = np.where(number == 1, x[at], m + np.maximum(self.alpha, 1.0 / number) * (x[at] - m))
            count[at] = np.minimum(number, MANY)
        for one, prior in rounds.narrow():
            nth, m1 = (count[prior], mean[prior]) if prior >= 0 else (count0_of[one], mean0_of[one])
            nth += 1
            mean[one] = x[one] if nth == 1 else m1 + max(self.alpha, 1.0 / nth) * (x[one] - m1)
            count[one] = min(nth, MANY)
        before = g.before(mask)
        seen = np.where(before >= 0, mean[before], mean0_of)
        enough = np.where(before >= 0, count[before], count0_of) >= self.least
        last, key = g.last(mask), g.code[g.ends]
        inherits = g.inherits[g.ends]
        kept = np.where(last >= 0, mean[last], np.where(inherits, mean0[key], np.nan))
        kept_count = np.where(last >= 0, count[last], np.where(inherits, count0[key], 0))
        return (
            nan_as_null(np.where(enough & g.ontime, seen, np.nan)),
            {"mean": nan_as_null(kept), "count": pl.Series(kept_count).cast(pl.Int32)},
        )
