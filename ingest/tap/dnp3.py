"""DNP3 messages as tshark dissects them (IEEE 1815, clause 4 application layer, 8 transport function, 9 data link layer)."""

from collections.abc import Iterator
from typing import Any, Final

from ingest.source import Record
from ingest.tap.frame import MAX_INT64, Frame, Tree, child, flag, integer, text
from schemas.records import DNP3
from schemas.types import MAX_ITEMS

#: Link-layer functions of a primary station that carry user data: confirmed, unconfirmed.
_CARRIES: Final = (3, 4)
#: tshark's verdict on a checksum that is wrong (1 is right).
_WRONG: Final = "0"
#: The first of the response functions.
_RESPONSE: Final = 129
#: Object groups of commands: control relay output block, analogue output block.
_RELAY, _ANALOGUE = 12, 41
#: Functions with commands: select, operate, direct operate, direct operate without acknowledgement, response.
_COMMANDS: Final = (3, 4, 5, 6, 129)
#: Deepest nesting inside a point.
_MAX_DEPTH: Final = 4
#: Octets that begin a link frame, and its header with the checksum.
_START, _HEADER = b"\x05\x64", 10
_INDEXES: Final = ("dnp3.al.index", "dnp3.al.point_index")


class MalformedDnp3(ValueError):
    """A frame without a field that every link frame has, or a message beyond a bound."""


def read_dnp3(frame: Frame, layer: Tree, site: str, capture: str | None) -> Record | None:
    """The record of one link frame: the message that it ends, or itself where it carries none.

    Args:
        frame: its frame; the frame numbers of the link frame are taken from it.
        layer: layer `dnp3`.
        site: locality of the record.
        capture: name of the capture file.

    Returns:
        None for a link frame with a part of a message that a later one ends. `fragments` names the frames of a message.

    Raises:
        MalformedDnp3: with what is wrong.
    """
    fields = {
        "time": frame.time,
        "site": site,
        "source": frame.source,
        "source_port": frame.source_port,
        "destination": frame.destination,
        "destination_port": frame.destination_port,
        "source_mac": frame.source_mac.lower() or None,
        "destination_mac": frame.destination_mac.lower() or None,
        "ttl": frame.ttl,
        **_link(_holding(layer, "dnp3.start")),
        "checksum_ok": not _wrong(layer),
        "response": False,
        "unsolicited": False,
        "capture": capture,
    }
    application = _holding(layer, "dnp3.al.func")
    if application and fields["checksum_ok"]:
        fields |= _message(application)
    elif fields["checksum_ok"] and fields["primary"] and fields["link_function"] in _CARRIES:
        return None
    return Record(DNP3, {**fields, "frames": frame.take_frames()})


def fragments(layer: Tree) -> list[int]:
    """The frames of tshark's count that hold the link frames of a message; [] where it says nothing."""
    tree = child(layer, "dnp3.al.fragments")
    numbers = (integer(value, MAX_INT64) for name, value in tree if name == "dnp3.al.fragment")
    return [number for number in numbers if number is not None and number > 0][:MAX_ITEMS]


def link_fault(payload: bytes) -> str | None:
    """Why a segment on a DNP3 port cannot begin with a link frame; None where it can (IEEE 1815, clause 9.2)."""
    if not payload.startswith(_START[: len(payload)]):
        return f"no start octets 05 64 but {payload[:2].hex(' ')}"
    if len(payload) < _HEADER:
        return None
    if payload[2] < _HEADER - 5:
        return f"link length {payload[2]}"
    if checksum(payload[:8]) != int.from_bytes(payload[8:10], "little"):
        return "wrong checksum of the link header"
    return None


def checksum(octets: bytes) -> int:
    """The checksum of the link layer (IEEE 1815, clause 9.2.3): polynomial 0x3D65, reflected, inverted."""
    crc = 0
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0xA6BC if crc & 1 else 0)
    return crc ^ 0xFFFF


def _holding(tree: Tree, name: str) -> Tree:
    """The subtree that holds a field of that name: tshark labels it with a sentence."""
    for _, value in tree:
        if isinstance(value, tuple) and text(value, name) is not None:
            return value
    return ()


def _link(link: Tree) -> dict[str, Any]:
    bits = child(link, "dnp3.ctl_tree")
    function = text(bits, "dnp3.ctl.prifunc") or text(bits, "dnp3.ctl.secfunc")
    found: dict[str, Any] = {
        "link_source": integer(text(link, "dnp3.src"), 0xFFFF),
        "link_destination": integer(text(link, "dnp3.dst"), 0xFFFF),
        "from_master": flag(text(bits, "dnp3.ctl.dir")),
        "primary": flag(text(bits, "dnp3.ctl.prm")),
        "link_function": integer(function, 15),
    }
    missing = [name for name, value in found.items() if value is None or value < 0]
    if missing:
        raise MalformedDnp3(f"no {', '.join(missing)}")
    return found


def _wrong(layer: Tree) -> bool:
    """Whether a checksum of the link frame is wrong: that of its header or of one of its data blocks."""
    if any(text(value, "dnp.hdr.CRC.status") == _WRONG for _, value in layer if isinstance(value, tuple)):
        return True
    chunks = child(layer, "Data Chunks")
    return any(text(value, "dnp.data_chunk.CRC.status") == _WRONG for _, value in chunks if isinstance(value, tuple))


def _message(application: Tree) -> dict[str, Any]:
    function = integer(text(application, "dnp3.al.func"), 255)
    control = child(application, "dnp3.al.ctl_tree")
    sequence = integer(text(control, "dnp3.al.seq"), 15)
    if function is None or sequence is None or min(function, sequence) < 0:
        raise MalformedDnp3("no function or sequence number")
    indications = integer(text(application, "dnp3.al.iin"), 0xFFFF)
    if indications is not None and indications < 0:
        raise MalformedDnp3("no internal indications")
    fields: dict[str, Any] = {
        "function": function,
        "sequence": sequence,
        "response": function >= _RESPONSE,
        "unsolicited": bool(flag(text(control, "dnp3.al.uns"))),
        "iin1": None if indications is None else indications >> 8,
        "iin2": None if indications is None else indications & 0xFF,
    }
    groups: list[int] = []
    variations: list[int] = []
    points: list[tuple[int, int, int, int]] = []
    for number, tree in _objects(application):
        if number < 0:
            continue
        groups.append(number >> 8)
        variations.append(number & 0xFF)
        if groups[-1] in (_RELAY, _ANALOGUE) and function in _COMMANDS:
            points += _points(tree, groups[-1] == _RELAY)
    if max(len(groups), len(points)) > MAX_ITEMS:
        raise MalformedDnp3(f"more objects than the bound of {MAX_ITEMS}")
    if groups:
        fields |= {"groups": groups, "variations": variations}
    if points:
        columns = zip(*points, strict=True)
        fields |= dict(zip(("points", "operations", "trips", "statuses"), map(list, columns), strict=True))
    return fields


def _objects(application: Tree) -> Iterator[tuple[int, Tree]]:
    """Each object header of a message: group and variation in one number, and the tree of its points."""
    for _, data in application:
        if not isinstance(data, tuple):
            continue
        number: int | None = None
        for name, value in data:
            if name == "dnp3.al.obj":
                if number is not None:
                    yield number, ()
                number = _within(value, 0xFFFF)
            elif name == "dnp3.al.obj_tree" and number is not None and isinstance(value, tuple):
                yield number, value
                number = None
        if number is not None:
            yield number, ()


def _points(tree: Tree, relay: bool) -> Iterator[tuple[int, int, int, int]]:
    """Index, operation, trip-close code and status of each point of a command."""
    for _, point in tree:
        if not isinstance(point, tuple):
            continue
        flat: dict[str, str] = {}
        _flatten(point, flat, _MAX_DEPTH)
        index = next((integer(flat[name]) for name in _INDEXES if name in flat), None)
        if index is None or index < 0:
            continue
        status = _within(flat.get("dnp3.al.ctrlstatus"), 127)
        if relay:
            yield index, _within(flat.get("dnp3.ctl.op"), 15), _within(flat.get("dnp3.ctl.trip"), 3), status
        else:
            yield index, -1, -1, status


def _flatten(tree: Tree, flat: dict[str, str], depth: int) -> None:
    for name, value in tree:
        if isinstance(value, str):
            flat.setdefault(name, value)
        elif isinstance(value, tuple) and depth:
            _flatten(value, flat, depth - 1)


def _within(value: Any, highest: int) -> int:
    """A number from 0 to `highest`, else -1."""
    number = integer(value, highest)
    return -1 if number is None or number < 0 else number
