"""RunLength: how many times in a row the key showed the same value."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.columns import filled, present
from detectors.grouping import recall
from detectors.memory.base import Memory, Value, View, name_of


@dataclass(frozen=True)
class RunLength(Memory):
    """Length of the run of equal on-time non-null values that this record ends, at least 1; null for a late one.

    Size: one value and 4 bytes a key.
    """

    value: Value = ""

    @property
    def name(self) -> str:
        return f"run({name_of(self.value)})"

    @property
    def looks_at(self) -> tuple[Value, ...]:
        return (self.value,)

    def state(self, types: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
        return {"value": types[name_of(self.value)], "count": pl.Int32()}

    def remember(self, view: View, state: dict[str, pl.Series]) -> tuple[pl.Series, dict[str, pl.Series]]:
        g, values = view.grouped, view.series(self.value)
        mask = g.ontime & present(values)
        previous = recall(g, values, state["value"], g.before(mask), g.inherits, g.code)
        equal = filled(values == previous, False)
        count0 = np.where(g.inherits, filled(state["count"], 0)[g.code], 0)
        count = np.zeros(len(values), dtype=np.int64)
        # Among the records that count, a run begins where the value differs; a first run may go on from the past.
        at = np.flatnonzero(mask)
        before = g.before(mask)[at]
        goes_on = equal[at] & (before < 0)
        begin = np.maximum.accumulate(np.where(equal[at] & (before >= 0), 0, np.arange(len(at))))
        count[at] = np.arange(len(at)) - begin + 1 + np.where(goes_on, count0[at], 0)[begin]
        last, key, inherits = g.last(mask), g.code[g.ends], g.inherits[g.ends]
        kept = recall(g, values, state["value"], last, inherits, key)
        kept_count = np.where(last >= 0, count[last], count0[g.ends])
        seen = pl.Series(count)
        return (
            seen if mask.all() else seen.set(pl.Series(~mask), None),
            {"value": kept, "count": pl.Series(kept_count).cast(pl.Int32)},
        )
