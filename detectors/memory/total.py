"""Total: what a value came to over the key's last period: a day, a week, half a day."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.columns import filled, nan_as_null, present
from detectors.grouping import recall
from detectors.memory.base import Derived, Memory, Value, View, name_of


@dataclass(frozen=True)
class Total(Memory):
    """Sum of `value` over the period that has just ended, at the first on-time record of the next one; null elsewhere.

    A period is a run of on-time records with `where` whose non-null `period` is the same, e.g. the number of the day. A null
    `value` counts as 0. Summed as integers of 1e-6 of values clipped to +-1e9, so that the sum does not depend on cuts. Size:
    16 bytes a key.
    """

    value: Value = ""
    period: Value = ""
    where: Derived | None = None

    @property
    def name(self) -> str:
        where = f" where {self.where.name}" if self.where else ""
        return f"total({name_of(self.value)} by {name_of(self.period)}{where})"

    @property
    def looks_at(self) -> tuple[Value, ...]:
        both = (self.value, self.period)
        return both if self.where is None else (*both, self.where)

    def state(self, types: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
        return {"period": types[name_of(self.period)], "sum": pl.Int64()}

    def remember(self, view: View, state: dict[str, pl.Series]) -> tuple[pl.Series, dict[str, pl.Series]]:
        g, period = view.grouped, view.series(self.period)
        mask = view.mask(self.where) & g.ontime & present(period)
        before = g.before(mask)
        previous = recall(g, period, state["period"], before, g.inherits, g.code)
        value = np.nan_to_num(filled(view.series(self.value).cast(pl.Float64), 0.0), nan=0.0).clip(-1e9, 1e9)
        sum0 = np.where(g.inherits, filled(state["sum"], 0)[g.code], 0)
        # Among the records that count: a period begins where it differs from the one before, or where nothing is before.
        at = np.flatnonzero(mask)
        goes_on = filled(period == previous, False)[at]
        first = before[at] < 0
        begin = np.maximum.accumulate(np.where(goes_on & ~first, 0, np.arange(len(at))))
        total = np.cumsum((value[at] * 1e6).round().astype(np.int64))
        upto = np.concatenate((np.array([0]), total))[begin]
        carried = np.where(first & goes_on, sum0[at], 0)[begin]
        so_far = np.zeros(len(mask), dtype=np.int64)
        so_far[at] = total - upto + carried
        ended = np.zeros(len(mask), dtype=np.bool_)
        ended[at] = ~goes_on & present(previous)[at]
        out = np.where(ended, np.where(before >= 0, so_far[before], sum0) / 1e6, np.nan)
        last, key, inherits = g.last(mask), g.code[g.ends], g.inherits[g.ends]
        kept = np.where(last >= 0, so_far[last], sum0[g.ends])
        return (
            nan_as_null(out),
            {"period": recall(g, period, state["period"], last, inherits, key), "sum": pl.Series(kept)},
        )
