"""CAN: frames from the text of candump and from any interface of python-can.

Source: can-utils `candump` (standard output with -t a or -t z, and the log of -L, which is that of `canplayer`); bit 29
of an identifier marks an error frame, as in `linux/can.h`.
"""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from ingest.lines import read_lines
from ingest.source import Item, Record, Refused
from schemas.records import CAN_FRAME

if TYPE_CHECKING:
    import can

_TIME: Final = r"\s*\((?P<s>\d{1,10})\.(?P<us>\d{1,6})\)\s+(?P<channel>[\w.:@-]{1,32})\s+"
#: (1436509052.249713) can0 123#11.22.33, 123#R8, 123##1AABB; further columns are a label or the direction.
_LOG: Final = re.compile(
    _TIME + r"(?P<id>[0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})#"
    r"(?:(?P<remote>R)(?P<rlen>[0-9A-Fa-f]?)|(?P<fd>#[0-9A-Fa-f])?(?P<data>[0-9A-Fa-f.]*))(?:\s.{0,64})?",
    re.ASCII,
)
#: (000.005001)  can0  18FEDF00   [8]  8A A0 28 7D 7D FF FF F5
_TABLE: Final = re.compile(
    _TIME + r"(?:[RT]X\s[B-]\s[E-]\s+)?(?P<id>[0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})\s+\[(?P<len>\d{1,2})\]"
    r"(?:\s+(?P<remote>remote request)|(?P<data>(?:\s+[0-9A-Fa-f]{2}){0,64}))(?:\s+(?:ERRORFRAME|'.{0,64}'))?\s*",
    re.ASCII,
)
#: 1483093132.049669        0380    000    8    30 bb 82 00 9d 53 00 81: the trace of a CAN logger, no channel
_TRACE: Final = re.compile(
    r"\s*(?P<s>\d{1,10})\.(?P<us>\d{1,6})\s+(?P<id>[0-9A-Fa-f]{4}|[0-9A-Fa-f]{8})\s+\d{3}\s+(?P<len>\d)"
    r"(?P<data>(?:\s+[0-9A-Fa-f]{2}){0,8})\s*",
    re.ASCII,
)
_STYLES: Final = (_LOG, _TABLE, _TRACE)

_ERROR: Final = 0x2000_0000
_MAX_EXTENDED: Final = 0x1FFF_FFFF
_MAX_STANDARD: Final = 0x7FF


class _Wrong(ValueError):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def read_candump(
    stream: BinaryIO, vehicle: str, capture: str | None = None, channel: str = "can0", start: int = 0
) -> Iterator[Item]:
    """Read candump text in any of its styles, which may be mixed.

    Args:
        stream: binary text stream (`ingest.lines.open_text`).
        vehicle: vehicle the bus belongs to.
        capture: name of the file, kept as evidence with the line number.
        channel: bus of lines that name none.
        start: added to each time, microseconds since 1970: the begin of a log whose times count from zero.

    Yields:
        `can_frame` records, and `Refused` with one of the reasons of `ingest.lines.read_lines` or "malformed",
        "no time", "range", "length".
    """
    style = _STYLES[0]
    for line in read_lines(stream, capture):
        if isinstance(line, Refused):
            yield line
            continue
        found = style.fullmatch(line.text)
        if found is None:
            style, found = next(((s, m) for s in _STYLES if (m := s.fullmatch(line.text))), (style, None))
        try:
            if found is None:
                raise _unreadable(line.text)
            yield _record(found, vehicle, channel, start, capture, line.number)
        except _Wrong as wrong:
            yield Refused(wrong.reason, str(wrong), line.text.encode(), capture, line.number)


def _unreadable(text: str) -> _Wrong:
    if re.match(r"\s*[\w.:@-]{1,32}\s+[0-9A-Fa-f]{3,8}\s+\[", text):
        return _Wrong("no time", "the line has no time stamp; use candump -t a or -L")
    return _Wrong("malformed", "not a line of candump")


def _record(found: re.Match[str], vehicle: str, channel: str, start: int, capture: str | None, number: int) -> Record:
    part = found.groupdict()
    identifier = int(part["id"], 16)
    error = bool(identifier & _ERROR)
    identifier &= ~_ERROR
    # A standard identifier is written with three digits, an extended one with eight; the trace does not tell.
    extended = len(part["id"]) == 8 if len(part["id"]) != 4 else identifier > _MAX_STANDARD
    if identifier > (_MAX_EXTENDED if extended else _MAX_STANDARD):
        raise _Wrong("range", f"identifier {part['id']} has more than {29 if extended else 11} bits")
    text = (part["data"] or "").replace(".", "").replace(" ", "").replace("\t", "")
    if len(text) % 2 or len(text) > 128:
        raise _Wrong("length", f"{len(text)} hexadecimal digits of data")
    data = bytes.fromhex(text)
    remote = part.get("remote") is not None
    if remote:
        length = int(part.get("rlen") or part.get("len") or "0", 16)
        if length > 8:
            raise _Wrong("length", f"a remote request for {length} bytes")
    else:
        length = len(data)
        if part.get("len") is not None and int(part["len"]) != length:
            raise _Wrong("length", f"{length} bytes of data, [{part['len']}] announced")
        if length > 8 and "fd" in part and part["fd"] is None:
            raise _Wrong("length", f"{length} bytes in a classic frame")
    fields = {
        "time": start + int(part["s"]) * 1_000_000 + int(part["us"].ljust(6, "0")),
        "vehicle": vehicle,
        "channel": part.get("channel") or channel,
        "can_id": identifier,
        "extended": extended,
        "remote": remote,
        "error": error,
        "dlc": length,
        "data": data,
        "capture": capture,
        "frames": [number],
    }
    return Record(CAN_FRAME, fields)


class Bus(Protocol):
    """What is used of `can.BusABC`."""

    def recv(self, timeout: float | None = None) -> "can.Message | None":
        """The next message, or None after the time-out (s)."""

    def shutdown(self) -> None:
        """Release the interface."""


def read_bus(
    bus: Bus, vehicle: str, channel: str, stop: Callable[[], bool] = lambda: False, wait_s: float = 0.5
) -> Iterator[Item]:
    """Frames of a python-can interface, until the iterator is closed or told to stop; the bus is shut down then.

    Args:
        bus: an open bus, e.g. `can.Bus(interface="socketcan", channel="can0")`.
        vehicle: vehicle the bus belongs to.
        channel: name of the bus in the records.
        stop: asked whenever the bus has been silent for `wait_s` seconds.

    Yields:
        `can_frame` records.
    """
    try:
        while True:
            message = bus.recv(wait_s)
            if message is None:
                if stop():
                    return
                continue
            fields = {
                "time": round(message.timestamp * 1_000_000),
                "vehicle": vehicle,
                "channel": channel,
                "can_id": message.arbitration_id,
                "extended": message.is_extended_id,
                "remote": message.is_remote_frame,
                "error": message.is_error_frame,
                "dlc": message.dlc,
                "data": bytes(message.data or b""),
            }
            yield Record(CAN_FRAME, fields)
    finally:
        bus.shutdown()
