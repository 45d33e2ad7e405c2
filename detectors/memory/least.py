"""Least: the smallest value that the key showed so far."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.columns import filled, nan_as_null
from detectors.grouping import running_max
from detectors.memory.base import Derived, Memory, Value, View, name_of


@dataclass(frozen=True)
class Least(Memory):
    """Smallest finite value of the key's on-time records with `where` before this record; null without one.

    Size: 8 bytes a key.
    """

    value: Value = ""
    where: Derived | None = None

    @property
    def name(self) -> str:
        return f"least({name_of(self.value)}{f' where {self.where.name}' if self.where else ''})"

    @property
    def looks_at(self) -> tuple[Value, ...]:
        return (self.value,) if self.where is None else (self.value, self.where)

    def state(self, types: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
        return {"least": pl.Float64()}

    def remember(self, view: View, state: dict[str, pl.Series]) -> tuple[pl.Series, dict[str, pl.Series]]:
        g = view.grouped
        x = view.series(self.value).cast(pl.Float64).to_numpy()
        counted = np.where(view.mask(self.where) & g.ontime & np.isfinite(x), x, np.inf)
        least0 = np.where(g.inherits, filled(state["least"], np.inf)[g.code], np.inf)
        begins = g.start == np.arange(len(x))
        run = np.minimum(-running_max(-counted, begins), least0)
        before = np.where(begins, least0, np.concatenate((np.array([np.inf]), run[:-1])))

        def known(values: np.ndarray) -> pl.Series:
            return nan_as_null(np.where(np.isinf(values), np.nan, values))

        return known(before), {"least": known(run[g.ends])}
