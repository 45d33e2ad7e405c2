"""A Sigma condition as a boolean expression over a record. Never null: an absent field fits no value, only `null` and `exists: false`."""

import re
from collections.abc import Callable
from typing import Any, Final

import polars as pl
from sigma import conditions, types

from detectors.addresses import in_networks
from detectors.rules.wrong import RuleWrong
from schemas.errors import meant
from schemas.types import Field, ListOf, Scalar, Schema

_NUMBERS: Final = (Scalar.INT, Scalar.LONG, Scalar.DOUBLE)
_COMPARE: Final[dict[Any, Callable[[pl.Expr, float], pl.Expr]]] = {
    types.CompareOperators.LT: lambda column, number: column < number,
    types.CompareOperators.LTE: lambda column, number: column <= number,
    types.CompareOperators.GT: lambda column, number: column > number,
    types.CompareOperators.GTE: lambda column, number: column >= number,
    types.CompareOperators.NEQ: lambda column, number: column != number,
}
_PARTS: Final[dict[Any, Callable[[pl.Expr], pl.Expr]]] = {
    types.TimestampPart.MINUTE: lambda time: time.dt.minute(),
    types.TimestampPart.HOUR: lambda time: time.dt.hour(),
    types.TimestampPart.DAY: lambda time: time.dt.day(),
    types.TimestampPart.WEEK: lambda time: time.dt.week(),
    types.TimestampPart.MONTH: lambda time: time.dt.month(),
    types.TimestampPart.YEAR: lambda time: time.dt.year(),
}


def expression(node: Any, schema: Schema) -> pl.Expr:
    """The expression of a parsed condition.

    Args:
        node: of pySigma's condition tree.
        schema: the record type.

    Raises:
        RuleWrong: a field that the record does not have, a value of another type, a modifier that is not supported.
    """
    match node:
        case conditions.ConditionAND():
            return pl.all_horizontal(expression(part, schema) for part in node.args)
        case conditions.ConditionOR():
            return pl.any_horizontal(expression(part, schema) for part in node.args)
        case conditions.ConditionNOT():
            return ~expression(node.args[0], schema)
        case conditions.ConditionFieldEqualsValueExpression():
            return _field(node.field, node.value, schema)
        case conditions.ConditionValueExpression():
            raise RuleWrong(
                f"the keyword {node.value}: records have fields, no text to search", "detection", "name a field"
            )
    raise RuleWrong(f"{type(node).__name__} is not supported", "condition")


def fields_of(node: Any) -> list[str]:
    """The fields that a condition speaks of, in its order, each once."""
    if isinstance(node, conditions.ConditionFieldEqualsValueExpression):
        return [node.field]
    return list(dict.fromkeys(name for part in getattr(node, "args", ()) for name in fields_of(part)))


def field_of(name: str, schema: Schema) -> Field:
    """The field of a record type.

    Raises:
        RuleWrong: it has no such field.
    """
    if name not in schema:
        raise RuleWrong(
            f"{schema.name} has no field {name}",
            name,
            meant(name, schema.names, f"see gridwatch records {schema.name}"),
        )
    return schema[name]


def _field(name: str, value: Any, schema: Schema) -> pl.Expr:
    field, column = field_of(name, schema), pl.col(name)
    if isinstance(value, types.SigmaNull):
        return column.is_null()
    if isinstance(value, types.SigmaExists):
        return column.is_not_null() if value.exists else column.is_null()
    if isinstance(field.type, ListOf):
        return column.list.eval(_value(field, field.type.item, pl.element(), value, schema)).list.any().fill_null(False)
    return _value(field, field.type, column, value, schema).fill_null(False)


def _value(field: Field, kind: Scalar, column: pl.Expr, value: Any, schema: Schema) -> pl.Expr:
    if kind is Scalar.STRING:
        return _text(field, column, value, schema)
    if isinstance(value, types.SigmaTimestampPart) and kind is Scalar.TIME:
        return _PARTS[value.timestamp_part](column) == int(value.number)
    if isinstance(value, types.SigmaFieldReference):
        return _other(field, column, value, schema)
    if isinstance(value, types.SigmaNumber) and kind in _NUMBERS:
        return column == value.number
    if isinstance(value, types.SigmaCompareExpression) and kind in _NUMBERS:
        return _COMPARE[value.op](column, float(value.number.number))
    if isinstance(value, types.SigmaBool) and kind is Scalar.BOOL:
        return column == value.boolean
    raise RuleWrong(f"{field.name} is {_kind(kind)}: {_called(value)} does not fit it", field.name)


def _text(field: Field, column: pl.Expr, value: Any, schema: Schema) -> pl.Expr:
    match value:
        case types.SigmaCIDRExpression():
            return in_networks(column, [value.cidr])
        case types.SigmaRegularExpression():
            return _regular(field, column, value)
        case types.SigmaFieldReference():
            return _other(field, column, value, schema)
        case types.SigmaNumber() if not isinstance(value, types.SigmaTimestampPart):
            return column == str(value.number)
        case types.SigmaString():
            return _pattern(field, column, value)
    raise RuleWrong(f"{field.name} is text: {_called(value)} does not fit it", field.name)


def _pattern(field: Field, column: pl.Expr, value: Any) -> pl.Expr:
    """Text with wildcards; upper and lower case are the same unless `cased`."""
    cased = isinstance(value, types.SigmaCasedString)
    if not value.contains_special():
        text = str(value.to_plain())
        if field.one_of and text.lower() not in {word.lower() for word in field.one_of}:
            raise RuleWrong(
                f"{field.name} is never {text!r}",
                field.name,
                meant(text, field.one_of, f"one of {', '.join(field.one_of)}"),
            )
        return column == text if cased else column.str.to_lowercase() == text.lower()
    wild = {types.SpecialChars.WILDCARD_MULTI: ".*", types.SpecialChars.WILDCARD_SINGLE: "."}
    parts = []
    for part in value.s:
        if isinstance(part, str):
            parts.append(re.escape(part))
        elif part in wild:
            parts.append(wild[part])
        else:
            raise RuleWrong(f"{field.name}: placeholders are not supported", field.name, "write the values out")
    return column.str.contains(f"(?{'s' if cased else 'is'})^{''.join(parts)}$")


def _regular(field: Field, column: pl.Expr, value: Any) -> pl.Expr:
    flags = "".join(sorted(types.SigmaRegularExpression.sigma_to_re_flag[flag] for flag in value.flags))
    pattern = (f"(?{flags})" if flags else "") + str(value.regexp.to_plain())
    try:
        # Rust's engine: linear in the text, whatever the pattern.
        pl.Series(["x"]).str.contains(pattern)
    except pl.exceptions.ComputeError as wrong:
        reason = str(wrong).strip().splitlines()[-1]
        raise RuleWrong(f"{field.name}: no regular expression of Rust's syntax: {reason}", field.name) from wrong
    return column.str.contains(pattern)


def _other(field: Field, column: pl.Expr, value: Any, schema: Schema) -> pl.Expr:
    other = field_of(value.field, schema)
    if other.type != field.type or isinstance(field.type, ListOf):
        raise RuleWrong(f"{field.name} and {other.name} cannot be compared", field.name)
    return column == pl.col(other.name)


def _kind(kind: Scalar) -> str:
    return {Scalar.TIME: "a time", Scalar.BOOL: "true or false", Scalar.BYTES: "bytes"}.get(kind, "a number")


def _called(value: Any) -> str:
    return f"{type(value).__name__.removeprefix('Sigma')} {str(value)[:40]!r}"
