"""The state of memories: one table a record type and key, a row a key, the columns of all memories of that key.

Columns are named by the memory that owns them, parameters included: a new memory finds no column and begins afresh, a
memory that is gone leaves columns that are dropped with a note.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from detectors.columns import pick, take
from detectors.grouping import CLOCK, Bools, Ints, group, number_keys
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
        asked = [batch.get_column(name) for name in self.by]
        known = {} if table is None else {series.name: series for series in table.get_columns()}
        before = [known[name] for name in self.by] if known else []
        # Numbered together, the batch's first: one look at every key, not a join's three.
        both = list(map(pl.concat, zip(asked, before, strict=True))) if known else asked
        code, first = number_keys(pl.DataFrame(both))
        code, owner = code[: len(batch)], code[len(batch) :]
        count = int(code.max(initial=-1)) + 1
        keys = pl.DataFrame([take(series, first[:count]) for series in asked])
        touched = owner < count
        at = np.full(count, -1)
        at[owner[touched]] = np.flatnonzero(touched)
        return OpenTable(self, keys, known, at, np.flatnonzero(~touched), code, batch[TIME].to_numpy())


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
        known: dict[str, pl.Series],
        at: Ints,
        rest: Ints,
        code: Ints,
        time: Ints,
    ) -> None:
        """As `KeyTable.open` has it: the state before, the row there of each key (-1 for none), and its other rows."""
        self.keys, self.code = keys, code
        self._known, self._at, self._rest = known, at, rest
        clock = self._before(CLOCK, pl.Int64())
        self.grouped = group(code, len(keys), time, clock, spec.lifetime_us)
        self._fresh = [pl.Series(CLOCK, self.grouped.clock[self.grouped.ends])]
        self._sorted: dict[str, pl.Series] = {}

    def advance(self, batch: pl.DataFrame, memory: Memory, asked: Bools | None = None) -> pl.Series:
        """Advance one memory; gives its column, in batch order.

        Args:
            batch: the records.
            memory: of this key.
            asked: see `View`, in batch order.
        """
        columns: dict[str, pl.Series] = {}
        for looked in memory.looks_at:
            name = name_of(looked)
            if name not in self._sorted:
                self._sorted[name] = self.grouped.sort(batch.get_column(name))
            columns[name] = self._sorted[name]
        types = {name: series.dtype for name, series in columns.items()}
        state = {
            suffix: self._before(f"{memory.column}.{suffix}", kind) for suffix, kind in memory.state(types).items()
        }
        asked = None if asked is None else asked[self.grouped.order]
        value, kept = memory.remember(View(self.grouped, columns, asked), state)
        self._fresh += [
            series.cast(state[suffix].dtype).alias(f"{memory.column}.{suffix}") for suffix, series in kept.items()
        ]
        return self.grouped.unsort(value).alias(memory.column)

    def close(self) -> pl.DataFrame:
        """The new table: rows of the batch's keys after those that the batch did not touch."""
        touched = [*self.keys.get_columns(), *self._fresh]
        if not len(self._rest):
            return pl.DataFrame(touched)
        return pl.DataFrame([pl.concat([self._untouched(own.name, own.dtype), own]) for own in touched])

    def _before(self, name: str, kind: pl.DataType) -> pl.Series:
        """A column of the state at the batch's keys."""
        known = self._known.get(name)
        return _nulls(name, kind, len(self._at)) if known is None else pick(known, self._at).cast(kind)

    def _untouched(self, name: str, kind: pl.DataType) -> pl.Series:
        known = self._known.get(name)
        return _nulls(name, kind, len(self._rest)) if known is None else take(known, self._rest)


def _nulls(name: str, kind: pl.DataType, count: int) -> pl.Series:
    return pl.Series(name, [None], dtype=kind).new_from_index(0, count)
