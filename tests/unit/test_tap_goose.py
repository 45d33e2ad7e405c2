"""The tap on GOOSE: frames made byte by byte, dissected by the real tshark."""

import struct
from pathlib import Path
from typing import Any

import pytest

from ingest.source import Record, Refused
from ingest.tap import read_capture
from schemas.wire import encode
from tests.unit.packets import START, Capture, ethernet, tlv

STATE_TIME = 1_767_225_599_500_000
FIELDS: dict[int, bytes] = {
    0x80: b"IED1/LLN0$GO$gcb01",
    0x81: b"\x07\xd0",
    0x82: b"IED1/LLN0$DS1",
    0x83: b"gcb01",
    0x84: struct.pack(">II", STATE_TIME // 1_000_000, 0x80000000 | 0x0A),
    0x85: b"\x05",
    0x86: b"\x00\x80\x00\x00\x01",
    0x87: b"\x00",
    0x88: b"\x02",
    0x89: b"\xff",
    0x8A: b"\x07",
}
DATA = b"".join(
    [
        tlv(0x83, b"\x01"),
        tlv(0x84, b"\x06\x40"),
        tlv(0x85, b"\xff\x7f"),
        tlv(0x86, b"\x07"),
        tlv(0x87, b"\x08" + struct.pack(">f", 230.25)),
        tlv(0x8A, b"Trip"),
        tlv(0xA2, tlv(0x83, b"\x00") + tlv(0xA2, tlv(0x85, b"\x05") + tlv(0x86, b"\x06"))),
    ]
)
VALUES = ["true", "01", "-129", "7", "230.25", "Trip", "{false,{5,6}}"]


def message(data: bytes = DATA, appid: int = 0x3001, without: int = 0, simulated: bool = False) -> bytes:
    pdu = tlv(0x61, b"".join(tlv(t, c) for t, c in FIELDS.items() if t != without) + tlv(0xAB, data))
    return struct.pack(">HHHH", appid, 8 + len(pdu), 0x8000 if simulated else 0, 0) + pdu


def tapped(directory: Path, *frames: bytes) -> list[Any]:
    capture = Capture()
    for frame in frames:
        capture.add(frame)
    items = list(read_capture(capture.write(directory), "site-1"))
    for item in items:
        if isinstance(item, Record):
            encode(item.schema, item.fields)
    return items


@pytest.mark.parametrize("vlan", [None, 100])
def test_every_field(vlan: int | None, tmp_path: Path) -> None:
    (record,) = tapped(tmp_path, ethernet(message(), 0x88B8, vlan=vlan))
    assert record.fields == {
        "time": START,
        "site": "site-1",
        "source_mac": "02:00:00:00:00:01",
        "destination_mac": "01:0c:cd:01:00:01",
        "vlan": vlan,
        "appid": 0x3001,
        "control_block": "IED1/LLN0$GO$gcb01",
        "dataset": "IED1/LLN0$DS1",
        "go_id": "gcb01",
        "state_time": STATE_TIME,
        "st_num": 5,
        "sq_num": 2**31 + 1,
        "conf_rev": 2,
        "allowed_to_live_ms": 2000,
        "simulation": False,
        "needs_commissioning": True,
        "values": VALUES,
        "capture": "test.pcap",
        "frames": [1],
    }


def test_messages_in_order(tmp_path: Path) -> None:
    other = ethernet(message(appid=7), 0x88B8, source="02:00:00:00:00:0A")
    found = tapped(tmp_path, ethernet(message(), 0x88B8), other)
    assert [(r.fields["appid"], r.fields["source_mac"], r.fields["frames"]) for r in found] == [
        (0x3001, "02:00:00:00:00:01", [1]),
        (7, "02:00:00:00:00:0a", [2]),
    ]


@pytest.mark.parametrize("tag", [0x80, 0x82, 0x85, 0x86])
def test_a_message_without_a_mandatory_field_is_a_dead_letter(tag: int, tmp_path: Path) -> None:
    (letter,) = tapped(tmp_path, ethernet(message(without=tag), 0x88B8))
    assert isinstance(letter, Refused)
    assert (letter.reason, letter.frame, letter.time) == ("malformed", 1, START)


def test_a_message_that_breaks_off_is_a_dead_letter(tmp_path: Path) -> None:
    letters = tapped(tmp_path, ethernet(message()[:60], 0x88B8), ethernet(message(DATA[:-3]), 0x88B8))
    assert [(letter.reason, letter.frame) for letter in letters] == [("malformed", 1), ("malformed", 2)]
