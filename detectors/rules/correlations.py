"""Sigma's correlation types as memories: event_count, value_count, temporal and temporal_ordered, each within one locality."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import polars as pl

from detectors.grouping import TIME
from detectors.memory import CountWithin, Derived, DistinctWithin, Last, LastOf, Recent
from detectors.memory.base import MICROSECONDS, Beside, Memory
from detectors.rules.conditions import field_of
from detectors.rules.wrong import RuleWrong
from schemas.types import Schema

#: Most records or values that a rule may count, and its longest window: what is remembered of a key is bounded.
MOST, LONGEST_S = 10_000, 7 * 86_400
_OPERATORS: Final = {"GTE": 0, "GT": 1}


@dataclass(frozen=True)
class Base:
    """A rule that a correlation names: its record type and when it holds."""

    schema: Schema
    when: Derived


@dataclass(frozen=True)
class Correlated:
    """One record type's part of a correlation: when it fires there, by which memories."""

    schema: Schema
    when: pl.Expr
    memories: tuple[Beside, ...]
    number: pl.Expr
    trail: tuple[Memory, ...]


def correlate(rule: Any, bases: Sequence[Base]) -> list[Correlated]:
    """What a parsed correlation rule comes to, a record type on which it may be completed.

    Args:
        rule: of pySigma.
        bases: the rules that it names, in its order.

    Raises:
        RuleWrong: a type, operator or window that is not supported, or rules that cannot be seen together.
    """
    kind = rule.type.name.lower()
    if rule.aliases is not None and rule.aliases.aliases:
        raise RuleWrong("field aliases are not supported", "aliases", "use rules whose records name the field alike")
    seconds = rule.timespan.seconds
    if not 0 < seconds <= LONGEST_S:
        raise RuleWrong(f"a timespan of {rule.timespan.spec} is not supported", "timespan", "at most 7 days")
    localities = {base.schema.locality for base in bases}
    if len({base.schema.domain for base in bases}) > 1 or len(localities) > 1:
        names = ", ".join(sorted({base.schema.name for base in bases}))
        raise RuleWrong(
            f"{names} are not seen together: they have no common locality", "rules", "correlate one kind of record"
        )
    by = tuple(rule.group_by or ())
    for base in bases:
        for name in by:
            field_of(name, base.schema)
    match kind:
        case "event_count" | "value_count":
            return [_count(rule, kind, bases, by, float(seconds))]
        case "temporal":
            return _together(bases, by, float(seconds))
        case "temporal_ordered":
            return [_in_order(bases, by, float(seconds))]
    supported = "event_count, value_count, temporal, temporal_ordered"
    raise RuleWrong(f"correlation type {kind} is not supported", "type", f"one of {supported}")


def _count(rule: Any, kind: str, bases: Sequence[Base], by: tuple[str, ...], seconds: float) -> Correlated:
    schemas = {base.schema for base in bases}
    if len(schemas) > 1:
        raise RuleWrong(
            f"{kind} over records of several types is not supported", "rules", "name rules of one record type"
        )
    condition = rule.condition
    if condition is None or not hasattr(condition, "op"):
        raise RuleWrong(f"{kind} needs a condition", "condition", "e.g. gte: 10")
    if condition.op.name not in _OPERATORS:
        operator = condition.op.name.lower()
        raise RuleWrong(f"{operator} is not supported: alerts tell of what came", "condition", "write gte or gt")
    least = condition.count + _OPERATORS[condition.op.name]
    if not 0 < least <= MOST:
        raise RuleWrong(f"a count of {condition.count} is not supported", "condition", f"from 1 to {MOST}")
    (schema,) = schemas
    where = _any(bases)
    number: Memory
    if kind == "event_count":
        number = CountWithin(by, seconds=seconds, at_most=least, where=where)
    else:
        if not isinstance(condition.fieldref, str):
            raise RuleWrong("value_count needs one field", "condition", "e.g. condition: {field: meter, gte: 10}")
        field_of(condition.fieldref, schema)
        number = DistinctWithin(by, seconds=seconds, at_most=least, value=condition.fieldref, where=where)
    trail = (Recent(by, seconds=seconds, at_most=50, where=where),)
    return Correlated(schema, where.col & (number.col >= least), (number,), number.col, trail)


def _any(bases: Sequence[Base]) -> Derived:
    if len(bases) == 1:
        return bases[0].when
    name = " or ".join(base.when.name for base in bases)
    return Derived(name, pl.any_horizontal(base.when.expr for base in bases))


def _together(bases: Sequence[Base], by: tuple[str, ...], seconds: float) -> list[Correlated]:
    """All rules hold within the window, in whatever order: told by the record that completes them."""
    parts = []
    for schema in dict.fromkeys(base.schema for base in bases):
        own = [base for base in bases if base.schema is schema]
        memories: list[Beside] = []
        held: list[pl.Expr] = []
        for base in bases:
            if base.schema is schema:
                count = CountWithin(by, seconds=seconds, at_most=1, where=base.when)
                memories.append(count)
                held.append(count.col >= 1)
            else:
                last = LastOf(base.schema, by, TIME, base.when)
                memories.append(last)
                held.append(_within(last, seconds))
        trail = tuple(Recent(by, seconds=seconds, at_most=20, where=base.when) for base in own)
        now = pl.any_horizontal(base.when.expr for base in own)
        parts.append(Correlated(schema, now & pl.all_horizontal(held), tuple(memories), pl.lit(len(bases)), trail))
    return parts


def _in_order(bases: Sequence[Base], by: tuple[str, ...], seconds: float) -> Correlated:
    """The rules hold one after the other: beside each record the latest begin of a chain that it would continue."""
    chain: Beside | None = None
    begin = Derived("chain begins", pl.col(TIME))
    for now, following in pairwise(bases):
        where = now.when
        if chain is not None:
            begin = Derived(f"begin of {chain.column}", chain.col, (chain,))
            where = Derived(f"{now.when.name} after {chain.column}", now.when.expr & chain.col.is_not_null(), (chain,))
        same = following.schema is now.schema
        chain = Last(by, value=begin, where=where) if same else LastOf(now.schema, by, begin, where)
    if chain is None:
        raise RuleWrong("temporal_ordered needs two rules at least", "rules")
    last = bases[-1]
    trail = (Recent(by, seconds=seconds, at_most=20, where=last.when),)
    return Correlated(last.schema, last.when.expr & _within(chain, seconds), (chain,), pl.lit(len(bases)), trail)


def _within(begin: Beside, seconds: float) -> pl.Expr:
    since = pl.col(TIME) - begin.col
    return since.is_between(0, round(seconds * MICROSECONDS)).fill_null(False)
