"""Detector examples as batches: what an example leaves out is filled in."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from detectors.detector import Detector, Example
from schemas.types import ListOf, Scalar, Schema

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

_FILL: dict[Scalar, Any] = {
    Scalar.STRING: "x",
    Scalar.INT: 0,
    Scalar.LONG: 0,
    Scalar.DOUBLE: 0.0,
    Scalar.BOOL: False,
    Scalar.BYTES: b"",
    Scalar.TIME: START,
}


def filled(schema: Schema, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A whole record: required fields that the example leaves out get a neutral value, optional ones null."""
    unknown = set(fields) - set(schema.names)
    assert not unknown, f"example names {unknown}, which {schema.name} does not have"
    record: dict[str, Any] = {}
    for f in schema.fields:
        value = fields.get(f.name)
        if f.type is Scalar.TIME and isinstance(value, int | float):
            value = START + timedelta(seconds=value)
        if value is None and not f.nullable:
            value = [] if isinstance(f.type, ListOf) else _FILL[f.type]
        record[f.name] = value
    return record


def records_of(detector: Detector, example: Example) -> list[tuple[Schema, dict[str, Any]]]:
    """The example's records in arrival order; a record of another type names it under `record`."""
    from schemas.records import BY_NAME

    out = []
    for fields in example.records:
        own = dict(fields)
        schema = BY_NAME[own.pop("record", detector.record.name)]
        out.append((schema, filled(schema, own)))
    return out
