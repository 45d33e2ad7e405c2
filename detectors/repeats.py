"""Entries of several keys in the order of each, and which of them repeat what is still known: mathematics of `copied_message`."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.grouping import Bools, Ints, number_keys, place, running_max, stable_order


@dataclass(frozen=True)
class Line:
    """Entries in the order of each receiver, as arrays; `code` numbers receivers."""

    code: Ints
    clock: Ints
    number: Ints

    @classmethod
    def of(cls, entries: pl.DataFrame) -> tuple[pl.DataFrame, "Line"]:
        """Bring entries of past and batch into order, and number the new ones."""
        code, first = number_keys(entries.select("receiver"))
        order = stable_order(code, len(first))
        entries, code = entries[pl.Series(order.astype(np.uint32))], code[order]
        begins = np.diff(code, prepend=-1) != 0
        begin = np.maximum.accumulate(np.where(begins, np.arange(len(code)), 0))
        number = entries["number"].to_numpy()[begin] + np.arange(len(code)) - begin
        return entries, cls(code, running_max(entries["clock"].to_numpy(), begins), number)

    def repeats(self, groups: tuple[Ints, ...], window: int, most: int) -> tuple[Ints, Bools]:
        """The entries by groups, and which of them follow one of their group that is still known."""
        order = np.lexsort((self.number, *groups))
        known = np.ones(max(len(order) - 1, 0), dtype=np.bool_)
        for group in groups:
            known &= np.diff(group[order]) == 0
        known &= (np.diff(self.clock[order]) <= window) & (np.diff(self.number[order]) < most)
        return order, np.concatenate((np.zeros(min(1, len(order)), dtype=np.bool_), known))

    def count(self, counted: Bools, group: Ints, window: int) -> Ints:
        """How many counted entries of its group each has in its window, itself included."""
        at = np.flatnonzero(counted)
        order = np.lexsort((self.number[at], group[at]))
        at = at[order]
        # By number, for a record sees only what came before it; the window's begin by time.
        upto = place(group[at], self.number[at], group, self.number, "right")
        return upto - place(group[at], self.clock[at], group, self.clock - window, "right")


def known(line: Line, window: int, most: int) -> Bools:
    """Entries that one to come may still be compared with; the last of a receiver keeps its clock and number."""
    last = np.flatnonzero(np.diff(line.code, append=-1) != 0)
    at = np.searchsorted(last, np.arange(len(line.code)))
    return (line.clock >= line.clock[last][at] - window) & (line.number > line.number[last][at] - most)
