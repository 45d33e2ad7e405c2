"""The tap on Modbus/TCP: captures made byte by byte, dissected by the real tshark."""

import struct
from pathlib import Path
from typing import Any

import pytest

from ingest.source import Item, Record, Refused
from ingest.tap import Ports, TapOptions, read_capture
from schemas.records import MODBUS
from schemas.wire import encode
from tests.unit.packets import MASTER, OUTSTATION, START, Capture, Connection, modbus


def tapped(capture: Capture, directory: Path, options: TapOptions | None = None) -> list[Item]:
    items = list(read_capture(capture.write(directory), "site-1", options))
    for item in items:
        if isinstance(item, Record):
            encode(item.schema, item.fields)
    return items


def records(items: list[Item]) -> list[dict[str, Any]]:
    return [item.fields for item in items if isinstance(item, Record)]


def refused(items: list[Item]) -> list[Refused]:
    return [item for item in items if isinstance(item, Refused)]


def registers(*values: int) -> bytes:
    return bytes([2 * len(values)]) + struct.pack(f">{len(values)}H", *values)


#: Function: request PDU, response PDU, what the record says of them.
TRANSACTIONS: dict[str, tuple[bytes, bytes, dict[str, Any]]] = {
    "read coils": (
        b"\x01\x00\x05\x00\x0a",
        b"\x01\x02\xcd\x02",
        {"function": 1, "address": 5, "quantity": 10, "response_values": [1, 0, 1, 1, 0, 0, 1, 1, 0, 1]},
    ),
    "read discrete inputs": (
        b"\x02\x00\x00\x00\x01",
        b"\x02\x01\x01",
        {"function": 2, "address": 0, "quantity": 1, "response_values": [1]},
    ),
    "read holding registers": (
        b"\x03\x00\x6b\x00\x03",
        b"\x03" + registers(555, 0, 65535),
        {"function": 3, "address": 107, "quantity": 3, "response_values": [555, 0, 65535]},
    ),
    "read input registers": (
        b"\x04\x00\x08\x00\x01",
        b"\x04" + registers(10),
        {"function": 4, "address": 8, "quantity": 1, "response_values": [10]},
    ),
    "write single coil": (
        b"\x05\x00\xac\xff\x00",
        b"\x05\x00\xac\xff\x00",
        {"function": 5, "address": 172, "quantity": 1, "request_values": [1], "response_values": [1]},
    ),
    "write single coil with an illegal value": (
        b"\x05\x00\xac\x12\x34",
        b"\x85\x03",
        {"function": 5, "address": 172, "request_values": [0x1234], "response_values": None, "exception": 3},
    ),
    "write single register": (
        b"\x06\x00\x01\x00\x03",
        b"\x06\x00\x01\x00\x03",
        {"function": 6, "address": 1, "quantity": 1, "request_values": [3], "response_values": [3]},
    ),
    "diagnostics": (b"\x08\x00\x04\x00\x00", b"\x88\x0b", {"function": 8, "subfunction": 4, "exception": 11}),
    "write multiple coils": (
        b"\x0f\x00\x13\x00\x0a\x02\xcd\x01",
        b"\x0f\x00\x13\x00\x0a",
        {
            "function": 15,
            "address": 19,
            "quantity": 10,
            "request_values": [1, 0, 1, 1, 0, 0, 1, 1, 1, 0],
            "response_values": None,
        },
    ),
    "write multiple registers": (
        b"\x10\x00\x01\x00\x02" + registers(10, 258),
        b"\x10\x00\x01\x00\x02",
        {"function": 16, "address": 1, "quantity": 2, "request_values": [10, 258], "response_values": None},
    ),
    "mask write register": (
        b"\x16\x00\x04\x00\xf2\x00\x25",
        b"\x16\x00\x04\x00\xf2\x00\x25",
        {"function": 22, "address": 4, "and_mask": 0xF2, "or_mask": 0x25},
    ),
    "read and write multiple registers": (
        b"\x17\x00\x03\x00\x02\x00\x0e\x00\x01" + registers(255),
        b"\x17" + registers(254, 2765),
        {
            "function": 23,
            "address": 3,
            "quantity": 2,
            "write_address": 14,
            "request_values": [255],
            "response_values": [254, 2765],
        },
    ),
    "read device identification": (
        b"\x2b\x0e\x01\x00",
        b"\x2b\x0e\x01\x01\x00\x00\x01\x00\x02Gw",
        {"function": 43, "mei_type": 14},
    ),
    "a user-defined function": (b"\x41\x01\x02", b"\xc1\x01", {"function": 65, "exception": 1}),
}


@pytest.mark.parametrize("name", TRANSACTIONS)
def test_a_transaction_of_each_function(name: str, tmp_path: Path) -> None:
    request, response, expected = TRANSACTIONS[name]
    capture = Capture()
    connection = Connection(capture)
    connection.send(modbus(7, request, unit=3))
    connection.answer(modbus(7, response, unit=3), gap_us=2_500)
    (record,) = records(tapped(capture, tmp_path))
    common = {
        "time": START,
        "site": "site-1",
        "client": MASTER,
        "client_port": 40_000,
        "server": OUTSTATION,
        "server_port": 502,
        "transaction": 7,
        "unit": 3,
        "requested": True,
        "responded": True,
        "latency_ms": 2.5,
        "capture": "test.pcap",
        "frames": [1, 2],
    }
    assert record == record | common | expected
    assert record["exception"] == expected.get("exception")


READ, READ_ANSWER = b"\x03\x00\x00\x00\x01", b"\x03" + registers(9)


def test_several_pdus_in_one_segment_and_one_pdu_over_three(tmp_path: Path) -> None:
    capture = Capture()
    connection = Connection(capture)
    long = modbus(3, b"\x10\x00\x00\x00\x64" + registers(*range(100)))
    connection.send(modbus(1, READ) + modbus(2, READ) + long[:20])
    connection.send(long[20:150])
    connection.send(long[150:])
    connection.answer(modbus(2, READ_ANSWER) + modbus(1, READ_ANSWER))
    found = {r["transaction"]: r for r in records(tapped(capture, tmp_path))}
    assert (found[1]["frames"], found[2]["frames"], found[3]["frames"]) == ([1, 4], [1, 4], [1, 2, 3])
    assert found[3]["request_values"] == list(range(100))
    assert found[1]["response_values"] == [9]


def test_either_side_alone_and_records_in_order_of_time(tmp_path: Path) -> None:
    capture = Capture()
    connection = Connection(capture)
    connection.send(modbus(1, READ))
    connection.answer(modbus(9, READ_ANSWER))
    connection.send(modbus(2, READ), gap_us=1_000_000)
    connection.answer(modbus(2, READ_ANSWER))
    connection.answer(modbus(1, READ_ANSWER), gap_us=11_000_000)
    found = records(tapped(capture, tmp_path))
    assert [(r["transaction"], r["requested"], r["responded"], r["frames"]) for r in found] == [
        (1, True, False, [1]),
        (9, False, True, [2]),
        (2, True, True, [3, 4]),
        (1, False, True, [5]),
    ]
    assert [r["time"] for r in found] == sorted(r["time"] for r in found)


def test_a_retransmission_belongs_to_its_transaction(tmp_path: Path) -> None:
    capture = Capture()
    connection = Connection(capture)
    connection.send(modbus(1, READ))
    connection.send(modbus(1, READ), again=True)
    connection.answer(modbus(1, READ_ANSWER))
    connection.send(modbus(2, READ), gap_us=10_000)
    connection.answer(modbus(1, READ_ANSWER), again=True)  # type: ignore[call-arg]
    items = tapped(capture, tmp_path)
    first, second = records(items)
    assert first["frames"] == [1, 2, 3, 5]
    assert second["frames"] == [4]
    assert not refused(items)


def test_a_late_retransmission_is_a_dead_letter_that_names_the_frame(tmp_path: Path) -> None:
    capture = Capture()
    connection = Connection(capture)
    connection.send(modbus(1, READ))
    connection.answer(modbus(1, READ_ANSWER))
    connection.send(modbus(2, READ), gap_us=60_000_000)
    connection.answer(modbus(1, READ_ANSWER), again=True)  # type: ignore[call-arg]
    (letter,) = refused(tapped(capture, tmp_path))
    assert (letter.reason, letter.frame, letter.capture) == ("retransmission", 4, "test.pcap")
    assert letter.content == modbus(1, READ_ANSWER)


@pytest.mark.parametrize(
    ("payload", "reason", "detail"),
    [
        (modbus(1, READ, protocol=5), "malformed", "MBAP protocol identifier 5"),
        (modbus(1, READ, length=3), "malformed", "mbtcp: malformed packet"),
        (modbus(1, READ, length=1), "malformed", "MBAP length 1"),
        (modbus(1, READ, length=200), "not dissected", "no PDU ends in this segment"),
        (modbus(1, b"\x16\x00\x04\x00"), "malformed", "mbtcp: malformed packet"),
        (b"\x00\x01\x00", "malformed", "3 bytes are shorter than any PDU"),
        (b"GET / HTTP/1.1\r\n\r\n", "malformed", "MBAP protocol identifier 21536"),
    ],
)
def test_what_is_no_modbus_is_a_dead_letter(payload: bytes, reason: str, detail: str, tmp_path: Path) -> None:
    capture = Capture()
    Connection(capture).send(payload)
    (letter,) = refused(tapped(capture, tmp_path))
    assert (letter.reason, letter.detail, letter.frame, letter.time) == (reason, detail, 1, START)
    assert letter.content == payload


def test_other_ports_are_read_when_named(tmp_path: Path) -> None:
    capture = Capture()
    connection = Connection(capture, server_port=5020)
    connection.send(modbus(1, READ))
    connection.answer(modbus(1, READ_ANSWER))
    assert tapped(capture, tmp_path) == []
    (record,) = records(tapped(capture, tmp_path, TapOptions(Ports(modbus=frozenset({502, 5020})))))
    assert (record["server_port"], record["responded"], record["response_values"]) == (5020, True, [9])


def test_acknowledgements_and_probes_carry_nothing(tmp_path: Path) -> None:
    capture = Capture()
    connection = Connection(capture)
    connection.send(modbus(1, READ))
    connection.answer(modbus(1, READ_ANSWER))
    connection.send(b"")
    connection.sequence[True] -= 1
    connection.send(b"\x00", gap_us=1_000_000)
    items = tapped(capture, tmp_path)
    assert (len(records(items)), refused(items)) == (1, [])


def test_every_frame_with_payload_is_accounted_for(tmp_path: Path) -> None:
    capture = Capture()
    connection = Connection(capture)
    for number in range(200):
        connection.send(modbus(number, READ)[: None if number % 7 else 9])
        if number % 3:
            connection.answer(modbus(number, READ_ANSWER), again=False)  # type: ignore[call-arg]
    items = tapped(capture, tmp_path)
    named = {n for r in records(items) for n in r["frames"]} | {r.frame for r in refused(items)}
    assert named == set(range(1, len(capture.frames) + 1))
    assert all(item.schema is MODBUS for item in items if isinstance(item, Record))
