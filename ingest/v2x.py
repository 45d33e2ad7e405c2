"""V2X: basic safety messages as the USDOT Operational Data Environment (ODE) writes them, from files and UDP.

The ODE has decoded the message already: metres, m/s, m/s2, degrees, and sizes in cm; schema versions 2 to 8 share the
layout. Version 1, written by the Tampa pilot, carries the integers of SAE J2735 as text instead.

Source: usdot-jpo-ode `schema-bsm.json`; SAE J2735 (DSRC message set dictionary) for ranges, units and "unavailable".
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, Final
from zoneinfo import ZoneInfo

from ingest.datagrams import Ready, listen
from ingest.lines import MAX_LINE, Line, read_lines
from ingest.source import Item, Record, Refused
from schemas.records import CAM

#: Radius that holds 95 % of a two-dimensional normal distribution, in standard deviations: J2735's accuracy is one.
_TO_95_PERCENT: Final = 2.4477
MAX_ID: Final = 64

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MINUTE: Final = 60_000_000
_STAMP: Final = re.compile(r"(?P<time>[0-9T :.+-]{10,32}Z?)\s*(?:\[(?P<zone>UTC|ET)\])?", re.ASCII)
_ZONES: Final = {"UTC": UTC, "ET": ZoneInfo("America/New_York")}

#: J2735 TransmissionState -> backward; in neutral, parked or unavailable a vehicle has no drive direction.
_BACKWARD: Final = {"reversegears": True, "forwardgears": False}
#: J2735 BasicVehicleClass, lowest code of a group -> ETSI TS 102 894-2 StationType.
_STATION_TYPES: Final = (
    (10, 20, 5),  # passenger vehicles
    (20, 25, 7),  # light trucks
    (25, 40, 8),  # trucks
    (40, 50, 4),  # motorcycles
    (50, 60, 6),  # transit
    (60, 80, 10),  # emergency
    (81, 84, 1),  # pedestrians
    (84, 85, 2),  # cyclists
    (90, 100, 15),  # infrastructure
)


class _Wrong(ValueError):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def read_ode(stream: BinaryIO, capture: str | None = None, receiver: str | None = None) -> Iterator[Item]:
    """Read ODE JSON: one message a line, or pretty-printed objects that open and close with a brace alone on a line.

    Args:
        stream: binary text stream (`ingest.lines.open_text`).
        capture: name of the file, kept as evidence with the (first) line number.
        receiver: receiver of messages that do not name theirs.

    Yields:
        `cam` records, and `Refused` with one of the reasons of `ingest.lines.read_lines` or "malformed", "not a BSM",
        "missing", "type", "range", "no receiver".
    """
    opened: list[str] = []
    first, length = 0, 0
    for line in read_lines(stream, capture):
        if isinstance(line, Refused):
            yield line
            continue
        if not opened and line.text != "{":
            yield decode_ode(line.text, capture, line.number, receiver)
            continue
        first = line.number if not opened else first
        length += len(line.text) + 1
        if length <= MAX_LINE:
            opened.append(line.text)
        if line.text == "}" or (opened and _starts_anew(line)):
            text = "\n".join(opened)
            if length > MAX_LINE:
                detail = f"{length} characters, the bound is {MAX_LINE}"
                yield Refused("oversized", detail, text[:1024].encode(), capture, first, length=length)
            else:
                yield decode_ode(text, capture, first, receiver)
            opened, length = [], 0
    if opened:
        yield decode_ode("\n".join(opened), capture, first, receiver)


def _starts_anew(line: Line) -> bool:
    """True where a whole message stands inside an object that was never closed."""
    return line.text.startswith('{"metadata"')


def listen_ode(host: str, port: int, receiver: str | None = None, ready: Ready | None = None) -> Iterator[Item]:
    """Receive ODE JSON by UDP, one message a datagram, until the iterator is closed.

    Args:
        host: address to listen on.
        port: UDP port; 0 takes a free one.
        receiver: receiver of messages that do not name theirs; by default the datagram's source address.
        ready: called with the bound address once it listens.

    Raises:
        RunFault: the address cannot be bound.
    """
    with closing(listen(host, port, ready)) as datagrams:
        for datagram in datagrams:
            if isinstance(datagram, Refused):
                yield datagram
            else:
                yield decode_ode(datagram.text, None, None, receiver or datagram.sender)


def decode_ode(text: str, capture: str | None, number: int | None, receiver: str | None) -> Item:
    """Decode one ODE message.

    Args:
        text: the JSON object.
        capture: file it stands in.
        number: line it stands in.
        receiver: stands in where the metadata do not name one.
    """
    try:
        message = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as wrong:
        return Refused("malformed", f"not JSON: {wrong}", text.encode(), capture, number)
    try:
        fields = _cam(message, receiver)
    except _Wrong as wrong:
        return Refused(wrong.reason, str(wrong), text.encode(), capture, number)
    fields["capture"] = capture
    fields["frames"] = None if number is None else [number]
    return Record(CAM, fields)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _object(parent: Any, name: str) -> Mapping[str, Any]:
    value = parent.get(name) if isinstance(parent, dict) else None
    return value if isinstance(value, dict) else {}


def _cam(message: Any, receiver: str | None) -> dict[str, Any]:
    metadata = _object(message, "metadata")
    data = _object(_object(message, "payload"), "data")
    core = _object(data, "coreData")
    if not core or not metadata:
        kind = metadata.get("payloadType") or metadata.get("dataType") or "no payload.data.coreData"
        raise _Wrong("not a BSM", str(kind)[:128])
    raw = metadata.get("schemaVersion") == 1
    position = core if raw else _object(core, "position")
    accelerations, accuracy, size = _object(core, "accelSet"), _object(core, "accuracy"), _object(core, "size")
    read = _raw_number if raw else _number
    latitude = read(position, ("lat", "latitude"), -90, 90, 1e-7, 900000001)
    longitude = read(position, ("long", "longitude"), -180, 180, 1e-7, 1800000001)
    if latitude is None or longitude is None:
        raise _Wrong("missing", "the message has no position")
    radius = read(accuracy, ("semiMajor",), 0, 12.7, 0.05, 255)
    count = _integer(core, "msgCnt", 0, 127)
    mark = _integer(core, "secMark", 0, 65535)
    recorded = _stamp(metadata, "recordGeneratedAt")
    return {
        "time": _generated(recorded, mark),
        "receiver": _receiver(metadata, receiver),
        "station": _identifier(core, "id"),
        "received": None if metadata.get("bsmSource") == "EV" else recorded,
        "station_type": _station_type(data.get("partII")),
        "message_count": count,
        "latitude": latitude,
        "longitude": longitude,
        "position_confidence_m": None if radius is None else radius * _TO_95_PERCENT,
        "speed_ms": read(core, ("speed",), 0, 163.8, 0.02, 8191),
        "heading_deg": read(core, ("heading",), 0, 360, 0.0125, 28800),
        "acceleration_ms2": read(accelerations, ("long", "accelLong"), -20, 20, 0.01, 2001),
        "backward": _backward(core.get("transmission")),
        "length_m": _centimetres(size, "length", 4095),
        "width_m": _centimetres(size, "width", 1023),
        "signature": _signature(metadata),
    }


def _first(parent: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((parent[name] for name in names if parent.get(name) is not None), None)


def _number(
    parent: Mapping[str, Any], names: tuple[str, ...], low: float, high: float, _unit: float, _none: int
) -> float | None:
    value = _first(parent, names)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Wrong("type", f"{names[-1]} is not a number")
    return _bounded(value, names[-1], low, high)


def _raw_number(
    parent: Mapping[str, Any], names: tuple[str, ...], low: float, high: float, unit: float, none: int
) -> float | None:
    value = _whole(_first(parent, names), names[-1])
    return None if value is None or value == none else _bounded(round(value * unit, 7), names[-1], low, high)


def _bounded(value: float, name: str, low: float, high: float) -> float:
    if not low <= value <= high:
        raise _Wrong("range", f"{name} is {str(value)[:32]}, expected {low:g} to {high:g}")
    return float(value)


def _whole(value: Any, name: str) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,12}", value, re.ASCII):
        value = int(value)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise _Wrong("type", f"{name} is not a whole number")
    if value is not None and value.bit_length() > 63:  # JSON knows no bound, a float does
        raise _Wrong("range", f"{name} has {value.bit_length()} bits")
    return value


def _integer(parent: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    value = _whole(parent.get(name), name)
    if value is not None and not low <= value <= high:
        raise _Wrong("range", f"{name} is {str(value)[:32]}, expected {low} to {high}")
    return value


def _centimetres(size: Mapping[str, Any], name: str, high: int) -> float | None:
    value = _integer(size, name, 0, high)
    return None if not value else value / 100  # 0 is "unavailable"


def _identifier(parent: Mapping[str, Any], name: str) -> str:
    value = parent.get(name)
    if not isinstance(value, str) or not value or not value.isprintable():
        raise _Wrong("missing", f"no {name}")
    if len(value) > MAX_ID:
        raise _Wrong("range", f"{name} has {len(value)} characters, the bound is {MAX_ID}")
    return value


def _stamp(metadata: Mapping[str, Any], name: str) -> int:
    found = _STAMP.fullmatch(str(metadata.get(name))[:64])
    try:
        if found is None:
            raise ValueError("no time stamp")
        time = datetime.fromisoformat(found["time"].strip())
        if time.tzinfo is None:
            if found["zone"] is None:
                raise ValueError("no zone")
            time = time.replace(tzinfo=_ZONES[found["zone"]])
        if not 1970 < time.year < 2200:
            raise ValueError("year out of range")
    except ValueError as wrong:
        raise _Wrong("missing", f"{name} is no time: {wrong}") from wrong
    return (time - _EPOCH) // _MICROSECOND


def _generated(recorded: int, mark: int | None) -> int:
    """Generation time: the message's own milliseconds in the minute, in the minute nearest to its recording.

    The log's stamp may be that of an earlier message of the same station or of the receiver's clock; the DSecond of the
    message is what the sender claims. 65535 is "unavailable", 61000 to 65534 are reserved.
    """
    if mark is None or mark > 60_999:
        return recorded
    start = recorded - recorded % _MINUTE
    candidates = (start + mark * 1000 + shift for shift in (-_MINUTE, 0, _MINUTE))
    return min(candidates, key=lambda time: abs(time - recorded))


def _receiver(metadata: Mapping[str, Any], default: str | None) -> str:
    for name in ("RSUID", "originIp"):
        if isinstance(metadata.get(name), str) and metadata[name] not in ("", "NA"):
            return _identifier(metadata, name)
    if default:
        return default
    serial = _object(metadata, "serialId")
    if isinstance(serial.get("streamId"), str):
        return _identifier(serial, "streamId")
    raise _Wrong("no receiver", "the metadata name no receiver; say it by the receiver argument")


def _backward(transmission: Any) -> bool | None:
    name = next(iter(transmission), "") if isinstance(transmission, dict) else transmission
    return _BACKWARD.get(name.lower()) if isinstance(name, str) else None


def _station_type(part: Any) -> int | None:
    """StationType of the vehicle class in the supplemental extension, where there is one."""
    entries = part if isinstance(part, list) else _object({"part": part}, "part").get("SEQUENCE")
    for entry in entries if isinstance(entries, list) else ():
        value = _object(entry, "value") or _object(entry, "partII-Value")
        code = value.get("classification", _object(value, "SupplementalVehicleExtensions").get("classification"))
        if isinstance(code, str) and code.isdecimal() and len(code) < 4:
            code = int(code)
        if isinstance(code, int):
            return next((station for low, high, station in _STATION_TYPES if low <= code < high), 0)
    return None


def _signature(metadata: Mapping[str, Any]) -> str:
    """The ODE's security result (of an IEEE 1609.2 service) or, in version 3, its verdict."""
    if isinstance(metadata.get("validSignature"), bool):
        return "valid" if metadata["validSignature"] else "invalid"
    result = metadata.get("securityResultCode")
    if result in (None, "unknown"):
        return "unchecked"
    return "valid" if result == "success" else "invalid"
