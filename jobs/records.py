"""The contract for those who write exporters: every record type with its fields, bounds and an example line."""

import json
from collections.abc import Sequence
from typing import Any, Final

from ingest.table import bounds, given
from schemas.errors import UsageFault, meant
from schemas.records import TELEMETRY
from schemas.types import Field, ListOf, Scalar, Schema

#: How a line of JSON writes a scalar.
WRITTEN: Final = {
    Scalar.STRING: "text",
    Scalar.INT: "whole number",
    Scalar.LONG: "whole number",
    Scalar.DOUBLE: "number",
    Scalar.BOOL: "true or false",
    Scalar.BYTES: "hexadecimal text",
    Scalar.TIME: "ISO 8601 time with zone",
}
_EXAMPLES: Final = {Scalar.TIME: "2026-03-02T12:00:00Z", Scalar.BOOL: True, Scalar.BYTES: "0a1b"}


def chosen(names: Sequence[str]) -> list[Schema]:
    """The record types that go by these names, or belong to the domains of these names; all without any.

    Raises:
        UsageFault: nothing goes by a name.
    """
    found: list[Schema] = []
    for name in names:
        own = [schema for schema in TELEMETRY if name in (schema.name, schema.domain.value)]
        if not own:
            known = {*(s.name for s in TELEMETRY), *(s.domain.value for s in TELEMETRY)}
            raise UsageFault(
                f"no such record type: {name}", "records", meant(name, known, f"one of {', '.join(sorted(known))}")
            )
        found += [schema for schema in own if schema not in found]
    return found or list(TELEMETRY)


def described(schema: Schema) -> dict[str, Any]:
    """A record type as plain values; `key` is the field by which records are kept together, `needed` says that it may not be left out."""
    return {
        "record": schema.name,
        "says": schema.says,
        "domain": schema.domain.value,
        "topic": schema.domain.topic,
        "key": schema.locality,
        "fields": [_described(field) for field in given(schema)],
        "example": example(schema),
    }


def _described(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "type": _written(field),
        "unit": field.unit or None,
        "needed": not field.nullable,
        "bounds": bounds(field),
        "one_of": field.one_of or None,
        "says": field.says,
    }


def example(schema: Schema) -> dict[str, Any]:
    """A record with every field, as a line of JSON gives it."""
    return {"record": schema.name} | {field.name: _example(field) for field in given(schema)}


def line(schema: Schema) -> str:
    """The example as `gridwatch ingest records` reads it."""
    return json.dumps(example(schema), ensure_ascii=False)


def allowed(field: Field) -> str:
    """The bounds in words; "" where the type alone bounds it."""
    if field.one_of:
        return ", ".join(field.one_of)
    if field.low is None and field.high is None:
        return ""
    low, high = bounds(field) or (0, 0)
    return f"{low:g} to {high:g}" if max(abs(low), abs(high)) >= 1e6 else f"{low:.6g} to {high:.6g}"


def _written(field: Field) -> str:
    return f"list of {WRITTEN[field.type.item]}" if isinstance(field.type, ListOf) else WRITTEN[field.type]


def _example(field: Field) -> Any:
    if field.example is not None:
        return list(field.example) if isinstance(field.example, tuple) else field.example
    scalar = field.type.item if isinstance(field.type, ListOf) else field.type
    value: Any = _EXAMPLES.get(scalar)
    if field.one_of:
        value = field.one_of[0]
    elif scalar is Scalar.STRING:
        value = f"{field.name.replace('_', '-')}-1"
    elif value is None:
        low, high = bounds(field) or (0, 1)
        value = min(max(low, 1), high)
    return [value] if isinstance(field.type, ListOf) else value
