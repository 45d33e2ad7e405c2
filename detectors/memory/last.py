"""Last: the value of the key's last record that had one."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.columns import pick, present
from detectors.grouping import recall
from detectors.memory.base import Derived, Memory, Value, View, name_of


@dataclass(frozen=True)
class Last(Memory):
    """The last non-null value of `value` before this record, among records with `where`.

    A late record sees null and is passed over. Size: one value a key.
    """

    value: Value
    where: Derived | None = None

    @property
    def name(self) -> str:
        return f"last({name_of(self.value)}{f' where {self.where.name}' if self.where else ''})"

    @property
    def looks_at(self) -> tuple[Value, ...]:
        return (self.value,) if self.where is None else (self.value, self.where)

    def state(self, types: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
        return {"value": types[name_of(self.value)]}

    def remember(self, view: View, state: dict[str, pl.Series]) -> tuple[pl.Series, dict[str, pl.Series]]:
        g, values = view.grouped, view.series(self.value)
        mask = view.mask(self.where) & g.ontime
        if values.null_count():
            mask &= present(values)
        seen = recall(g, values, state["value"], g.before(mask), g.inherits, g.code)
        if not g.ontime.all():
            seen = pick(seen, np.where(g.ontime, np.arange(len(seen)), -1))
        kept = recall(g, values, state["value"], g.last(mask), g.inherits[g.ends], g.code[g.ends])
        return seen, {"value": kept}
