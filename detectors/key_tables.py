"""The state of memories: one table a record type and key, a row a key, the columns of all memories of that key.

Columns are named by the memory that owns them, parameters included: a new memory finds no column and begins afresh, a
memory that is gone leaves columns that are dropped with a note.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from detectors.columns import pick, take
from detectors.grouping import CLOCK, Bools, group, number_keys
from detectors.grouping import TIME as TIME
from detectors.memory.base import Beside, Derived, Memory, View, name_of


def table_name(record: str, by: Sequence[str]) -> str:
    """Name of the state table of a record type and key."""
    return f"{record}|{','.join(by)}"


def depth(memory: Beside) -> int:
    """How many layers of columns come before it."""
    return 1 + max(map(depth, memory.below), default=-1)


def layers(memories: Sequence[Beside]) -> list[tuple[list[Derived], list[Beside]]]:
    """Order memories so that each comes after what it looks at: per layer the derived columns first needed, then the memories.

    A layer stands at its `depth`, and may be empty: what a memory looks at beside records of another type is in theirs.
    """
    found: dict[str, Beside] = {}

    def visit(memory: Beside) -> None:
        if memory.column not in found:
            for value in memory.looks_at:
                for below in value.memories if isinstance(value, Derived) else ():
                    visit(below)
            found[memory.column] = memory

    for memory in memories:
        visit(memory)
    at = {column: depth(memory) for column, memory in found.items()}
    derived: set[str] = set()
    result: list[tuple[list[Derived], list[Beside]]] = []
    for level in range(max(at.values(), default=-1) + 1):
        members = [memory for column, memory in found.items() if at[column] == level]
        fresh: list[Derived] = []
        for value in (v for m in members for v in (*(m.by if isinstance(m, Memory) else ()), *m.looks_at)):
            if isinstance(value, Derived) and value.name not in derived:
                derived.add(value.name)
                fresh.append(value)
        result.append((fresh, members))
    return result


class KeyTable:
    """The memories of one key of one record type.

    Args:
        record: record type.
        by: fields of the key.
        memories: layers of memories, in order (`layers`, those of this key).
        lifetime_us: a key silent for longer begins afresh, microseconds.
    """

    def __init__(self, record: str, by: tuple[str, ...], lifetime_us: int) -> None:
        self.name = table_name(record, by)
        self.by = by
        self.lifetime_us = lifetime_us

    def open(self, table: pl.DataFrame | None, batch: pl.DataFrame) -> "OpenTable":
        """Find the keys of a batch in the table."""
        asked = batch.select(self.by)
        if table is None:
            table = asked.clear().with_columns(pl.lit(None, dtype=pl.Int64).alias(CLOCK))
        # Numbered together, the batch's first: one look at every key, not a join's three.
        code, first = number_keys(pl.concat([asked, table.select(self.by)]))
        code, owner = code[: len(asked)], code[len(asked) :]
        keys = asked[first[: int(code.max(initial=-1)) + 1]]
        touched = owner < len(keys)
        at = np.full(len(keys), -1)
        at[owner[touched]] = np.flatnonzero(touched)
        mine = keys.with_columns(pick(table[name], at) for name in table.columns if name not in self.by)
        return OpenTable(self, keys, mine, table.filter(~touched), code, batch[TIME].to_numpy())


class OpenTable:
    """A key table during one batch: memories advance one by one, then `close` gives the new table.

    Attributes:
        keys: the batch's keys, a row each.
        code: row of `keys` of each record, in batch order.
    """

    def __init__(
        self,
        spec: KeyTable,
        keys: pl.DataFrame,
        mine: pl.DataFrame,
        rest: pl.DataFrame,
        code: np.ndarray,
        time: np.ndarray,
    ) -> None:
        self.keys, self.code = keys, code
        self._mine, self._rest = mine, rest
        self.grouped = group(code, len(keys), time, mine[CLOCK], spec.lifetime_us)
        self._fresh: dict[str, pl.Series] = {CLOCK: pl.Series(self.grouped.clock[self.grouped.ends])}
        self._sorted: dict[str, pl.Series] = {}

    def advance(self, batch: pl.DataFrame, memory: Memory, asked: Bools | None = None) -> pl.Series:
        """Advance one memory; gives its column, in batch order.

        Args:
            batch: the records.
            memory: of this key.
            asked: see `View`, in batch order.
        """
        order = self.grouped.order
        types: dict[str, pl.DataType] = {}
        columns: dict[str, pl.Series] = {}
        for looked in memory.looks_at:
            name = name_of(looked)
            if name not in self._sorted:
                self._sorted[name] = take(batch[name], order)
            columns[name], types[name] = self._sorted[name], batch.schema[name]
        state: dict[str, pl.Series] = {}
        for suffix, kind in memory.state(types).items():
            column = f"{memory.column}.{suffix}"
            state[suffix] = (
                self._mine[column].cast(kind)
                if column in self._mine.columns
                else pl.Series(column, [None], dtype=kind).new_from_index(0, len(self._mine))
            )
        value, kept = memory.remember(View(self.grouped, columns, None if asked is None else asked[order]), state)
        for suffix, series in kept.items():
            self._fresh[f"{memory.column}.{suffix}"] = series.cast(state[suffix].dtype)
        return self.grouped.unsort(value).alias(memory.column)

    def close(self) -> pl.DataFrame:
        """The new table: rows of the batch's keys after those that the batch did not touch."""
        touched = self.keys.with_columns(series.alias(name) for name, series in self._fresh.items())
        if self._rest.is_empty():
            return touched
        missing = [
            pl.lit(None, dtype=dtype).alias(name)
            for name, dtype in touched.schema.items()
            if name not in self._rest.columns
        ]
        return pl.concat([self._rest.with_columns(missing).select(touched.columns), touched])
