"""Recent: references to the key's latest records, the evidence of a window."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.columns import take
from detectors.memory.base import Derived, Value, View
from detectors.memory.window import Windowed, entries, eras, keep, lists_of, older

#: Engine column that says where a record stands: offset (Kafka) and frame or line numbers (file).
REFERENCE = "_reference"


@dataclass(frozen=True)
class Recent(Windowed):
    """References of the latest `at_most` records with `where` in the window, oldest first.

    Only a record with `where` that is asked about sees them, others null: lists for every record would take more time and memory
    than all else. So it is evidence alone: no rule and no other memory can look at it. Size: a reference and 8 bytes an entry.
    """

    where: Derived | None = None

    @property
    def name(self) -> str:
        return f"recent({self.where.name if self.where else ''} in {self.seconds:g}s, {self.at_most})"

    @property
    def looks_at(self) -> tuple[Value, ...]:
        return (REFERENCE,) if self.where is None else (REFERENCE, self.where)

    def state(self, types: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
        return {"clock": pl.List(pl.Int64), "value": pl.List(types[REFERENCE])}

    def remember(self, view: View, state: dict[str, pl.Series]) -> tuple[pl.Series, dict[str, pl.Series]]:
        g, references = view.grouped, view.series(REFERENCE)
        mask = view.mask(self.where) & (g.time > g.clock - self.window_us)
        e = entries(g, state, mask, references)
        assert e.payload is not None
        at, era = np.flatnonzero(mask if view.asked is None else mask & view.asked), eras(g)
        upto = older(e.era, e.position, era[at], at)
        gone = np.maximum(older(e.era, e.clock, era[at], g.clock[at] - self.window_us), upto - self.at_most)
        lengths = np.zeros(len(g.code), dtype=np.int64)
        lengths[at] = upto - gone
        index = np.repeat(upto - np.cumsum(upto - gone), upto - gone) + np.arange(int(lengths.sum()))
        return lists_of(take(e.payload, index), lengths), keep(g, e, self.window_us, self.at_most)
