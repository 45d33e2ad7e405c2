"""Nth: the how-many-th record of its key a record is."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.columns import filled
from detectors.memory.base import Derived, Memory, Value, View


@dataclass(frozen=True)
class Nth(Memory):
    """How many records with `where` the key has shown, this one included; saturates at `at_most`. Size: 4 bytes a key.

    Late records count too: the first record of a key is the one whose number is 1.
    """

    at_most: int = 1000
    where: Derived | None = None

    @property
    def name(self) -> str:
        return f"nth({self.where.name if self.where else ''} {self.at_most})"

    @property
    def looks_at(self) -> tuple[Value, ...]:
        return () if self.where is None else (self.where,)

    def state(self, types: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
        return {"count": pl.Int32()}

    def remember(self, view: View, state: dict[str, pl.Series]) -> tuple[pl.Series, dict[str, pl.Series]]:
        g = view.grouped
        total = np.concatenate((np.array([0]), np.cumsum(view.mask(self.where))))
        before = np.where(g.inherits, filled(state["count"], 0)[g.code], 0)
        count = np.minimum(before + total[1:] - total[g.start], self.at_most)
        return pl.Series(count), {"count": pl.Series(count[g.ends]).cast(pl.Int32)}
