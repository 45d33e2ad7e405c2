"""The wire format: Avro single-object encoding (Avro specification 1.11, "Single-object encoding").

A message is the marker C3 01, the 8-byte little-endian CRC-64-AVRO fingerprint of the writer's schema in parsing
canonical form, and the Avro body. So each message names its writer's schema, and no registry has to be asked.
"""

import io
import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, cast

import fastavro
from fastavro.schema import fingerprint as avro_fingerprint
from fastavro.schema import to_parsing_canonical_form

from schemas.project.avro import NAMESPACE, avro_json, avro_type, to_avro
from schemas.types import LATEST_US, MAX_BYTES, MAX_ITEMS, MAX_MESSAGE, ListOf, Scalar, Schema

MARKER: Final = b"\xc3\x01"
HEADER: Final = len(MARKER) + 8


class Undecodable(ValueError):
    """A message that is no valid record; `reason` is one of `REASONS`, `detail` one line more."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


_EARLIEST: Final = datetime.fromtimestamp(0, UTC)
_LATEST: Final = datetime.fromtimestamp(LATEST_US / 1e6, UTC)

#: Reasons under which a message of a telemetry topic becomes a dead letter.
TIME_RANGE: Final = "time out of range"
REASONS: Final = (
    "empty",
    "oversized",
    "not single-object Avro",
    "unknown fingerprint",
    "wrong topic",
    "broken body",
    TIME_RANGE,
)


def fingerprint_of(avro: str) -> bytes:
    """The 8 fingerprint bytes of an Avro schema (JSON text), in wire order."""
    digest = avro_fingerprint(to_parsing_canonical_form(json.loads(avro)), "CRC-64-AVRO")
    return bytes.fromhex(digest)


@cache
def fingerprint(schema: Schema) -> bytes:
    """The 8 fingerprint bytes of a schema, in wire order (little-endian CRC-64-AVRO)."""
    return fingerprint_of(avro_json(schema))


@cache
def _parsed(schema: Schema) -> Any:
    return fastavro.parse_schema(to_avro(schema))


def encode(schema: Schema, record: Mapping[str, Any]) -> bytes:
    """Encode a record.

    Args:
        schema: its type.
        record: field name -> value; times as timezone-aware datetimes or microseconds since 1970 (int).

    Raises:
        ValueError: a required field is absent or a value has the wrong type.
    """
    out = io.BytesIO()
    out.write(MARKER)
    out.write(fingerprint(schema))
    try:
        fastavro.schemaless_writer(out, _parsed(schema), cast(Any, record), strict_allow_default=True)
    except (ValueError, TypeError, KeyError, OverflowError, struct.error, AttributeError) as wrong:
        raise ValueError(f"{schema.name}: {wrong}") from wrong
    return out.getvalue()


@dataclass
class Decoder:
    """Decodes messages of the given types, of writers known at start and of writers announced later.

    Its verdict is that of the detection job, with one exception: of integers with more bits than their type, which no
    encoder writes, Avro's Java decoder refuses those of too many bytes and cuts the others; here the value decides.

    Args:
        schemas: the types this reader understands; a message of another type is refused.
    """

    schemas: tuple[Schema, ...]
    _writers: dict[bytes, tuple[Schema, Any]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._writers = {fingerprint(s): (s, None) for s in self.schemas}

    def announce(self, avro: str) -> Schema | None:
        """Learn a writer's schema: a later (or earlier) version of a known type.

        Returns:
            The reader's type that it resolves to, or None where the type is not one of this reader's.

        Raises:
            ValueError: it names a known type and cannot be read as it.
        """
        reader = compatible_reader(avro, self.schemas)
        if reader is not None:
            self._writers.setdefault(fingerprint_of(avro), (reader, fastavro.parse_schema(json.loads(avro))))
        return reader

    def decode(self, message: bytes | None) -> tuple[Schema, dict[str, Any]]:
        """Decode one message; times come back as timezone-aware datetimes.

        Raises:
            Undecodable: with the reason; never another exception, whatever the bytes.
        """
        if not message:
            raise Undecodable("empty", "no value")
        if len(message) > MAX_MESSAGE:
            raise Undecodable("oversized", f"{len(message)} bytes, the bound is {MAX_MESSAGE}")
        if message[:2] != MARKER or len(message) < HEADER:
            raise Undecodable("not single-object Avro", f"starts with {message[:HEADER].hex()}")
        known = self._writers.get(message[2:HEADER])
        if known is None:
            raise Undecodable("unknown fingerprint", message[2:HEADER].hex())
        schema, writer = known
        body = io.BytesIO(message[HEADER:])
        try:
            record = fastavro.schemaless_reader(body, writer or _parsed(schema), _parsed(schema) if writer else None)
        except Exception as broken:  # any fault of a foreign decoder on hostile bytes is the same verdict
            raise Undecodable("broken body", f"{schema.name}: {type(broken).__name__}: {broken}"[:200]) from broken
        if body.read(1):
            raise Undecodable("broken body", f"{schema.name}: bytes left over after the record")
        fields = cast(dict[str, Any], record)
        _bounded(schema, fields)
        return schema, fields


def _bounded(schema: Schema, record: Mapping[str, Any]) -> None:
    """Refuse what Avro's binary form can say and the contract cannot: other readers would stumble over it."""
    for f in schema.fields:
        value = record[f.name]
        if value is None:
            continue
        if isinstance(f.type, ListOf):
            if len(value) > MAX_ITEMS:
                raise Undecodable(
                    "broken body", f"{schema.name}.{f.name}: {len(value)} items, the bound is {MAX_ITEMS}"
                )
            wrong = next((w for item in value if (w := _beyond(f.type.item, item))), None)
        else:
            wrong = _beyond(f.type, value)
        if wrong:
            reason = TIME_RANGE if f.type is Scalar.TIME else "broken body"
            raise Undecodable(reason, f"{schema.name}.{f.name}: {wrong}")


def _beyond(kind: Scalar, value: Any) -> str | None:
    """What is wrong with a value, or None."""
    match kind:
        case Scalar.STRING | Scalar.BYTES:
            # Characters are counted first: only a long text has to be encoded again to count its bytes.
            size = len(value) if kind is Scalar.BYTES or len(value) * 4 <= MAX_BYTES else len(value.encode())
            return f"{size} bytes, the bound is {MAX_BYTES}" if size > MAX_BYTES else None
        case Scalar.INT | Scalar.LONG:
            bits = 31 if kind is Scalar.INT else 63
            return None if -(2**bits) <= value < 2**bits else f"{value} does not fit {bits + 1} bits"
        case Scalar.TIME:
            return None if _EARLIEST <= value < _LATEST else f"{value.isoformat()} lies outside 1970 to 2199"
        case _:
            return None


#: Fields that an announced schema has at most.
MAX_FIELDS: Final = 256
#: A field's name, and the types that a later version may add.
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_ADDABLE: Final = [["null", avro_type(kind)] for scalar in Scalar for kind in (scalar, ListOf(scalar))]


def compatible_reader(avro: str, schemas: tuple[Schema, ...]) -> Schema | None:
    """The type among `schemas` that a writer's Avro schema resolves to; None where it is of another type.

    A later version may have more fields, nullable and of the contract's types; an earlier one may lack fields that are
    nullable today. Types of shared fields must be equal: promotions are refused, since Arrow and Spark readers would
    disagree on them. Whatever else Avro knows is refused too: an announcement may come from anybody.

    Raises:
        ValueError: same name, but not resolvable; the message names the field.
    """
    writer = json.loads(avro)
    if not isinstance(writer, dict) or writer.get("namespace") != NAMESPACE:
        return None
    reader = next((s for s in schemas if s.name == writer.get("name")), None)
    if reader is None:
        return None
    ours = {f["name"]: f for f in to_avro(reader)["fields"]}
    if set(writer) - {"type", "name", "namespace", "doc", "fields"} or writer.get("type") != "record":
        raise ValueError(f"schema {reader.name}: not a plain record")
    if len(writer["fields"]) > MAX_FIELDS:
        raise ValueError(f"schema {reader.name}: {len(writer['fields'])} fields, the bound is {MAX_FIELDS}")
    theirs = {f["name"]: f for f in writer["fields"]}
    if len(theirs) != len(writer["fields"]):
        raise ValueError(f"schema {reader.name}: a field name stands twice")
    for name, f in theirs.items():
        plain = not set(f) - {"name", "doc", "type", "default"} and isinstance(f.get("doc", ""), str)
        plain = plain and ("default" not in f or (f["default"] is None and f["type"] in _ADDABLE))
        if not plain or (name not in ours and not (f["type"] in _ADDABLE and _NAME.fullmatch(name))):
            raise ValueError(f"schema {reader.name}: field {name} is no nullable field of the contract's types")
    for name, f in ours.items():
        if name not in theirs and not reader[name].nullable:
            raise ValueError(f"schema {reader.name}: writer lacks the required field {name}")
        if name in theirs and theirs[name]["type"] != f["type"]:
            raise ValueError(f"schema {reader.name}: field {name} is {theirs[name]['type']}, expected {f['type']}")
    return reader
