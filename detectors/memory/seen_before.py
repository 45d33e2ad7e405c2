"""SeenBefore: whether the key showed this value before."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.columns import present
from detectors.grouping import Bools, Ints
from detectors.memory.base import Derived, Value, View, name_of
from detectors.memory.window import Windowed, entries, keep


@dataclass(frozen=True)
class SeenBefore(Windowed):
    """True where the key showed this record's `value` within the last `seconds` before it; null for a null value.

    A key forgets the least recently seen of more than `at_most` values. Size: one value and 8 bytes a distinct value.
    """

    value: Value = ""
    where: Derived | None = None

    @property
    def name(self) -> str:
        where = f" where {self.where.name}" if self.where else ""
        return f"seen({name_of(self.value)}{where} in {self.seconds:g}s, {self.at_most})"

    @property
    def looks_at(self) -> tuple[Value, ...]:
        return (self.value,) if self.where is None else (self.value, self.where)

    def state(self, types: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
        return {"clock": pl.List(pl.Int64), "value": pl.List(types[name_of(self.value)])}

    def remember(self, view: View, state: dict[str, pl.Series]) -> tuple[pl.Series, dict[str, pl.Series]]:
        g, values = view.grouped, view.series(self.value)
        known = present(values)
        mask = view.mask(self.where) & known & (g.time > g.clock - self.window_us)
        e = entries(g, state, mask, values)
        assert e.payload is not None
        number = e.payload.rank("dense").to_numpy().astype(np.int64)
        order = np.lexsort((np.arange(len(number)), number, e.era))
        same = (e.era[order][1:] == e.era[order][:-1]) & (number[order][1:] == number[order][:-1])
        near = same & (e.clock[order][1:] - e.clock[order][:-1] < self.window_us)
        repeated = np.empty(len(order), dtype=np.bool_)
        repeated[order] = np.concatenate((np.array([False]), near))[: len(order)]
        latest = np.empty(len(order), dtype=np.bool_)
        latest[order] = ~np.append(same, False)[: len(order)]
        self._forget(e.era, number, repeated)
        seen = np.zeros(len(g.code), dtype=np.bool_)
        own = e.position >= 0
        seen[e.position[own]] = repeated[own]
        out = pl.Series(seen)
        return (
            out if known.all() else out.set(pl.Series(~known), None),
            keep(g, e, self.window_us, self.at_most, chosen=latest),
        )

    def _forget(self, era: Ints, number: Ints, repeated: Bools) -> None:
        """Unmark repetitions of values that were forgotten: `at_most` others were seen since. Few keys have so many."""
        pairs = np.unique(np.stack((era, number)), axis=1)[0] if len(era) > self.at_most else era[:0]
        crowded = np.flatnonzero(np.bincount(pairs) > self.at_most) if len(pairs) else pairs
        for one in crowded:
            recent: dict[int, None] = {}
            for at in range(*np.searchsorted(era, [one, one + 1])):
                value = int(number[at])
                repeated[at] &= value in recent
                recent.pop(value, None)
                recent[value] = None
                if len(recent) > self.at_most:
                    del recent[next(iter(recent))]
