"""One frame of tshark's JSON output: its layers in order, with what every protocol needs of the lower ones.

The layers are kept as pairs: a frame may hold several PDUs of one protocol, and tshark then repeats the key.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from ingest.source import Refused
from schemas.types import LATEST_US

#: A layer or subtree: name -> text or subtree, in tshark's order, names may repeat. Only JSON objects become tuples,
#: so where hostile text puts an array it is no tree.
Tree = tuple[tuple[str, Any], ...]

MAX_INT32: Final = 2**31 - 1
MAX_INT64: Final = 2**63 - 1
#: Longest text of a number that is looked at.
_MAX_DIGITS: Final = 24
#: Deepest nesting of subtrees that is followed.
_MAX_DEPTH: Final = 32

_DECODER: Final = json.JSONDecoder(object_pairs_hook=tuple)
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}
_SEGMENTS: Final = ("tcp.segments", "ip.fragments", "ipv6.fragments")
_SEGMENT: Final = ("tcp.segment", "ip.fragment", "ipv6.fragment")
_RESENT: Final = (
    "tcp.analysis.retransmission",
    "tcp.analysis.fast_retransmission",
    "tcp.analysis.spurious_retransmission",
)
_PROBES: Final = ("tcp.analysis.keep_alive", "tcp.analysis.zero_window_probe")


class Unreadable(ValueError):
    """Output of tshark that is not a frame as expected."""


@dataclass
class Frame:
    """What was learned from the layers below the PDU that is looked at.

    Args:
        number: frame number as tshark counts, from 1.
        base: frames before tshark began to count.
        time: microseconds since 1970.
        length: bytes on the wire.
        segments: earlier frames that hold the beginning of the next PDU.
        malformed: tshark's message where it could not dissect the frame to its end.
    """

    number: int
    time: int
    length: int
    base: int = 0
    source: str = ""
    destination: str = ""
    source_port: int = 0
    destination_port: int = 0
    source_mac: str = ""
    destination_mac: str = ""
    vlan: int | None = None
    ttl: int | None = None
    payload: bytes = b""
    flags: int = 0
    sequence: int | None = None
    resent: bool = False
    probe: bool = False
    segments: list[int] = field(default_factory=list)
    malformed: str | None = None

    @property
    def place(self) -> int:
        """Frame number in the whole capture, counted from 1."""
        return self.base + self.number

    def take_frames(self) -> list[int]:
        """The frames of the PDU at hand: those of its earlier segments, then this one."""
        frames = [*(self.base + n for n in self.segments), self.place]
        self.segments = []
        return frames

    def refused(self, reason: str, detail: str, capture: str | None) -> Refused:
        """This frame as a dead letter."""
        content = self.payload
        return Refused(reason, detail, content, capture, self.place, self.time, len(content) or self.length)


def parse(block: bytes) -> Tree:
    """The layers of one frame.

    Raises:
        Unreadable: the text is not the JSON of one frame.
    """
    try:
        root = _DECODER.decode(block.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as wrong:
        raise Unreadable(f"no JSON: {wrong}"[:200]) from wrong
    layers = child(child(root, "_source"), "layers")
    if not layers:
        raise Unreadable("no layers")
    return layers


def head(layers: Tree) -> Frame:
    """Number, time and length of a frame.

    Raises:
        Unreadable: the frame layer is absent or holds nonsense.
    """
    frame = child(layers, "frame")
    number = integer(text(frame, "frame.number"), MAX_INT64)
    time = instant(text(frame, "frame.time_epoch"))
    length = integer(text(frame, "frame.len"))
    if number is None or number < 1 or time is None or length is None or length < 0:
        raise Unreadable("no frame number, time or length")
    return Frame(number, time, length)


def descend(layers: Tree, frame: Frame) -> Iterator[tuple[str, Tree]]:
    """The layers above TCP, UDP and Ethernet, in order; `frame` holds the lower ones as they are passed.

    A tunnel repeats the lower layers; the innermost count.
    """
    for name, layer in layers:
        if not isinstance(layer, tuple):
            continue
        match name:
            case "eth":
                frame.source_mac = text(layer, "eth.src") or ""
                frame.destination_mac = text(layer, "eth.dst") or ""
            case "vlan":
                frame.vlan = integer(text(layer, "vlan.id"))
            case "ip" | "ipv6":
                frame.source = text(layer, f"{name}.src") or ""
                frame.destination = text(layer, f"{name}.dst") or ""
                ttl = integer(text(layer, "ip.ttl" if name == "ip" else "ipv6.hlim"), 255)
                frame.ttl = ttl if ttl is not None and ttl >= 0 else None
            case "tcp":
                frame.source_port = integer(text(layer, "tcp.srcport")) or 0
                frame.destination_port = integer(text(layer, "tcp.dstport")) or 0
                frame.payload = octets(text(layer, "tcp.payload"))
                frame.flags = integer(text(layer, "tcp.flags"), 0xFFF) or 0
                frame.sequence = integer(text(layer, "tcp.seq_raw"), 0xFFFF_FFFF)
                remarks = child(child(layer, "tcp.analysis"), "tcp.analysis.flags")
                frame.resent = any(has(remarks, remark) for remark in _RESENT)
                frame.probe = any(has(remarks, remark) for remark in _PROBES)
            case "udp":
                frame.source_port = integer(text(layer, "udp.srcport")) or 0
                frame.destination_port = integer(text(layer, "udp.dstport")) or 0
                frame.payload = octets(text(layer, "udp.payload"))
            case _ if name in _SEGMENTS:
                numbers = (integer(value, MAX_INT64) for key, value in layer if key in _SEGMENT)
                frame.segments += [n for n in numbers if n is not None and 0 < n < frame.number]
            case "_ws.malformed" | "_ws.short":
                frame.malformed = "cut by the snapshot length" if name == "_ws.short" else "malformed packet"
            case _:
                yield name, layer


def child(tree: Any, name: str) -> Tree:
    """The first subtree of that name; empty where there is none."""
    if isinstance(tree, tuple):
        for key, value in tree:
            if key == name and isinstance(value, tuple):
                return value
    return ()


def text(tree: Tree, name: str) -> str | None:
    """The first value of that name."""
    for key, value in tree:
        if key == name and isinstance(value, str):
            return printable(value)
    return None


def printable(value: str) -> str:
    """A text that UTF-8 and PostgreSQL can hold: lone surrogates and NUL are replaced."""
    if value.isascii() and "\0" not in value:
        return value
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def has(tree: Any, name: str, depth: int = _MAX_DEPTH) -> bool:
    """True where a key of that name stands anywhere in the tree."""
    if not isinstance(tree, tuple) or depth == 0:
        return False
    return any(key == name or has(value, name, depth - 1) for key, value in tree)


def integer(value: Any, highest: int = MAX_INT32) -> int | None:
    """A number as tshark writes it, decimal or 0x...; None where it is none or beyond +-`highest`."""
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_DIGITS:
        return None
    try:
        number = int(value, 16) if value.startswith("0x") else int(value)
    except ValueError:
        return None
    return number if -highest - 1 <= number <= highest else None


def flag(value: Any) -> bool | None:
    """A boolean; tshark writes 0 and 1, later releases False and True."""
    if value in ("1", "True", "true"):
        return True
    return False if value in ("0", "False", "false") else None


def octets(value: str | None) -> bytes:
    """Bytes from hex pairs with colons; empty where they are none."""
    try:
        return bytes.fromhex((value or "").replace(":", ""))
    except ValueError:
        return b""


def instant(value: str | None) -> int | None:
    """Microseconds since 1970 of a time as tshark writes it; None where it is none or beyond what records carry.

    Three forms: seconds since 1970 with a fraction, "Mar 11, 2024 02:23:02.645999968 UTC", and ISO 8601.
    """
    if value is None or len(value) > 64:
        return None
    try:
        if value[:1].isdigit() and "T" not in value:
            seconds, _, fraction = value.partition(".")
            micros = int(seconds) * 1_000_000 + int(fraction[:6].ljust(6, "0"))
        else:
            micros = _calendar(value)
    except (ValueError, KeyError, OverflowError, IndexError):
        return None
    return micros if 0 <= micros < LATEST_US else None


def _calendar(value: str) -> int:
    if "T" in value and value[:4].isdigit():
        date, _, clock = value.rstrip("Z").partition("T")
        year, month, day = (int(part) for part in date.split("-"))
    else:
        name, day_text, year_text, clock, zone = value.replace(",", "").split()
        if zone != "UTC":
            raise ValueError(zone)
        year, month, day = int(year_text), _MONTHS[name], int(day_text)
    whole, _, fraction = clock.partition(".")
    hour, minute, second = (int(part) for part in whole.split(":"))
    seconds = int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
    return seconds * 1_000_000 + int(fraction[:6].ljust(6, "0"))
