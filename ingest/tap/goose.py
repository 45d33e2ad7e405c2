"""GOOSE messages as tshark dissects them (IEC 61850-8-1, clause 18 and annex A)."""

from struct import unpack
from typing import Any, Final

from ingest.source import Record
from ingest.tap.frame import MAX_INT64, Frame, Tree, child, flag, instant, integer, octets, printable, text
from schemas.records import GOOSE
from schemas.types import MAX_BYTES, MAX_ITEMS

#: Deepest nesting of structures and arrays in a data set.
_MAX_DEPTH: Final = 16


class MalformedGoose(ValueError):
    """A message without a field that every message has, or beyond a bound."""


def read_goose(frame: Frame, layer: Tree, site: str, capture: str | None) -> Record:
    """One message.

    Raises:
        MalformedGoose: a mandatory field is absent or out of range.
    """
    pdu = child(layer, "goose.goosePdu_element")
    if not pdu:
        raise MalformedGoose("no goosePdu")
    simulation, commissioning = flag(text(pdu, "goose.simulation")), flag(text(pdu, "goose.ndsCom"))
    required: dict[str, Any] = {
        "appid": integer(text(layer, "goose.appid"), 0xFFFF),
        "control_block": text(pdu, "goose.gocbRef"),
        "dataset": text(pdu, "goose.datSet"),
        "st_num": integer(text(pdu, "goose.stNum"), MAX_INT64),
        "sq_num": integer(text(pdu, "goose.sqNum"), MAX_INT64),
    }
    missing = [name for name, value in required.items() if value is None]
    if missing or not frame.source_mac:
        raise MalformedGoose(f"no {', '.join(missing) or 'source MAC address'}")
    if max(len(required["control_block"]), len(required["dataset"])) > MAX_BYTES // 4:
        raise MalformedGoose("reference longer than any")
    return Record(
        GOOSE,
        {
            "time": frame.time,
            "site": site,
            "source_mac": frame.source_mac.lower(),
            "destination_mac": frame.destination_mac.lower(),
            "vlan": frame.vlan,
            **required,
            "go_id": text(pdu, "goose.goID"),
            "state_time": instant(text(pdu, "goose.t")),
            "conf_rev": integer(text(pdu, "goose.confRev"), MAX_INT64),
            "allowed_to_live_ms": integer(text(pdu, "goose.timeAllowedtoLive"), MAX_INT64),
            # Both are DEFAULT FALSE in the ASN.1, so a message may leave them out.
            "simulation": bool(simulation),
            "needs_commissioning": bool(commissioning),
            "values": _values(child(pdu, "goose.allData_tree"), _MAX_DEPTH),
            "capture": capture,
            "frames": frame.take_frames(),
        },
    )


def _values(tree: Tree, depth: int) -> list[str]:
    """The members of a data set or structure, in order."""
    values = [_value(member, depth) for name, member in tree if name == "goose.Data_tree"]
    if len(values) > MAX_ITEMS:
        raise MalformedGoose(f"{len(values)} data set members, the bound is {MAX_ITEMS}")
    return values


def _value(member: Any, depth: int) -> str:
    """One member as text: true or false, decimal, bits of a bit string, octets as hex, a structure in braces."""
    if depth == 0:
        raise MalformedGoose(f"data set nested deeper than {_MAX_DEPTH}")
    if not isinstance(member, tuple):
        return ""
    padding = integer(text(member, "ber.bitstring.padding"), 7) or 0
    for name, value in member:
        kind = name.removeprefix("goose.")
        if isinstance(value, tuple):
            if kind in ("structure_tree", "array_tree"):
                inner = ",".join(_values(value, depth - 1))
                return f"{{{inner}}}" if kind == "structure_tree" else f"[{inner}]"
            continue
        if not isinstance(value, str):
            continue
        match kind:
            case "boolean":
                return "true" if flag(value) else "false"
            case "bit_string" | "booleanArray":
                bits = "".join(f"{octet:08b}" for octet in octets(value)[: MAX_BYTES // 8])
                return bits[: len(bits) - padding] if padding > 0 else bits
            case "floating_point":
                return _floating(octets(value))
            case "octet_string" | "binary_time":
                return octets(value)[:MAX_BYTES].hex()
            case "integer" | "unsigned" | "bcd" | "visible_string" | "mMSString" | "utc_time" | "objId":
                return printable(value[: MAX_BYTES // 4])
    return ""


def _floating(octets_: bytes) -> str:
    """FloatingPoint (ISO 9506-2): one byte with the exponent's width, then an IEEE 754 number."""
    if len(octets_) == 5 and octets_[0] == 8:
        return repr(unpack(">f", octets_[1:])[0])
    if len(octets_) == 9 and octets_[0] == 11:
        return repr(unpack(">d", octets_[1:])[0])
    return octets_[:MAX_BYTES].hex()
