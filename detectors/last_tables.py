"""The state of `LastOf`: one table a record type, key and `where`; a row a key, the values that its last record left.

Records of both types are put on one line by their arrival, which rises along every locality: each asks for the last record of the
other type before it, in the batch or else in the state. So it is the same wherever batches are cut, and one sort does all keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from detectors.columns import filled, pick, present, take
from detectors.grouping import CLOCK, TIME, Ints, number_keys, place
from detectors.memory.base import Derived, Value, name_of
from detectors.memory.last_of import LastOf
from schemas.types import Schema


def _expr(value: Value) -> pl.Expr:
    return value.expr.alias(value.name) if isinstance(value, Derived) else pl.col(value)


@dataclass
class LastTable:
    """What records of one type leave for others.

    Args:
        name: of the state table.
        record: whose records they are.
        keys: fields and derived values that make the key, the locality first.
        where: which records count.
        values: what is asked of them, by column of the table.
    """

    name: str
    record: Schema
    keys: tuple[Value, ...]
    where: Derived | None
    values: dict[str, Value] = field(default_factory=dict)

    @classmethod
    def of(cls, asked: LastOf) -> "LastTable":
        """The table of a memory, without its value yet."""
        return cls(asked.table, asked.record, (asked.record.locality, *asked.keys), asked.where)

    def open(
        self, table: pl.DataFrame | None, batch: Mapping[str, pl.DataFrame], lifetime_us: int, types: pl.Schema | None
    ) -> "OpenLast":
        """Begin a batch.

        Args:
            table: the state.
            batch: record type -> records in arrival order; beside those of its type stand the memories that key and `where` read,
                and those that a value reads once that is asked.
            lifetime_us: age at which what a record left counts no more, microseconds.
            types: columns of the table; None to take them from the records.
        """
        keys, records = [name_of(key) for key in self.keys], batch.get(self.record.name)
        if records is None:
            assert types is not None
            theirs = pl.DataFrame(schema={**{k: types[k] for k in keys}, CLOCK: pl.Int64(), "_at": pl.UInt32()})
            arrival = np.empty(0, dtype=np.int64)
        else:
            counts = pl.lit(True) if self.where is None else self.where.expr.fill_null(False)
            place_of = pl.int_range(pl.len(), dtype=pl.UInt32).alias("_at")
            rows = records.select(*map(_expr, self.keys), pl.col(TIME).alias(CLOCK), place_of, counts.alias("_counts"))
            theirs = rows.filter("_counts").drop("_counts").drop_nulls(keys)
            arrival = records["_arrival"].to_numpy()[theirs["_at"].to_numpy()]
        types = types or theirs.select(*keys, CLOCK).schema
        known = theirs.clear().select(*keys, CLOCK) if table is None else table
        return OpenLast(self, known, batch, theirs.drop("_at"), theirs["_at"], arrival, lifetime_us, types)


@dataclass
class OpenLast:
    """A `LastTable` during one batch: others ask, then `close` gives the new table.

    Attributes:
        known: the state at the begin of the batch.
        batch: the records.
        theirs: key and time of those that count, in arrival order.
        at: rows of these among the records of the type.
        arrival: when these arrived.
    """

    spec: LastTable
    known: pl.DataFrame
    batch: Mapping[str, pl.DataFrame]
    theirs: pl.DataFrame
    at: pl.Series
    arrival: Ints
    lifetime_us: int
    types: pl.Schema
    _found: dict[tuple[str, tuple[str, ...]], Ints] = field(default_factory=dict)
    _values: dict[str, pl.Series] = field(default_factory=dict)

    @property
    def schema(self) -> pl.Schema:
        """Columns of the table."""
        return pl.Schema({**self.types, **{name: self._value(name).dtype for name in self.spec.values}})

    def ask(self, record: str, asking: pl.DataFrame, by: tuple[str, ...], value: str) -> pl.Series:
        """A value beside each record that asks.

        Args:
            record: type of the records that ask.
            asking: all of the batch, in arrival order.
            by: their columns that make the key, the locality first.
            value: column of the table.
        """
        if (found := self._found.get((record, by))) is None:
            found = self._found[record, by] = self._find(asking, by)
        return pick(self._value(value), found)

    def close(self) -> pl.DataFrame:
        """The new table: a row a key, those that the batch did not touch first."""
        keys = [name_of(key) for key in self.spec.keys]
        if self.theirs.is_empty():
            return self.known
        code, _ = number_keys(pl.concat([self.theirs.select(keys), self.known.select(keys)]))
        theirs, known = code[: len(self.theirs)], code[len(self.theirs) :]
        last = np.full(int(code.max()) + 1, -1)
        last[theirs] = np.arange(len(theirs))  # of a key named twice the last one stays
        kept = np.flatnonzero(last[known] < 0)
        index = np.concatenate((kept, len(self.known) + np.sort(last[last >= 0])))
        both = pl.concat([self.known.select(*keys, CLOCK), self.theirs])
        return pl.DataFrame(
            [take(both[name], index) for name in (*keys, CLOCK)]
            + [take(self._value(name), index).alias(name) for name in self.spec.values]
        )

    def _find(self, asking: pl.DataFrame, by: tuple[str, ...]) -> Ints:
        """Which of state and batch, one behind the other, is the last before each record that asks; -1 for none."""
        keys = [name_of(key) for key in self.spec.keys]
        asked = asking.select(
            pl.col(own).cast(self.types[key], strict=False).alias(key) for own, key in zip(by, keys, strict=True)
        )
        code, _ = number_keys(pl.concat([asked, self.theirs.select(keys), self.known.select(keys)]))
        mine, theirs, known = np.split(code, [len(asked), len(asked) + len(self.theirs)])
        row = np.full(int(code.max(initial=-1)) + 1, -1)
        row[known] = np.arange(len(known))
        order = np.argsort(theirs, kind="stable")
        group = theirs[order]
        before = place(group, self.arrival[order], mine, asking["_arrival"].to_numpy(), "left") - 1
        own = np.append(group, -1)[before] == mine
        found = np.where(own, len(known) + np.append(order, 0)[before], row[mine])
        for key in keys:
            found = np.where(present(asked[key]), found, -1)
        left = filled(pick(pl.concat([self.known[CLOCK], self.theirs[CLOCK]]), found), 0)
        return np.where((found >= 0) & (asking[TIME].to_numpy() - left <= self.lifetime_us), found, -1)

    def _value(self, name: str) -> pl.Series:
        """The column of a value: of the state, then of the batch's records that count."""
        if name not in self._values:
            if (records := self.batch.get(self.spec.record.name)) is None:
                fresh = pl.Series(name, [], dtype=self.types[name])
            else:
                fresh = take(records.select(_expr(self.spec.values[name]).alias(name))[name], self.at.to_numpy())
            known = (
                self.known[name].cast(fresh.dtype)
                if name in self.known.columns
                else pl.Series(name, [None], dtype=fresh.dtype).new_from_index(0, len(self.known))
            )
            self._values[name] = pl.concat([known, fresh])
        return self._values[name]
