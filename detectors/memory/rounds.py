"""Recurrences over the records of each key, exact however batches are cut.

The k-th records of all keys are computed together, k = 1, 2, ...: the arithmetic of a key is the same sequence of
operations wherever the stream is cut. Rounds of few keys are not worth an array: what is left then is walked one by one,
so that a flood under one key costs about a microsecond a record and no more.
"""

from collections.abc import Iterator

import numpy as np

from detectors.grouping import Bools, Grouped, Ints, stable_order

#: Keys from which a round is computed as an array.
WIDE = 24


class Rounds:
    """The records with `mask`, each with the record with `mask` before it in its era.

    A predecessor of -1 says that the past of the key (or nothing) comes before. First go through `wide`, then `narrow`.
    """

    @classmethod
    def of(cls, g: Grouped, mask: Bools) -> "Rounds":
        """The rounds of a mask, worked out once a batch."""
        return g.once("rounds", mask, lambda m: cls(g, m))

    def __init__(self, g: Grouped, mask: Bools) -> None:
        at = np.flatnonzero(mask)
        previous = g.before(mask)[at]
        begin = np.maximum.accumulate(np.where(previous < 0, np.arange(len(at)), 0))
        depth = np.arange(len(at)) - begin
        widths = np.bincount(depth)
        # A key of n records takes part in the first n rounds, so rounds only get narrower.
        self._rounds = int(np.searchsorted(-widths, -WIDE, side="right"))
        order = stable_order(depth, len(widths))
        self._at, self._previous = at[order], previous[order]
        self._bounds = np.concatenate((np.array([0]), np.cumsum(widths)))

    def wide(self) -> Iterator[tuple[Ints, Ints]]:
        """Positions and predecessors of one record of each of many keys, a round at a time."""
        for number in range(self._rounds):
            part = slice(self._bounds[number], self._bounds[number + 1])
            yield self._at[part], self._previous[part]

    def narrow(self) -> Iterator[tuple[int, int]]:
        """Position and predecessor of each record that is left, in an order that respects predecessors."""
        rest = slice(self._bounds[self._rounds], None)
        yield from zip(self._at[rest].tolist(), self._previous[rest].tolist(), strict=True)
