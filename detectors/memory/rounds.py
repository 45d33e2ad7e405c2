"""Recurrences over the records of each key, exact however batches are cut.

The k-th records of all keys are computed together, k = 1, 2, ...: the arithmetic of a key is the same sequence of
operations wherever the stream is cut. The cost is one pass over the records plus a few microseconds for every round,
so many keys with few records each are fast, and one key with all records is slow but bounded.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from detectors.grouping import Bools, Grouped, Ints


def rounds(g: Grouped, mask: Bools) -> Iterator[tuple[Ints, Ints]]:
    """Positions of the records with `mask`, one an era and round.

    Yields: (positions, predecessors): each record's position, and that of the record with `mask` before it in its
        era, -1 where the past of its key (or nothing) comes before it.
    """
    at = np.flatnonzero(mask)
    if not len(at):
        return
    previous = g.before(mask)[at]
    first = previous < 0
    begin = np.maximum.accumulate(np.where(first, np.arange(len(at)), 0))
    depth = np.arange(len(at)) - begin
    order = np.argsort(depth, kind="stable")
    bounds = np.concatenate((np.array([0]), np.cumsum(np.bincount(depth))))
    for low, high in pairwise(bounds):
        chosen = order[low:high]
        yield at[chosen], previous[chosen]
