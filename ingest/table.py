"""Records of any type as CSV or JSON lines, also inside syslog messages: the export of a head-end, a back-end or a gateway.

Columns (JSON keys) are the field names of the contract; which record a line is says its `record` column, or else, for those of a
meter head-end, the columns themselves. Times are ISO 8601 with a zone. Nothing is coerced: a value of the wrong type or
outside the bounds of the contract refuses the line. Of a syslog message (RFC 5424, RFC 3164) the JSON object that ends it is read,
also from datagrams (RFC 5426).
"""

import base64
import csv
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, Final

from ingest.datagrams import Ready, listen
from ingest.lines import read_lines
from ingest.meter_events import UnknownEvent, meaning_of
from ingest.source import Item, Record, Refused
from schemas.errors import meant
from schemas.records import BY_NAME, HEADEND_COMMAND, METER_EVENT, METER_READING, TELEMETRY
from schemas.types import MAX_ITEMS, Field, ListOf, Scalar, Schema, Type

#: Longest identifier (characters) and most columns of a table.
MAX_TEXT: Final = 256
MAX_COLUMNS: Final = 64

_FIELDS: Final = frozenset(name for schema in TELEMETRY for name in schema.names)
_TYPES: Final = frozenset(schema.name for schema in TELEMETRY)
_NOT_GIVEN: Final = frozenset({"capture", "frames"})
#: Fields that are worked out from others.
_WORKED_OUT: Final = frozenset({"meaning"})
#: A column that only one record type of a head-end has.
_TELLTALE: Final = {"register_kwh": METER_READING, "code": METER_EVENT, "command": HEADEND_COMMAND}
#: Lowest and highest number where the contract says none.
_BOUNDS: Final[Mapping[Type, tuple[float, float]]] = {
    Scalar.INT: (-(2**31), 2**31 - 1),
    Scalar.LONG: (-(2**53), 2**53),  # what JSON's numbers hold exactly
    Scalar.DOUBLE: (-1e15, 1e15),
}
_SYSLOG: Final = re.compile(r"<\d{1,3}>[^{]*(?=\{)")
_TRUTH: Final = {"true": True, "false": False}
_DECIMAL: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class _Wrong(ValueError):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def read_table(
    stream: BinaryIO, capture: str | None = None, profile: str | None = None, rename: Mapping[str, str] | None = None
) -> Iterator[Item]:
    """Read CSV (comma, semicolon or tab, with a header) or JSON lines, as the first line says.

    Args:
        stream: binary text stream (`ingest.lines.open_text`).
        capture: name of the file, kept as evidence with the line number.
        profile: event code profile of lines that name none (`ingest.meter_events.PROFILES`).
        rename: column of the file -> field of the contract; "" leaves a column out.

    Yields:
        Records, and `Refused` with one of the reasons "oversized", "not text", "damaged gzip", "header", "malformed",
        "unknown record", "unknown field", "missing", "type", "range", "unknown profile", "unknown code",
        "ambiguous code".
    """
    names = dict(rename or {})
    columns: list[str] | None = None
    dialect: str | None = None
    header_wrong: str | None = None
    for line in read_lines(stream, capture):
        if isinstance(line, Refused):
            yield line
            continue
        if dialect is None:
            dialect = "json" if _json(line.text).startswith("{") else _delimiter(line.text)
            if dialect != "json":
                try:
                    columns = _header(line.text, dialect, names)
                except _Wrong as wrong:
                    header_wrong = str(wrong)
                    yield Refused(wrong.reason, header_wrong, line.text.encode(), capture, line.number)
                continue
        try:
            if header_wrong is not None:
                raise _Wrong("header", header_wrong)
            row = _json_row(line.text, names) if columns is None else _csv_row(line.text, dialect, columns)
            yield _record(row, line.number, capture, profile)
        except _Wrong as wrong:
            yield Refused(wrong.reason, str(wrong), line.text.encode(), capture, line.number)


def listen_table(host: str, port: int, ready: Ready | None = None) -> Iterator[Item]:
    """Receive records by UDP, one JSON object or syslog message a datagram, until the iterator is closed.

    Args:
        host: address to listen on.
        port: UDP port; 0 takes a free one.
        ready: called with the bound address once it listens.

    Yields:
        As `read_table`, without those of files and headers.

    Raises:
        RunFault: the address cannot be bound.
    """
    with closing(listen(host, port, ready)) as datagrams:
        for datagram in datagrams:
            if isinstance(datagram, Refused):
                yield datagram
                continue
            try:
                yield _record(_json_row(datagram.text, {}), None, None, None)
            except _Wrong as wrong:
                yield Refused(wrong.reason, f"from {datagram.sender}: {wrong}", datagram.text.encode())


def given(schema: Schema) -> tuple[Field, ...]:
    """The fields of a record type that its lines give; the others are where it stood, and what follows from these."""
    return tuple(field for field in schema.fields if field.name not in _NOT_GIVEN | _WORKED_OUT)


def bounds(field: Field) -> tuple[float, float] | None:
    """Lowest and highest number that a field takes, both included; None where it takes none."""
    lowest, highest = _BOUNDS.get(field.type.item if isinstance(field.type, ListOf) else field.type, (None, None))
    if lowest is None or highest is None:
        return None
    return lowest if field.low is None else field.low, highest if field.high is None else field.high


def _json(text: str) -> str:
    """A line without the header of a syslog message around its JSON."""
    return _SYSLOG.sub("", text.lstrip(), count=1)


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _cells(text: str, delimiter: str) -> list[str]:
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as wrong:
        raise _Wrong("malformed", f"not CSV: {wrong}") from wrong
    return rows[0]


def _known(name: str, names: Mapping[str, str]) -> str:
    """The field that a column of the file stands for; "" where it is left out."""
    name = name.strip()
    field = names.get(name, name)
    if field in ("", "record") or (field not in _NOT_GIVEN and field in _FIELDS):
        return field
    raise _Wrong("unknown field", f"{name[:64]!r} is no field of any record type; rename it (--rename)")


def _header(text: str, delimiter: str, names: Mapping[str, str]) -> list[str]:
    cells = _cells(text, delimiter)
    if len(cells) > MAX_COLUMNS:
        raise _Wrong("header", f"{len(cells)} columns, the bound is {MAX_COLUMNS}")
    columns = [_known(cell, names) for cell in cells]
    given = [column for column in columns if column]
    if len(set(given)) != len(given):
        raise _Wrong("header", "a column stands twice")
    if "record" not in given:
        _schema_of(dict.fromkeys(given))
    return columns


def _csv_row(text: str, delimiter: str, columns: list[str]) -> dict[str, Any]:
    cells = _cells(text, delimiter)
    if len(cells) != len(columns):
        raise _Wrong("malformed", f"{len(cells)} cells, the header has {len(columns)}")
    return {column: cell.strip() for column, cell in zip(columns, cells, strict=True) if column and cell.strip()}


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _json_row(text: str, names: Mapping[str, str]) -> dict[str, Any]:
    try:
        row = json.loads(_json(text), parse_constant=_no_constant)
    except (ValueError, RecursionError) as wrong:
        raise _Wrong("malformed", f"not JSON: {wrong}") from wrong
    if not isinstance(row, dict):
        raise _Wrong("malformed", "not a JSON object")
    if len(row) > MAX_COLUMNS:
        raise _Wrong("malformed", f"{len(row)} keys, the bound is {MAX_COLUMNS}")
    try:
        return {field: value for key, value in row.items() if (field := _known(key, names)) and value is not None}
    except _Wrong:
        if "record" in row:
            _schema_of(row)  # a misspelt type is what is wrong, not its fields
        raise


def _schema_of(row: Mapping[str, Any]) -> Schema:
    if "record" in row:
        if not isinstance(row["record"], str) or row["record"] not in _TYPES:
            said = str(row["record"])[:64]
            remedy = meant(said, _TYPES, f"known are {', '.join(sorted(_TYPES))}")
            raise _Wrong("unknown record", f"{said!r}; {remedy}")
        return BY_NAME[row["record"]]
    found = [schema for column, schema in _TELLTALE.items() if column in row]
    if len(found) != 1:
        raise _Wrong("unknown record", f"needs a record column, or exactly one of the columns {', '.join(_TELLTALE)}")
    return found[0]


def _record(row: dict[str, Any], number: int | None, capture: str | None, profile: str | None) -> Record:
    schema = _schema_of(row)
    fields: dict[str, Any] = {}
    for field in given(schema):
        if field.name not in row:
            if not field.nullable and field.name != "profile":
                raise _Wrong("missing", f"{schema.name} needs {field.name}")
            continue
        fields[field.name] = _value(field, row[field.name])
    for name in row:
        if name != "record" and name not in schema:
            raise _Wrong("unknown field", f"{schema.name} has no {name}")
    if schema is METER_EVENT:
        try:
            fields["profile"], fields["meaning"] = meaning_of(fields["code"], fields.get("profile", profile))
        except UnknownEvent as wrong:
            raise _Wrong(wrong.reason, wrong.detail) from wrong
    fields["capture"], fields["frames"] = capture, None if number is None else [number]
    return Record(schema, fields)


def _value(field: Field, value: Any) -> Any:
    if isinstance(field.type, ListOf):
        if not isinstance(value, list):
            raise _Wrong("type", f"{field.name} is not a list")
        if len(value) > MAX_ITEMS:
            raise _Wrong("range", f"{field.name} has {len(value)} items, the bound is {MAX_ITEMS}")
        return [_READERS[field.type.item](field, item) for item in value]
    return _READERS[field.type](field, value)


def _text(field: Field, value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or not value:
        raise _Wrong("type", f"{field.name} is not printable text")
    if len(value) > MAX_TEXT:
        raise _Wrong("range", f"{field.name} has {len(value)} characters, the bound is {MAX_TEXT}")
    if field.one_of and value not in field.one_of:
        raise _Wrong("range", f"{field.name} is {value[:64]!r}, expected one of {', '.join(sorted(field.one_of))}")
    return value


def _time(field: Field, value: Any) -> int:
    text = _text(field, value)
    try:
        time = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise _Wrong("type", f"{field.name} is not ISO 8601") from wrong
    if time.tzinfo is None:
        raise _Wrong("type", f"{field.name} has no zone; end it with Z or an offset")
    if not _EARLIEST <= time <= _LATEST:
        raise _Wrong("range", f"{field.name} is {time.isoformat()}")
    return (time - _EPOCH) // _MICROSECOND


def _number(field: Field, value: Any) -> float:
    if isinstance(value, str):
        if not _DECIMAL.fullmatch(value):
            raise _Wrong("type", f"{field.name} is not a number: {value[:32]!r}")
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Wrong("type", f"{field.name} is not a number")
    low, high = bounds(field) or (-math.inf, math.inf)
    if not low <= value <= high or not math.isfinite(value):
        raise _Wrong("range", f"{field.name} is {str(value)[:32]}, expected {low:g} to {high:g}")
    return float(value)


def _integer(field: Field, value: Any) -> int:
    number = _number(field, value)
    if not number.is_integer():
        raise _Wrong("type", f"{field.name} is not a whole number")
    return int(number)


def _truth(field: Field, value: Any) -> bool:
    found = _TRUTH.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise _Wrong("type", f"{field.name} is not true or false")
    return found


def _bytes(field: Field, value: Any) -> bytes:
    try:
        return base64.b64decode(_text(field, value), validate=True)
    except ValueError as wrong:
        raise _Wrong("type", f"{field.name} is not base64") from wrong


_READERS: Final[Mapping[Scalar, Callable[[Field, Any], Any]]] = {
    Scalar.STRING: _text,
    Scalar.TIME: _time,
    Scalar.DOUBLE: _number,
    Scalar.INT: _integer,
    Scalar.LONG: _integer,
    Scalar.BOOL: _truth,
    Scalar.BYTES: _bytes,
}
