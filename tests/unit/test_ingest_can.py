"""CAN frames from candump text and from a python-can bus."""

import io
from pathlib import Path
from typing import Any

import can
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.can import read_bus, read_candump
from ingest.lines import open_text
from ingest.source import Record, Refused
from schemas.records import CAN_FRAME
from schemas.wire import encode


def frames(text: str, **arguments: Any) -> list[Any]:
    return list(read_candump(io.BytesIO(text.encode()), "truck", "f.log", **arguments))


def frame(text: str, **arguments: Any) -> dict[str, Any]:
    (item,) = frames(text, **arguments)
    assert isinstance(item, Record), item
    encode(CAN_FRAME, item.fields)
    return item.fields


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "(1436509052.249713) vcan0 044#2A366C2B",
            {"time": 1436509052249713, "channel": "vcan0", "can_id": 0x44, "extended": False, "data": b"*6l+"},
        ),
        ("(0.5) can0 110#02202e1300181300 False\tTrue", {"time": 500000, "can_id": 0x110, "dlc": 8}),
        ("(0.0) can0 1ABCDEF0#", {"can_id": 0x1ABCDEF0, "extended": True, "dlc": 0, "data": b""}),
        ("(0.0) can0 123#R4", {"remote": True, "dlc": 4, "data": b""}),
        ("(0.0) can0 123#R", {"remote": True, "dlc": 0}),
        ("(0.0) can0 20000004#0004000000000000", {"error": True, "can_id": 4, "extended": True}),
        ("(0.0) can0 123##1" + "AB" * 12, {"dlc": 12}),
        (
            " (000.005001)  can0  18FEDF00   [8]  8A A0 28 7D 7D FF FF F5",
            {"time": 5001, "can_id": 0x18FEDF00, "extended": True, "data": bytes.fromhex("8AA0287D7DFFFFF5")},
        ),
        (" (000.1)  can0  123   [0]", {"time": 100000, "dlc": 0, "extended": False}),
        (" (000.1)  can0  RX - -  123   [2]  41 42   'AB'", {"data": b"AB"}),
        (" (000.1)  can0  123   [3]  remote request", {"remote": True, "dlc": 3}),
        (" (000.1)  can0  20000080   [8]  00 00 00 00 00 00 00 00   ERRORFRAME", {"error": True, "can_id": 0x80}),
        (
            "1483093132.049669        0380    000    2    30 bb",
            {"time": 1483093132049669, "channel": "can7", "can_id": 0x380, "extended": False, "data": b"\x30\xbb"},
        ),
    ],
)
def test_every_style_of_candump(line: str, expected: dict[str, Any]) -> None:
    fields = frame(line + "\n", channel="can7")
    assert {name: fields[name] for name in expected} == expected
    assert fields["vehicle"] == "truck"
    assert (fields["capture"], fields["frames"]) == ("f.log", [1])


def test_a_log_that_counts_from_zero_is_given_its_begin() -> None:
    assert frame("(1.5) can0 123#", start=1_700_000_000_000_000)["time"] == 1_700_000_001_500_000


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("hello", "malformed"),
        ("(0.0) can0 1234#00", "malformed"),
        ("(0.0) can0 123#0", "length"),
        ("(0.0) can0 123#" + "00" * 9, "length"),
        ("(0.0) can0 123##0" + "00" * 65, "length"),
        ("(0.0) can0 123#RF", "length"),
        ("(0.0) can0 8FF#", "range"),
        ("(0.0) can0 FFFFFFFF#", "range"),
        (" (0.0)  can0  123   [8]  00", "length"),
        ("  can0  123   [1]  00", "no time"),
        ("(99999999999.0) can0 123#", "malformed"),
    ],
)
def test_a_bad_line_is_refused_and_the_next_one_read(line: str, reason: str) -> None:
    refused, good = frames(f"{line}\n(0.0) can0 123#\n")
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.frame) == (reason, 1)
    assert isinstance(good, Record)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("can_j1939/normal.log.gz", 19957),
        ("can_j1939/dos_1ms.log.gz", 28074),
        ("can_j1939/fuzz_1ms_ID_Only.log.gz", 28393),
        ("can_crysys/S-1-1-benign.log.gz", 17935),
        ("can_crysys/S-1-1-malicious-CONST-msg-mod-0x410-0.4-0.6.log.gz", 17935),
        ("can_crysys/trace48_benign.csv.gz", 34894),
    ],
)
def test_published_logs_are_read_to_the_last_line(shared_data: Path, name: str, lines: int) -> None:
    with open_text(shared_data / name) as stream:
        items = list(read_candump(stream, "v", name))
    assert len(items) == lines
    assert not [item for item in items if isinstance(item, Refused)]


def test_frames_of_a_bus() -> None:
    messages = [
        can.Message(timestamp=1.5, arbitration_id=0x123, is_extended_id=False, data=b"\x01\x02"),
        can.Message(timestamp=2.0, arbitration_id=0x18FEDF00, is_extended_id=True, data=b""),
        can.Message(timestamp=2.5, arbitration_id=0x7, is_extended_id=False, is_remote_frame=True, dlc=3),
    ]
    sender = can.Bus(interface="virtual", channel="test_frames_of_a_bus", preserve_timestamps=True)
    receiver = can.Bus(interface="virtual", channel="test_frames_of_a_bus")
    for message in messages:
        sender.send(message)
    items = list(read_bus(receiver, "car", "can1", stop=lambda: True, wait_s=0.01))
    sender.shutdown()
    assert [item.fields["can_id"] for item in items if isinstance(item, Record)] == [0x123, 0x18FEDF00, 7]
    first, second, third = (item.fields for item in items if isinstance(item, Record))
    assert (first["time"], first["data"], first["channel"], first["vehicle"]) == (1_500_000, b"\x01\x02", "can1", "car")
    assert second["extended"]
    assert (third["remote"], third["dlc"], third["data"]) == (True, 3, b"")
    for fields in (first, second, third):
        encode(CAN_FRAME, fields)


@settings(max_examples=500, deadline=None)
@given(
    st.text("0123456789ABCDEFabcdef#R. []()\tcan-", max_size=60)
    | st.from_regex(r"\(0\.0\) can0 [0-9A-F]{3,9}#{0,3}[0-9A-FR.]{0,20}", fullmatch=True)
)
def test_mutated_lines_never_raise(text: str) -> None:
    for item in frames(text):
        if isinstance(item, Record):
            encode(CAN_FRAME, item.fields)
