"""The tap on DNP3: captures made byte by byte, dissected by the real tshark."""

import struct
from pathlib import Path
from typing import Any

import pytest

from ingest.source import Item, Record, Refused
from ingest.tap import Ports, TapOptions, read_capture
from schemas.records import DNP3
from schemas.wire import encode
from tests.unit.packets import MASTER, OUTSTATION, START, Capture, Connection, dnp3, dnp3_link, ethernet, ip, udp

RESPONDS = 0x44
SELECT_TRIP = b"\x0c\x01\x28\x01\x00\x05\x00\x81\x01\x64\x00\x00\x00\x64\x00\x00\x00\x00"


def tapped(directory: Path, *payloads: bytes, port: int = 20_000, options: TapOptions | None = None) -> list[Item]:
    capture = Capture()
    connection = Connection(capture, server_port=port)
    for payload in payloads:
        connection.send(payload)
    return read(capture, directory, options)


def read(capture: Capture, directory: Path, options: TapOptions | None = None) -> list[Item]:
    items = list(read_capture(capture.write(directory), "site-1", options))
    for item in items:
        if isinstance(item, Record):
            encode(item.schema, item.fields)
    return items


def fields(items: list[Item]) -> list[dict[str, Any]]:
    assert all(isinstance(item, Record) and item.schema is DNP3 for item in items)
    return [item.fields for item in items if isinstance(item, Record)]


def test_every_field_of_a_select(tmp_path: Path) -> None:
    (record,) = fields(tapped(tmp_path, *dnp3(b"\xc3\x03" + SELECT_TRIP)))
    assert record == {
        "time": START,
        "site": "site-1",
        "source": MASTER,
        "source_port": 40_000,
        "destination": OUTSTATION,
        "destination_port": 20_000,
        "source_mac": "02:00:00:00:00:01",
        "destination_mac": "01:0c:cd:01:00:01",
        "ttl": 64,
        "link_source": 1,
        "link_destination": 10,
        "from_master": True,
        "primary": True,
        "link_function": 4,
        "checksum_ok": True,
        "function": 3,
        "response": False,
        "sequence": 3,
        "unsolicited": False,
        "iin1": None,
        "iin2": None,
        "groups": [12],
        "variations": [1],
        "points": [5],
        "operations": [1],
        "trips": [2],
        "statuses": [0],
        "capture": "test.pcap",
        "frames": [1],
    }


#: Fragment: what the record says of it.
MESSAGES: dict[str, tuple[bytes, dict[str, Any]]] = {
    "read of the classes": (
        b"\xc1\x01\x3c\x02\x06\x3c\x03\x06\x3c\x04\x06\x3c\x01\x06",
        {"function": 1, "groups": [60] * 4, "variations": [2, 3, 4, 1]},
    ),
    "write of the time": (b"\xc2\x02\x32\x01\x07\x01" + bytes(6), {"function": 2, "groups": [50], "variations": [1]}),
    "direct operate of two relays": (
        b"\xc4\x05\x0c\x01\x17\x02\x07\x03\x01" + bytes(8) + b"\x00\x09\x44\x01" + bytes(8) + b"\x04",
        {"function": 5, "points": [7, 9], "operations": [3, 4], "trips": [0, 1], "statuses": [0, 4]},
    ),
    "operate of an analogue output": (
        b"\xc4\x04\x29\x01\x28\x01\x00\x02\x01\x39\x30\x00\x00\x00",
        {"function": 4, "groups": [41], "points": [258], "operations": [-1], "trips": [-1], "statuses": [0]},
    ),
    "cold restart": (b"\xc5\x0d", {"function": 13, "groups": None}),
    "disable unsolicited": (b"\xc6\x15\x3c\x02\x06", {"function": 21, "groups": [60], "variations": [2]}),
    "confirm of an unsolicited response": (b"\xd7\x00", {"function": 0, "unsolicited": True, "sequence": 7}),
    "a function that is none": (b"\xc8\x46", {"function": 70}),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_requests(name: str, tmp_path: Path) -> None:
    fragment, expected = MESSAGES[name]
    (record,) = fields(tapped(tmp_path, *dnp3(fragment)))
    assert record | {"response": False, "from_master": True} == record
    assert {key: record.get(key) for key in expected} == expected


def test_responses(tmp_path: Path) -> None:
    capture = Capture()
    connection = Connection(capture, server_port=20_000)
    for fragment in (
        b"\xc1\x81\x90\x06",
        b"\xf2\x82\x00\x00\x02\x01\x17\x01\x03\x81",
        b"\xc3\x81\x00\x00" + SELECT_TRIP,
    ):
        connection.answer(dnp3(fragment, 10, 1, RESPONDS)[0])
    refuses, reports, confirms = fields(read(capture, tmp_path))
    assert (refuses["iin1"], refuses["iin2"], refuses["response"], refuses["from_master"]) == (0x90, 6, True, False)
    assert (reports["function"], reports["unsolicited"], reports["groups"], reports.get("points")) == (
        130,
        True,
        [2],
        None,
    )
    assert (confirms["points"], confirms["trips"], confirms["statuses"]) == ([5], [2], [0])


def test_many_points_keep_their_order(tmp_path: Path) -> None:
    points = b"".join(struct.pack("<HBBIIB", index, 0x41, 1, 100, 100, 0) for index in range(300))
    fragment = b"\xc1\x05\x0c\x01\x28" + struct.pack("<H", 300) + points
    (record,) = fields(tapped(tmp_path, *dnp3(fragment)))
    assert record["points"] == list(range(300))
    assert record["operations"] == [1] * 300
    assert record["frames"] == list(range(1, 17))


def test_messages_share_and_split_segments(tmp_path: Path) -> None:
    read_request = dnp3(b"\xc1\x01\x3c\x01\x06")[0]
    response = dnp3(b"\xc1\x81\x00\x00\x1e\x03\x01\x00\x00\x77\x00" + bytes(480), 10, 1, RESPONDS)
    assert len(response) == 2
    capture = Capture()
    connection = Connection(capture, server_port=20_000)
    connection.send(read_request + dnp3(b"\xc2\x17")[0])
    connection.answer(response[0][:100])
    connection.answer(response[0][100:] + response[1][:30])
    connection.answer(response[1][30:] + dnp3(b"\xc2\x81\x00\x00", 10, 1, RESPONDS)[0])
    found = fields(read(capture, tmp_path))
    assert [(r["function"], r["sequence"], r["frames"]) for r in found] == [
        (1, 1, [1]),
        (23, 2, [1]),
        (129, 1, [2, 3, 4]),
        (129, 2, [4]),
    ]


def test_link_frames_without_a_message_are_records(tmp_path: Path) -> None:
    (record,) = fields(tapped(tmp_path, dnp3_link(b"", control=0xC9)))
    assert (record["primary"], record["link_function"], record.get("function")) == (True, 9, None)
    assert (record["link_source"], record["link_destination"]) == (1, 10)


def test_a_wrong_checksum_of_data_is_a_record_without_a_message(tmp_path: Path) -> None:
    frame = bytearray(dnp3(b"\xc1\x05" + SELECT_TRIP)[0])
    frame[20] ^= 0xFF
    (record,) = fields(tapped(tmp_path, bytes(frame)))
    assert (record["checksum_ok"], record.get("function"), record["link_source"]) == (False, None, 1)


@pytest.mark.parametrize(
    ("payload", "reason", "detail"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "malformed", "no start octets 05 64 but 47 45"),
        (dnp3_link(b"")[:8] + b"\0\0", "malformed", "wrong checksum of the link header"),
        (b"\x05\x64\x04\xc4" + bytes(6), "malformed", "link length 4"),
        (dnp3_link(b"\x40\xc1\x81" + bytes(20)), "not dissected", "part of a DNP3 message whose end was not seen"),
        (dnp3(b"\xc1\x01\x3c\x01\x06")[0][:-3], "not dissected", "no PDU ends in this segment"),
        (dnp3(b"\xc4\x05\x0c\x01\x28\x02\x00\x05\x00\x03\x01" + bytes(9))[0], "malformed", "dnp3: malformed packet"),
    ],
)
def test_what_is_no_message_is_a_dead_letter(payload: bytes, reason: str, detail: str, tmp_path: Path) -> None:
    (letter,) = tapped(tmp_path, payload)
    assert isinstance(letter, Refused)
    assert (letter.reason, letter.detail, letter.frame, letter.time) == (reason, detail, 1, START)
    assert letter.content == payload


def test_datagrams_and_other_ports(tmp_path: Path) -> None:
    capture = Capture()
    request = dnp3(b"\xc1\x01\x3c\x01\x06")[0]
    capture.add(ethernet(ip(MASTER, OUTSTATION, udp(40_001, 20_000, request), protocol=17)))
    Connection(capture, server_port=30_000).send(request)
    found = fields(read(capture, tmp_path, TapOptions(Ports(dnp3=frozenset({20_000, 30_000})))))
    assert [(r["source_port"], r["destination_port"]) for r in found] == [(40_001, 20_000), (40_000, 30_000)]


def test_every_frame_with_payload_is_accounted_for(tmp_path: Path) -> None:
    capture = Capture()
    connection = Connection(capture, server_port=20_000)
    long = dnp3(b"\xc1\x81\x00\x00\x1e\x03\x01\x00\x00\xb1\x00" + bytes(712), 10, 1, RESPONDS)
    for number in range(60):
        connection.send(dnp3(b"\xc1\x01\x3c\x01\x06")[0][: None if number % 7 else 9])
        for part in long[: None if number % 5 else 2]:
            connection.answer(part[:70])
            connection.answer(part[70:])
    items = read(capture, tmp_path)
    named = {n for r in items if isinstance(r, Record) for n in r.fields["frames"]}
    named |= {r.frame for r in items if isinstance(r, Refused) and r.frame}
    assert named == set(range(1, len(capture.frames) + 1))
