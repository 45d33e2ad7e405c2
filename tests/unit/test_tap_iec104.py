"""The tap on IEC 60870-5-104: captures made byte by byte, dissected by the real tshark."""

import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingest.source import Item, Record, Refused
from ingest.tap import Ports, TapOptions, read_capture
from schemas.wire import encode
from tests.unit.packets import MASTER, OUTSTATION, START, Capture, Connection, address, asdu, i_format

#: CP56Time2a of 2025-06-15 12:34:56.789 (a Sunday).
TAG = struct.pack("<HBBBBB", 56_789, 34, 12, 15 | 7 << 5, 6, 25)
TAGGED = int(datetime(2025, 6, 15, 12, 34, 56, 789_000, tzinfo=UTC).timestamp() * 1e6)


def tapped(*payloads: bytes, directory: Path, port: int = 2404, options: TapOptions | None = None) -> list[Item]:
    capture = Capture()
    connection = Connection(capture, server_port=port)
    for payload in payloads:
        connection.send(payload)
    items = list(read_capture(capture.write(directory), "site-1", options))
    for item in items:
        if isinstance(item, Record):
            encode(item.schema, item.fields)
    return items


def fields(items: list[Item]) -> list[dict[str, Any]]:
    assert all(isinstance(item, Record) for item in items)
    return [item.fields for item in items if isinstance(item, Record)]


#: Type: elements after the address, what the record says of them.
OBJECTS: dict[int, tuple[bytes, dict[str, Any]]] = {
    1: (b"\x91", {"value": 1.0, "quality": "BL IV"}),
    3: (b"\x02", {"value": 2.0, "quality": ""}),
    5: (b"\x7f\x01", {"value": -1.0, "quality": "OV"}),
    7: (struct.pack("<I", 0xF0000001) + b"\x40", {"value": float(0xF0000001), "quality": "NT"}),
    9: (struct.pack("<h", -16384) + b"\x00", {"value": -0.5, "quality": ""}),
    11: (struct.pack("<h", -123) + b"\x20", {"value": -123.0, "quality": "SB"}),
    13: (struct.pack("<f", 230.5) + b"\x00", {"value": 230.5, "quality": ""}),
    15: (struct.pack("<i", -70_000) + b"\x85", {"value": -70_000.0, "quality": "IV"}),
    30: (b"\x01" + TAG, {"value": 1.0, "quality": "", "time_tag": TAGGED}),
    31: (b"\x81" + TAG, {"value": 1.0, "quality": "IV", "time_tag": TAGGED}),
    36: (struct.pack("<f", -1.25) + b"\x10" + TAG, {"value": -1.25, "quality": "BL", "time_tag": TAGGED}),
    45: (b"\x85", {"value": 1.0, "select": True, "qualifier": 1}),
    46: (b"\x06", {"value": 2.0, "select": False, "qualifier": 1}),
    47: (b"\x01", {"value": 1.0, "select": False, "qualifier": 0}),
    48: (struct.pack("<h", 1) + b"\x80", {"value": 1 / 32768, "select": True, "qualifier": 0}),
    49: (struct.pack("<h", 77) + b"\x01", {"value": 77.0, "select": False, "qualifier": 1}),
    50: (struct.pack("<f", 12.5) + b"\x00", {"value": 12.5, "select": False, "qualifier": 0}),
    51: (struct.pack("<I", 7), {"value": 7.0}),
    58: (b"\x01" + TAG, {"value": 1.0, "select": False, "time_tag": TAGGED}),
    70: (b"\x02", {"qualifier": 2}),
    100: (b"\x14", {"qualifier": 20}),
    101: (b"\x05", {"qualifier": 5}),
    103: (TAG, {"time_tag": TAGGED}),
    105: (b"\x01", {"qualifier": 1}),
}


@pytest.mark.parametrize("type_id", OBJECTS)
def test_an_information_object_of_each_type(type_id: int, tmp_path: Path) -> None:
    elements, expected = OBJECTS[type_id]
    apdu = i_format(asdu(type_id, 3 | 0x40, address(70_001) + elements), send=300, receive=5)
    (record,) = fields(tapped(apdu, directory=tmp_path))
    common = {
        "time": START,
        "site": "site-1",
        "source": MASTER,
        "source_port": 40_000,
        "destination": OUTSTATION,
        "destination_port": 2404,
        "format": "I",
        "send_number": 300,
        "receive_number": 5,
        "type_id": type_id,
        "cause": 3,
        "negative": True,
        "test": False,
        "common_address": 3,
        "originator": 0,
        "object_address": 70_001,
        "frames": [1],
        "capture": "test.pcap",
    }
    assert record == record | common | expected
    for absent in {"value", "select", "time_tag", "quality"} - set(expected):
        assert record.get(absent) is None


def test_a_sequence_counts_addresses_on(tmp_path: Path) -> None:
    body = address(40_000) + b"".join(struct.pack("<h", v) + b"\x00" for v in (5, 6, 7))
    found = fields(tapped(i_format(asdu(11, 20, body, count=3, sequence=True)), directory=tmp_path))
    assert [(r["object_address"], r["value"]) for r in found] == [(40_000, 5.0), (40_001, 6.0), (40_002, 7.0)]


def test_single_objects_keep_their_own_addresses(tmp_path: Path) -> None:
    body = address(9) + b"\x01" + address(4) + b"\x00"
    found = fields(tapped(i_format(asdu(1, 3, body, count=2)), directory=tmp_path))
    assert [(r["object_address"], r["value"]) for r in found] == [(9, 1.0), (4, 0.0)]


def test_several_apdus_in_one_segment_and_one_over_two(tmp_path: Path) -> None:
    supervision = struct.pack("<BBHH", 0x68, 4, 1, 9 << 1)
    whole = i_format(asdu(13, 3, address(1) + struct.pack("<f", 1.5) + b"\x00"), send=1)
    found = fields(tapped(b"\x68\x04\x07\x00\x00\x00" + supervision + whole[:8], whole[8:], directory=tmp_path))
    assert [(r["format"], r.get("control"), r["receive_number"], r["frames"]) for r in found] == [
        ("U", "STARTDT act", None, [1]),
        ("S", None, 9, [1]),
        ("I", None, 0, [1, 2]),
    ]


@pytest.mark.parametrize(
    ("octet", "control"),
    [
        (0x07, "STARTDT act"),
        (0x0B, "STARTDT con"),
        (0x13, "STOPDT act"),
        (0x23, "STOPDT con"),
        (0x43, "TESTFR act"),
        (0x83, "TESTFR con"),
        (0xC3, "0x30"),
    ],
)
def test_unnumbered_control_functions(octet: int, control: str, tmp_path: Path) -> None:
    (record,) = fields(tapped(bytes([0x68, 4, octet, 0, 0, 0]), directory=tmp_path))
    assert (record["format"], record["control"], record.get("type_id")) == ("U", control, None)


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        (b"\x68\x02\x01\x00\x00\x00", "malformed packet"),
        (i_format(b""), "iec60870_104: malformed packet"),
        (i_format(asdu(1, 3, address(9) + b"\x01", count=20)), "iec60870_104: malformed packet"),
        (b"\x00\x00\x68\x04\x43\x00\x00\x00", "iec60870_104: 2 bytes before the start byte"),
    ],
)
def test_what_contradicts_itself_is_a_dead_letter(payload: bytes, detail: str, tmp_path: Path) -> None:
    letters = [item for item in tapped(payload, directory=tmp_path) if isinstance(item, Refused)]
    assert [(letter.reason, letter.detail, letter.frame) for letter in letters] == [("malformed", detail, 1)]
    assert letters[0].content == payload


def test_a_type_that_tshark_does_not_take_apart_keeps_its_address(tmp_path: Path) -> None:
    (record,) = fields(tapped(i_format(asdu(102, 5, address(100))), directory=tmp_path))
    assert (record["type_id"], record["object_address"], record.get("value")) == (102, 100, None)


def test_other_ports_are_read_when_named(tmp_path: Path) -> None:
    apdu = i_format(asdu(100, 6, address(0) + b"\x14"))
    assert tapped(apdu, directory=tmp_path, port=12_404) == []
    options = TapOptions(Ports(iec104=frozenset({12_404})))
    (record,) = fields(tapped(apdu, directory=tmp_path, port=12_404, options=options))
    assert (record["destination_port"], record["qualifier"]) == (12_404, 20)
