"""The tap on MMS: messages made byte by byte, dissected by the real tshark; no association precedes them."""

from pathlib import Path
from typing import Any

import pytest

from ingest.source import Item, Record
from ingest.tap import Ports, TapOptions, read_capture
from schemas.records import MMS
from schemas.wire import encode
from tests.unit.packets import MASTER, OUTSTATION, START, Capture, Connection, mms, mms_name, presented, tlv, tpkt

INVOKED = tlv(0x02, b"\x01\x2c")


def variables(*items: bytes) -> bytes:
    """A variable access specification: a list of named variables."""
    return tlv(0xA0, b"".join(tlv(0x30, tlv(0xA0, mms_name(item))) for item in items))


def request(service: bytes) -> bytes:
    return tlv(0xA0, INVOKED + service)


def response(service: bytes) -> bytes:
    return tlv(0xA1, INVOKED + service)


BOOLEAN = tlv(0x83, b"\xff")
OPERATE = b"CSWI1$CO$Pos$Oper"
REFUSAL = tlv(
    0x61,
    tlv(0xA1, tlv(0x06, bytes.fromhex("28ca220203")))
    + tlv(0xA2, tlv(0x02, b"\x01"))
    + tlv(0xA3, tlv(0xA1, tlv(0x02, b"\x01"))),
)
#: Message: what the record says of it.
MESSAGES: dict[str, tuple[bytes, dict[str, Any]]] = {
    "read of two variables": (
        mms(request(tlv(0xA4, tlv(0xA1, variables(b"MMXU1$MX$A", b"LLN0$ST$Health"))))),
        {"service": "read", "objects": ["LD0/MMXU1$MX$A", "LD0/LLN0$ST$Health"], "control": False},
    ),
    "control": (
        mms(request(tlv(0xA5, variables(OPERATE) + tlv(0xA0, BOOLEAN)))),
        {"pdu": "confirmed_request", "service": "write", "objects": [f"LD0/{OPERATE.decode()}"], "control": True},
    ),
    "write of a setting": (
        mms(request(tlv(0xA5, variables(b"PTOC1$SP$StrVal") + tlv(0xA0, BOOLEAN)))),
        {"service": "write", "control": False},
    ),
    "list of domains": (
        mms(request(tlv(0xA1, tlv(0xA0, tlv(0x80, b"\x09")) + tlv(0xA1, tlv(0x80, b""))))),
        {"service": "getNameList", "object_class": 9, "objects": None},
    ),
    "list of a domain's variables": (
        mms(request(tlv(0xA1, tlv(0xA0, tlv(0x80, b"\x00")) + tlv(0xA1, tlv(0x81, b"LD0"))))),
        {"service": "getNameList", "object_class": 0, "objects": ["LD0/"]},
    ),
    "identify": (mms(request(tlv(0x82, b""))), {"service": "identify"}),
    "a write that is refused": (
        mms(response(tlv(0xA5, tlv(0x80, b"\x03") + tlv(0x81, b"") + tlv(0x80, b"\x0a")))),
        {"pdu": "confirmed_response", "service": "write", "failures": 2},
    ),
    "an object that is not there": (
        mms(tlv(0xA2, tlv(0x80, b"\x01\x2c") + tlv(0xA2, tlv(0xA0, tlv(0x87, b"\x02"))))),
        {"pdu": "confirmed_error", "error_class": 7, "error_code": 2},
    ),
    "report": (
        mms(tlv(0xA3, tlv(0xA0, tlv(0xA1, tlv(0x80, b"RPT")) + tlv(0xA0, BOOLEAN)))),
        {"pdu": "unconfirmed", "service": "informationReport", "objects": ["RPT"], "invoke_id": None},
    ),
    "conclude": (mms(tlv(0x8B, b"")), {"pdu": "conclude_request", "invoke_id": None}),
    "an association that is refused": (
        tpkt(tlv(0x0E, tlv(0xC1, tlv(0x31, tlv(0xA0, tlv(0x80, b"\x01")) + tlv(0xA2, presented(REFUSAL, 1)))))),
        {"pdu": "association_refused", "error_code": 1, "invoke_id": None},
    ),
    "abort": (
        tpkt(tlv(0x19, b"\x11\x01\x0b" + tlv(0xC1, tlv(0xA0, presented(tlv(0x64, tlv(0x80, b"\x00")), 1))))),
        {"pdu": "association_aborted", "error_code": None, "invoke_id": None},
    ),
}


def tapped(directory: Path, *payloads: bytes, port: int = 102, options: TapOptions | None = None) -> list[Item]:
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
    assert all(isinstance(item, Record) and item.schema is MMS for item in items)
    return [item.fields for item in items if isinstance(item, Record)]


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_of_each_kind(name: str, tmp_path: Path) -> None:
    payload, expected = MESSAGES[name]
    (record,) = fields(tapped(tmp_path, payload))
    common = {
        "time": START,
        "site": "site-1",
        "source": MASTER,
        "source_port": 40_000,
        "destination": OUTSTATION,
        "destination_port": 102,
        "capture": "test.pcap",
        "frames": [1],
    }
    assert record == record | common
    assert {key: record.get(key) for key in expected} == expected
    if "invoke_id" not in expected and not record["pdu"].startswith("association"):
        assert record["invoke_id"] == 300


def test_messages_share_and_split_segments(tmp_path: Path) -> None:
    one, two = MESSAGES["identify"][0], MESSAGES["control"][0]
    found = fields(tapped(tmp_path, one + two, two[:30], two[30:] + one))
    assert [(r["service"], r["frames"]) for r in found] == [
        ("identify", [1]),
        ("write", [1]),
        ("write", [2, 3]),
        ("identify", [3]),
    ]


def test_many_objects_are_bounded(tmp_path: Path) -> None:
    payload = mms(request(tlv(0xA4, tlv(0xA1, variables(*(b"GGIO%d$ST$Ind" % n for n in range(400)))))))
    (record,) = fields(tapped(tmp_path, *(payload[at : at + 1400] for at in range(0, len(payload), 1400))))
    assert len(record["objects"]) == 256
    assert record["objects"][255] == "LD0/GGIO255$ST$Ind"


def test_other_protocols_of_the_port_are_not_told(tmp_path: Path) -> None:
    connect = b"\x03\x00\x00\x16\x11\xe0\x00\x00\x00\x01\x00\xc1\x02\x01\x00\xc2\x02\x01\x02\xc0\x01\x0a"
    s7 = b"\x03\x00\x00\x19\x02\xf0\x80\x32\x01\x00\x00\x00\x00\x00\x08\x00\x00\xf0\x00\x00\x01\x00\x01\x01\xe0"
    assert tapped(tmp_path, connect, s7) == []


def test_other_ports_are_read_when_named(tmp_path: Path) -> None:
    options = TapOptions(Ports(mms=frozenset({10_102})))
    (record,) = fields(tapped(tmp_path, MESSAGES["identify"][0], port=10_102, options=options))
    assert record["destination_port"] == 10_102


def test_a_broken_message_is_a_dead_letter(tmp_path: Path) -> None:
    payload = bytearray(MESSAGES["control"][0])
    payload[payload.index(OPERATE) - 1] = 0x7F
    (letter,) = tapped(tmp_path, bytes(payload))
    assert not isinstance(letter, Record)
    assert (letter.reason, letter.frame) == ("malformed", 1)
