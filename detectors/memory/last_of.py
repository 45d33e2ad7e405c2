"""LastOf: what the last record of another type left under the same key.

A warning beside the position of who sends it, a command beside the load that it switches, a broadcast signal beside the lamp:
one record type is judged by what another one said last. The values of one key and `where` are always those of one record.

Before means arrived before, whatever times the two records carry: a rule that wants the other record to be recent says so
(`seconds_since`). So neither a wrong clock of one sender nor disorder hides what was heard last.
"""

from dataclasses import dataclass

import polars as pl

from detectors.grouping import TIME
from detectors.memory.base import MICROSECONDS, Beside, Derived, Value, name_of
from schemas.types import Schema


@dataclass(frozen=True)
class LastOf(Beside):
    """The value that the last record of type `record` with `where` left under this record's key.

    Null where there was none, where the key has a null, and where that record is older than its type is remembered. It may be null
    too where the value was. Both record types must have the same locality; a record never sees itself, so `record` may
    be its own type under another key. Size: the values and 8 bytes a key of the other type.

    Args:
        record: the other record type.
        by: fields or derived values of this record that make the key, within the locality.
        value: field or derived value of the other record; `TIME` and `REFERENCE` too.
        where: which records of the other type count.
        there: fields or derived values of the other record that make the same key; those of `by` by default.
    """

    record: Schema
    by: tuple[Value, ...]
    value: Value
    where: Derived | None = None
    there: tuple[Value, ...] = ()

    @property
    def table(self) -> str:
        """Name of the state table that it reads: the records that count, by key."""
        where = f" where {self.where.name}" if self.where else ""
        return f"last of {self.record.name}{where}|{','.join(map(name_of, self.keys))}"

    @property
    def column(self) -> str:
        return f"{name_of(self.value)} of {self.table}|{','.join(map(name_of, self.by))}"

    @property
    def keys(self) -> tuple[Value, ...]:
        """The key in the other record, without the locality."""
        return self.there or self.by

    @property
    def looks_at(self) -> tuple[Value, ...]:
        return self.by

    @property
    def looks_there(self) -> tuple[Value, ...]:
        """Fields and derived values of the other record that it reads."""
        where = () if self.where is None else (self.where,)
        return (*self.keys, self.value, *where)

    @property
    def below_there(self) -> tuple[Beside, ...]:
        """The columns that must be beside the other record before it."""
        return tuple(m for value in self.looks_there if isinstance(value, Derived) for m in value.memories)

    @property
    def below(self) -> tuple[Beside, ...]:
        return (*super().below, *self.below_there)


def seconds_since(time: LastOf) -> pl.Expr:
    """Seconds from the event time of the other record to this one's; below 0 where the other one's is later.

    Args:
        time: with `TIME` as its value.
    """
    return (pl.col(TIME) - time.col) * (1 / MICROSECONDS)
