"""Meters: the CSV or JSON-lines export of a head-end.

A line is a `meter_reading`, a `meter_event` or a `headend_command`. Columns (JSON keys) are the field names of the
contract; which record a line is says its `record` column, or else the columns themselves. Times are ISO 8601 with a
zone. Nothing is coerced: a value of the wrong type or outside its bounds refuses the line.
"""

import csv
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, Final

from ingest.lines import Line, read_lines
from ingest.meter_events import UnknownEvent, meaning_of
from ingest.source import Item, Record, Refused
from schemas.records import HEADEND_COMMAND, METER_EVENT, METER_READING
from schemas.types import Scalar, Schema

#: Longest identifier (characters) and most columns of a table.
MAX_TEXT: Final = 256
MAX_COLUMNS: Final = 64

_RECORDS: Final = (METER_READING, METER_EVENT, HEADEND_COMMAND)
_BY_NAME: Final = {schema.name: schema for schema in _RECORDS}
_NOT_GIVEN: Final = frozenset({"capture", "frames"})
#: A column that only one record type has.
_TELLTALE: Final = {"register_kwh": METER_READING, "code": METER_EVENT, "command": HEADEND_COMMAND}
COMMANDS: Final = frozenset({"connect", "disconnect", "limit", "read", "configure", "firmware", "clear_log"})
RESULTS: Final = frozenset({"accepted", "done", "failed", "refused"})

#: Lowest and highest value of a number; registers of meters have at most nine digits before the point.
_BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "register_kwh": (-1e9, 1e9),
    "interval_kwh": (-1e9, 1e9),
    "interval_s": (1, 31 * 86400),
    "voltage_v": (0, 1e6),
    "current_a": (-1e5, 1e5),
    "power_factor": (0, 1),
    "frequency_hz": (0, 1000),
    "status": (0, 2**31 - 1),
    "code": (0, 65535),
}
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
    """Read a head-end's export: CSV (comma, semicolon or tab, with a header) or JSON lines, as the first line says.

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
            dialect = "json" if line.text.lstrip().startswith("{") else _delimiter(line.text)
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
            yield _record(row, line, capture, profile)
        except _Wrong as wrong:
            yield Refused(wrong.reason, str(wrong), line.text.encode(), capture, line.number)


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
    if field in ("", "record") or (field not in _NOT_GIVEN and any(field in schema for schema in _RECORDS)):
        return field
    raise _Wrong("unknown field", f"{name[:64]!r} is no field of the contract; rename it, or to nothing")


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
        row = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as wrong:
        raise _Wrong("malformed", f"not JSON: {wrong}") from wrong
    if not isinstance(row, dict):
        raise _Wrong("malformed", "not a JSON object")
    if len(row) > MAX_COLUMNS:
        raise _Wrong("malformed", f"{len(row)} keys, the bound is {MAX_COLUMNS}")
    return {field: value for key, value in row.items() if (field := _known(key, names)) and value is not None}


def _schema_of(row: Mapping[str, Any]) -> Schema:
    if "record" in row:
        schema = _BY_NAME.get(row["record"]) if isinstance(row["record"], str) else None
        if schema is None:
            raise _Wrong("unknown record", f"{str(row['record'])[:64]!r}; known are {', '.join(_BY_NAME)}")
        return schema
    found = [schema for column, schema in _TELLTALE.items() if column in row]
    if len(found) != 1:
        raise _Wrong("unknown record", f"needs a record column, or exactly one of the columns {', '.join(_TELLTALE)}")
    return found[0]


def _record(row: dict[str, Any], line: Line, capture: str | None, profile: str | None) -> Record:
    schema = _schema_of(row)
    fields: dict[str, Any] = {}
    for field in schema.fields:
        if field.name in _NOT_GIVEN or field.name == "meaning":
            continue
        if field.name not in row:
            if not field.nullable and field.name != "profile":
                raise _Wrong("missing", f"{schema.name} needs {field.name}")
            continue
        assert isinstance(field.type, Scalar)
        fields[field.name] = _READERS[field.type](field.name, row[field.name])
    for name in row:
        if name != "record" and name not in schema:
            raise _Wrong("unknown field", f"{schema.name} has no {name}")
    if schema is METER_EVENT:
        try:
            fields["profile"], fields["meaning"] = meaning_of(fields["code"], fields.get("profile", profile))
        except UnknownEvent as wrong:
            raise _Wrong(wrong.reason, wrong.detail) from wrong
    elif schema is HEADEND_COMMAND:
        _one_of("command", fields["command"], COMMANDS)
        if "result" in fields:
            _one_of("result", fields["result"], RESULTS)
    fields["capture"], fields["frames"] = capture, [line.number]
    return Record(schema, fields)


def _one_of(name: str, value: str, allowed: frozenset[str]) -> None:
    if value not in allowed:
        raise _Wrong("range", f"{name} is {value[:64]!r}, expected one of {', '.join(sorted(allowed))}")


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or not value:
        raise _Wrong("type", f"{name} is not printable text")
    if len(value) > MAX_TEXT:
        raise _Wrong("range", f"{name} has {len(value)} characters, the bound is {MAX_TEXT}")
    return value


def _time(name: str, value: Any) -> int:
    text = _text(name, value)
    try:
        time = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise _Wrong("type", f"{name} is not ISO 8601") from wrong
    if time.tzinfo is None:
        raise _Wrong("type", f"{name} has no zone; end it with Z or an offset")
    if not _EARLIEST <= time <= _LATEST:
        raise _Wrong("range", f"{name} is {time.isoformat()}")
    return (time - _EPOCH) // _MICROSECOND


def _number(name: str, value: Any) -> float:
    if isinstance(value, str):
        if not _DECIMAL.fullmatch(value):
            raise _Wrong("type", f"{name} is not a number: {value[:32]!r}")
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Wrong("type", f"{name} is not a number")
    low, high = _BOUNDS[name]
    if not low <= value <= high or not math.isfinite(value):
        raise _Wrong("range", f"{name} is {str(value)[:32]}, expected {low:g} to {high:g}")
    return float(value)


def _integer(name: str, value: Any) -> int:
    number = _number(name, value)
    if not number.is_integer():
        raise _Wrong("type", f"{name} is not a whole number")
    return int(number)


_READERS: Final[Mapping[Scalar, Callable[[str, Any], Any]]] = {
    Scalar.STRING: _text,
    Scalar.TIME: _time,
    Scalar.DOUBLE: _number,
    Scalar.INT: _integer,
}
