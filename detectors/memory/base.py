"""What a memory is: something about the past of a key, as a column beside each record.

A memory names its key (`by`) and what it looks at; its `name` says both, is the column it fills and the prefix of its
state columns. Equal memories of several detectors have equal names and are computed once. A memory is

- vectorised: one call per bucket and batch, over all keys;
- split-invariant: however the stream is cut into batches, every record sees the same value;
- bounded: a fixed number of bytes a key, or at most `at_most` entries a key.

What another record left under the same key is a column beside each record too: `LastOf`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from detectors.columns import filled
from detectors.grouping import Bools, Grouped

MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Derived:
    """A named expression over a record (and `memories`, where it reads any), for memories to look at.

    Equal names must mean equal expressions: it is part of the name of a state column.
    """

    name: str
    expr: pl.Expr = field(compare=False, repr=False)
    memories: tuple["Beside", ...] = ()

    @property
    def col(self) -> pl.Expr:
        """The derived column."""
        return pl.col(self.name)


Value = str | Derived


def name_of(value: Value) -> str:
    """Column name of a field or derived value."""
    return value if isinstance(value, str) else value.name


@dataclass(frozen=True)
class View:
    """What a memory sees of a batch: the columns, in the sorted order of `grouped`.

    Args:
        grouped: the batch by key.
        columns: what the memory looks at.
        asked: records whose value is asked for, of a memory that gathers evidence; None for all.
    """

    grouped: Grouped
    columns: dict[str, pl.Series]
    asked: Bools | None = None

    def series(self, value: Value) -> pl.Series:
        """The column of a value."""
        return self.columns[name_of(value)]

    def mask(self, where: Derived | None) -> Bools:
        """True where `where` holds (null counts as False); everywhere without it."""
        if where is None:
            return np.ones(len(self.grouped.code), dtype=np.bool_)
        return filled(self.columns[where.name], False).astype(np.bool_)


class Beside(ABC):
    """A column beside each record that says something of what came before it."""

    @property
    @abstractmethod
    def column(self) -> str:
        """Its name, unique in a record type."""

    @property
    def col(self) -> pl.Expr:
        """The value beside each record; null where the past says nothing."""
        return pl.col(self.column)

    @property
    def looks_at(self) -> tuple[Value, ...]:
        """Fields and derived values of the record that it reads."""
        return ()

    @property
    def below(self) -> tuple["Beside", ...]:
        """The columns that must be there before it."""
        return tuple(m for value in self.looks_at if isinstance(value, Derived) for m in value.memories)


@dataclass(frozen=True)
class Memory(Beside):
    """A memory; see the module's text for what it must hold.

    Args:
        by: fields, or derived values (without memories), that make the key.
    """

    by: tuple[Value, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Column names of the key."""
        return tuple(map(name_of, self.by))

    @property
    @abstractmethod
    def name(self) -> str:
        """The column this memory fills: kind, what it looks at, window; without the key."""

    @property
    def column(self) -> str:
        """Name with the key: unique in a record type."""
        return f"{self.name}|{','.join(self.keys)}"

    @abstractmethod
    def state(self, types: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
        """Its state columns, by suffix, given the types of the batch's columns."""

    @abstractmethod
    def remember(self, view: View, state: dict[str, pl.Series]) -> tuple[pl.Series, dict[str, pl.Series]]:
        """Advance over one batch.

        Args:
            view: the batch.
            state: state columns by suffix, a row a key of the batch, null for a key without past.

        Returns:
            The memory's value beside each record (sorted order), and the new state columns.
        """
