"""The past of a batch's records put beside them: memories, and what records of other types left, layer by layer."""

from collections.abc import Mapping

import polars as pl

from detectors.grouping import TIME
from detectors.hits import Tables
from detectors.key_tables import KeyTable, OpenTable
from detectors.last_tables import OpenLast
from detectors.memory.base import Memory, name_of
from detectors.memory.last_of import LastOf
from detectors.memory.recent import REFERENCE, Recent
from detectors.plan import Plan, RecordPlan
from schemas.project.arrow import to_arrow

State = dict[str, pl.DataFrame]
#: What a reference to a record holds.
REFERENCED = pl.Struct({"time": pl.Int64(), "offset": pl.Int64(), "frames": pl.List(pl.Int64)})


class Past:
    """The memories of a domain's records.

    Args:
        plan: the detectors with their parameters.
        lifetimes_us: silence after which a key's past no longer counts, a record type.
    """

    def __init__(self, plan: Plan, lifetimes_us: Mapping[str, int]) -> None:
        self._plan, self._lifetimes_us = plan, lifetimes_us
        self._types: dict[str, pl.Schema] = {}
        if plan.left:
            # The columns of what records leave are known by records that hold nothing.
            blank = {name: _blank(record) for name, record in plan.records.items()}
            opened = _Opened(self, blank, {})
            opened.advance()
            self._types = {name: opened.last(name).schema for name in plan.left}

    def remember(self, batch: dict[str, pl.DataFrame], state: State) -> tuple[dict[str, Tables], State]:
        """Put the memories beside the records of each type, in place.

        Returns:
            The key tables of each record type, still open, and the new tables of what its records leave for others.
        """
        opened = _Opened(self, batch, state)
        opened.advance()
        touched = [name for name, table in self._plan.left.items() if table.record.name in batch]
        return opened.tables, {name: opened.last(name).close() for name in touched}


class _Opened:
    """The tables of one batch."""

    def __init__(self, past: Past, batch: dict[str, pl.DataFrame], state: State) -> None:
        self._plan, self._lifetimes_us, self._types = past._plan, past._lifetimes_us, past._types
        self._batch, self._state = batch, state
        self._left: dict[str, OpenLast] = {}
        self.tables: dict[str, Tables] = {name: {} for name in batch}

    def advance(self) -> None:
        """All layers of all record types: one may look at another's layer below."""
        for level in range(max((len(record.layers) for record in self._plan.records.values()), default=0)):
            for name in self._batch:
                if level < len(self._plan.records[name].layers):
                    self._layer(name, level)

    def last(self, name: str) -> OpenLast:
        """What records left for others, by the name of its table."""
        if name not in self._left:
            spec = self._plan.left[name]
            record = spec.record.name
            lifetime, types = self._lifetimes_us[record], self._types.get(name)
            self._left[name] = spec.open(self._state.get(name), self._batch, lifetime, types)
        return self._left[name]

    def _layer(self, name: str, level: int) -> None:
        plan = self._plan.records[name]
        derived, memories = plan.layers[level]
        frame = self._batch[name].with_columns(d.expr.alias(d.name) for d in derived)
        columns = []
        for memory in memories:
            if isinstance(memory, LastOf):
                by = (plan.schema.locality, *map(name_of, memory.by))
                left = self.last(memory.table).ask(name, frame, by, name_of(memory.value))
                columns.append(left.alias(memory.column))
            elif isinstance(memory, Memory):
                table = self._open(plan, memory, frame)
                if not isinstance(memory, Recent):
                    columns.append(table.advance(frame, memory))
        self._batch[name] = frame.hstack(columns)

    def _open(self, plan: RecordPlan, memory: Memory, frame: pl.DataFrame) -> OpenTable:
        tables, by = self.tables[plan.schema.name], plan.key(memory)
        if by not in tables:
            spec = KeyTable(plan.schema.name, by, self._lifetimes_us[plan.schema.name])
            tables[by] = spec.open(self._state.get(spec.name), frame)
        return tables[by]


def _blank(plan: RecordPlan) -> pl.DataFrame:
    """One record without a value in any field."""
    fields = pl.Schema(to_arrow(plan.schema))
    own = [pl.Series(name, [None], dtype=fields[name]) for name in plan.columns]
    engine = [pl.Series("_arrival", [0]), pl.Series(TIME, [0]), pl.Series(REFERENCE, [None], dtype=REFERENCED)]
    return pl.DataFrame(own + engine)
