"""The wire format: Avro single-object encoding (Avro specification 1.11, "Single-object encoding").

A message is the marker C3 01, the 8-byte little-endian CRC-64-AVRO fingerprint of the writer's schema in parsing
canonical form, and the Avro body. So each message names its writer's schema, and no registry has to be asked.
"""

import io
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, cast

import fastavro
from fastavro.schema import fingerprint as avro_fingerprint
from fastavro.schema import to_parsing_canonical_form

from schemas.project.avro import NAMESPACE, avro_json, to_avro
from schemas.types import MAX_BYTES, MAX_ITEMS, MAX_MESSAGE, Schema

MARKER: Final = b"\xc3\x01"
HEADER: Final = len(MARKER) + 8


class Undecodable(ValueError):
    """A message that is no valid record; `reason` is one of `REASONS`, `detail` one line more."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


#: Reasons under which a message of a telemetry topic becomes a dead letter.
REASONS: Final = ("empty", "oversized", "not single-object Avro", "unknown fingerprint", "wrong topic", "broken body")


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
    for name, value in record.items():
        if isinstance(value, str | bytes) and len(value) > MAX_BYTES:
            raise Undecodable("broken body", f"{schema.name}.{name}: {len(value)} bytes, the bound is {MAX_BYTES}")
        if isinstance(value, list) and len(value) > MAX_ITEMS:
            raise Undecodable("broken body", f"{schema.name}.{name}: {len(value)} items, the bound is {MAX_ITEMS}")


def compatible_reader(avro: str, schemas: tuple[Schema, ...]) -> Schema | None:
    """The type among `schemas` that a writer's Avro schema resolves to; None where it is of another type.

    A later version may append nullable fields; an earlier one may lack fields that are nullable today. Field types of
    shared fields must be equal: promotions are refused, since Arrow and Spark readers would disagree on them.

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
    theirs = {f["name"]: f for f in writer["fields"]}
    for name, f in ours.items():
        if name not in theirs and not reader[name].nullable:
            raise ValueError(f"schema {reader.name}: writer lacks the required field {name}")
        if name in theirs and theirs[name]["type"] != f["type"]:
            raise ValueError(f"schema {reader.name}: field {name} is {theirs[name]['type']}, expected {f['type']}")
    return reader
