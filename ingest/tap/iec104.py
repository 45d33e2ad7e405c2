"""IEC 60870-5-104 APDUs as tshark dissects them: one record per information object, and one per S- or U-format APDU.

tshark writes short floating point values with six significant digits; normalised values are put back on their grid
of 1/32768, so they are exact.
"""

from typing import Any, Final

from ingest.source import Record
from ingest.tap.frame import Frame, Tree, flag, instant, integer, text
from schemas.records import IEC104

_FORMATS: Final = {0: "I", 1: "S", 3: "U"}
_FUNCTIONS: Final = {
    0x01: "STARTDT act",
    0x02: "STARTDT con",
    0x04: "STOPDT act",
    0x08: "STOPDT con",
    0x10: "TESTFR act",
    0x20: "TESTFR con",
}
#: Where the value of an information object stands: the dissector's fields, one of which an object has.
_INTEGER_VALUES: Final = (
    "siq.spi",
    "diq.dpi",
    "vti.v",
    "scalval",
    "bitstring",
    "bcr.count",
    "sco.on",
    "dco.on",
    "rco.up",
)
_QUALIFIERS: Final = ("sco.qu", "dco.qu", "rco.qu", "qos.ql", "qoi", "qcc", "qrp", "qpm", "coi")
_SELECTS: Final = ("sco.se", "dco.se", "rco.se", "qos.se")
_QUALITY: Final = ("OV", "BL", "SB", "NT", "IV")
_QUALITY_CARRIERS: Final = ("siq", "diq", "qds", "bcr")
_PREFIX: Final = "iec60870_asdu."
#: Deepest nesting inside an information object.
_MAX_DEPTH: Final = 6


class MalformedApdu(ValueError):
    """An APDU without a field that its format has."""


def read_apdu(frame: Frame, header: Tree, asdu: Tree | None, site: str, capture: str | None) -> list[Record]:
    """The records of one APDU.

    Args:
        frame: its frame; the frame numbers of the APDU are taken from it.
        header: layer `iec60870_104`.
        asdu: layer `iec60870_asdu`; None where the APDU has none.
        site: locality of the records.
        capture: name of the capture file.

    Raises:
        MalformedApdu: with what is wrong.
    """
    form = _FORMATS.get(integer(text(header, "iec60870_104.type"), 3) or 0)
    if form is None or text(header, "iec60870_104.type") is None:
        raise MalformedApdu("no APDU format")
    common: dict[str, Any] = {
        "time": frame.time,
        "site": site,
        "source": frame.source,
        "source_port": frame.source_port,
        "destination": frame.destination,
        "destination_port": frame.destination_port,
        "format": form,
        "send_number": integer(text(header, "iec60870_104.tx")),
        "receive_number": integer(text(header, "iec60870_104.rx")),
        "capture": capture,
    }
    if form == "U":
        bits = integer(text(header, "iec60870_104.utype")) or 0
        common["control"] = _FUNCTIONS.get(bits, hex(bits))
    if form != "I":
        return [Record(IEC104, {**common, "frames": frame.take_frames()})]
    if asdu is None:
        raise MalformedApdu("I format without an ASDU")
    common |= _unit(asdu)
    frames = frame.take_frames()
    objects = _objects(asdu)
    if not objects:
        raise MalformedApdu("ASDU without an information object")
    return [Record(IEC104, {**common, **fields, "frames": list(frames)}) for fields in objects]


def _unit(asdu: Tree) -> dict[str, Any]:
    """The data unit identifier (IEC 60870-5-101, section 7.2.1 to 7.2.4)."""
    unit: dict[str, Any] = {
        "type_id": integer(text(asdu, "iec60870_asdu.typeid"), 255),
        "cause": integer(text(asdu, "iec60870_asdu.causetx"), 63),
        "negative": flag(text(asdu, "iec60870_asdu.nega")),
        "test": flag(text(asdu, "iec60870_asdu.test")),
        "common_address": integer(text(asdu, "iec60870_asdu.addr"), 0xFFFF),
    }
    missing = [name for name, value in unit.items() if value is None]
    if missing:
        raise MalformedApdu(f"ASDU without {', '.join(missing)}")
    unit["originator"] = integer(text(asdu, "iec60870_asdu.oa"), 255)
    return unit


def _objects(asdu: Tree) -> list[dict[str, Any]]:
    objects = []
    for name, value in asdu:
        if isinstance(value, tuple) and name.startswith("IOA:"):
            flat: dict[str, str] = {}
            _flatten(value, flat, _MAX_DEPTH)
            # A sequence (SQ = 1) carries the first address alone; tshark counts on in the label.
            flat.setdefault("ioa", name.removeprefix("IOA:").strip())
            objects.append(_object(flat))
    if not objects and (address := text(asdu, "iec60870_asdu.ioa")) is not None:
        # A type that tshark does not take apart: the address is known, the elements are not.
        objects.append({"object_address": integer(address)})
    return objects


def _flatten(tree: Tree, flat: dict[str, str], depth: int) -> None:
    for name, value in tree:
        if isinstance(value, str):
            flat.setdefault(name.removeprefix(_PREFIX), value)
        elif isinstance(value, tuple) and depth:
            _flatten(value, flat, depth - 1)


def _object(flat: dict[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = {"object_address": integer(flat.get("ioa"))}
    value = _value(flat)
    if value is not None:
        fields["value"] = value
    for name in _SELECTS:
        if name in flat:
            fields["select"] = flag(flat[name])
    for name in _QUALIFIERS:
        if name in flat:
            fields["qualifier"] = integer(flat[name])
    if any(name in flat or f"{name}.iv" in flat for name in _QUALITY_CARRIERS):
        carriers = _QUALITY_CARRIERS
        bits = (bit for bit in _QUALITY if any(flag(flat.get(f"{c}.{bit.lower()}")) for c in carriers))
        fields["quality"] = " ".join(bits)
    if "cp56time" in flat:
        fields["time_tag"] = instant(flat["cp56time"])
    return fields


def _value(flat: dict[str, str]) -> float | None:
    for name in _INTEGER_VALUES:
        if name in flat:
            number = integer(flat[name], 0xFFFF_FFFF)
            if number is None or (name == "bitstring" and number < 0):
                truth = flag(flat[name])
                return None if truth is None else float(truth)
            # tshark reads a bit string from its first octet down; the standard's first octet holds bits 1 to 8.
            return float(int.from_bytes(number.to_bytes(4), "little") if name == "bitstring" else number)
    try:
        if "normval" in flat:
            return round(float(flat["normval"]) * 32768) / 32768
        if "float" in flat:
            return float(flat["float"])
    except (ValueError, OverflowError):
        return None
    return None
