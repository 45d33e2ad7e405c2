"""Age: seconds since the first record of a key."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.columns import filled
from detectors.memory.base import MICROSECONDS, Memory, View


@dataclass(frozen=True)
class Age(Memory):
    """Seconds of the key's clock since its first record; 0 for that record. Size: 8 bytes a key."""

    @property
    def name(self) -> str:
        return "age"

    def state(self, types: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
        return {"first": pl.Int64()}

    def remember(self, view: View, state: dict[str, pl.Series]) -> tuple[pl.Series, dict[str, pl.Series]]:
        g = view.grouped
        first = np.where(g.inherits, filled(state["first"], 0)[g.code], g.clock[g.start])
        return pl.Series((g.clock - first) / MICROSECONDS), {"first": pl.Series(first[g.ends])}
