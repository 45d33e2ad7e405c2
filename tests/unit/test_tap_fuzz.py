"""Whatever comes, the tap yields records that fit their schema and dead letters, and raises nothing but faults."""

import json
import random
import re
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.source import Item, Record, Refused, deadletter
from ingest.tap import TapOptions, read_capture
from ingest.tap.blocks import Blocks
from ingest.tap.decode import Decoder, decode_block
from ingest.tap.tshark import dissect_command
from schemas.records import DEADLETTER
from schemas.wire import encode
from tests.unit.packets import ACK, RST, SYN, Capture, Connection, address, asdu, dnp3, ethernet, i_format, modbus
from tests.unit.test_tap_dnp3 import MESSAGES, SELECT_TRIP
from tests.unit.test_tap_goose import message
from tests.unit.test_tap_iec104 import OBJECTS
from tests.unit.test_tap_mms import MESSAGES as MMS_MESSAGES
from tests.unit.test_tap_modbus import TRANSACTIONS


def everything() -> Capture:
    """A capture with each Modbus function, each IEC 104 type, some GOOSE, DNP3 and MMS, and attempts to connect."""
    capture = Capture()
    connection = Connection(capture)
    for number, (request, response, _) in enumerate(TRANSACTIONS.values()):
        connection.send(modbus(number, request))
        connection.answer(modbus(number, response))
    station = Connection(capture, server_port=2404)
    for number, (type_id, (elements, _)) in enumerate(OBJECTS.items()):
        station.answer(i_format(asdu(type_id, 3, address(number) + elements), send=number))
    for _ in range(3):
        capture.add(ethernet(message(), 0x88B8))
    outstation = Connection(capture, server_port=20_000)
    for fragment, _ in MESSAGES.values():
        outstation.send(dnp3(fragment)[0])
    for fragment in (
        b"\xc1\x81\x90\x06",
        b"\xf2\x82\x00\x00\x02\x01\x17\x01\x03\x81",
        b"\xc3\x81\x00\x00" + SELECT_TRIP,
    ):
        outstation.answer(dnp3(fragment, 10, 1, 0x44)[0])
    device = Connection(capture, server_port=102)
    for payload, _ in MMS_MESSAGES.values():
        device.send(payload)
    for port in (1, 2):
        attempt = Connection(capture, client_port=port)
        attempt.send(b"", flags=SYN)
        attempt.answer(b"", flags=(SYN if port == 1 else RST) | ACK)
    return capture


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """tshark's text of each frame."""
    path = everything().write(tmp_path_factory.mktemp("fuzz"))
    output = subprocess.run([*dissect_command(TapOptions()), "-r", path], capture_output=True, check=True).stdout
    found = [block for block in Blocks().feed(output) if block is not None]
    assert len(found) == len(everything().frames)
    return found


def check(items: list[Item]) -> None:
    for item in items:
        if isinstance(item, Record):
            encode(item.schema, item.fields)
        else:
            assert isinstance(item, Refused)
            encode(DEADLETTER, deadletter(item, "ingest tap", 0))


def flip(block: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(block))
    return block[:at] + bytes([rng.randrange(256)]) + block[at + 1 :]


def cut(block: bytes, rng: random.Random) -> bytes:
    a, b = sorted(rng.randrange(len(block)) for _ in range(2))
    return block[:a] + block[b:]


def double(block: bytes, rng: random.Random) -> bytes:
    a, b = sorted(rng.randrange(len(block)) for _ in range(2))
    return block[:b] + block[a:]


def value(block: bytes, rng: random.Random) -> bytes:
    """Another value in the place of one."""
    places = list(re.finditer(rb'": "([^"]*)"', block))
    if not places:
        return block
    begin, end = rng.choice(places).span(1)
    return block[:begin] + rng.choice(HOSTILE) + block[end:]


def line(block: bytes, rng: random.Random) -> bytes:
    """A line more or less."""
    lines = block.split(b"\n")
    at = rng.randrange(len(lines))
    return b"\n".join(lines[:at] + lines[at + 1 :] if rng.random() < 0.5 else [*lines[:at], lines[at], *lines[at:]])


HOSTILE = (
    b"",
    b"-1",
    b"9" * 400,
    b"0xffffffffffffffff",
    b"99999999999",
    b"nan",
    b"1e999",
    b"\\ud800",
    b"\\u0000",
    b"zz:zz",
    b"Feb 31, 2024 02:23:02.645999968 UTC",
    b"Mar 11, 99999 02:23:02 UTC",
    b"2024-13-11T99:23:02Z",
    "\u0660\u0661".encode(),
    b"ff:" * 3000 + b"ff",
)
MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (flip, cut, double, value, value, value, line)


def test_mutated_text_of_frames(blocks: list[bytes]) -> None:
    rng = random.Random(20_261_124)
    for in_order in (True, False):
        decoder = Decoder("s", "x.pcap", in_order=in_order, session=0 if in_order else 50)
        for _ in range(15_000):
            block = rng.choice(blocks)
            for _ in range(rng.randrange(1, 4)):
                block = rng.choice(MUTATIONS)(block, rng) or b"{"
            check(decoder.feed(block))
        check(decoder.finish())


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=500) | st.text(max_size=200).map(str.encode))
def test_any_bytes(block: bytes) -> None:
    (letter,) = decode_block(block, "s")
    assert isinstance(letter, Refused)
    check([letter])


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "_source",
                        "layers",
                        "frame",
                        "frame.number",
                        "mbtcp",
                        "modbus",
                        "goose",
                        "iec60870_104",
                        "dnp3",
                        "mms",
                        "tcp",
                    ]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=30,
    )
)
def test_any_json(tree: object) -> None:
    check(decode_block(json.dumps(tree).encode(), "s"))


def test_nesting_beyond_any_bound() -> None:
    check(decode_block(b'{"_source":' * 100_000, "s"))
    check(decode_block(b"[" * 100_000 + b"]" * 100_000, "s"))


@pytest.mark.parametrize("seed", range(20))
def test_mutated_captures(seed: int, tmp_path: Path) -> None:
    """Bytes of the packets change, and now and then those of the file's own headers."""
    rng = random.Random(seed)
    data = bytearray(everything().bytes())
    for _ in range(rng.randrange(1, 200)):
        data[rng.randrange(24, len(data))] = rng.randrange(256)
    if seed % 4 == 0:
        at = rng.randrange(24, len(data))
        data[at : at + 4] = struct.pack("<I", rng.choice((0, 0xFFFF_FFFF, 300_000)))
    path = tmp_path / "mutated.pcap"
    path.write_bytes(bytes(data[: len(data) - rng.randrange(50)]))
    check(list(read_capture(path, "s")))


SOURCES: dict[int, Callable[[random.Random, int], bytes]] = {
    502: lambda rng, number: modbus(number, rng.choice([request for request, _, _ in TRANSACTIONS.values()])),
    20_000: lambda rng, number: dnp3(rng.choice([fragment for fragment, _ in MESSAGES.values()]))[0],
}


@pytest.mark.parametrize("port", SOURCES)
def test_mutated_payloads_on_sound_frames(port: int, tmp_path: Path) -> None:
    """Only what the protocols carry changes, so that every packet reaches its dissector; nothing gets lost."""
    rng = random.Random(7)
    capture = Capture()
    for number in range(600):
        # A connection each: nonsense in one must not hide the next.
        connection = Connection(capture, client_port=10_000 + number, server_port=port)
        payload = bytearray(SOURCES[port](rng, number) * rng.randrange(1, 3))
        for _ in range(rng.randrange(3)):
            payload[rng.randrange(len(payload))] = rng.randrange(256)
        connection.send(bytes(payload[: rng.randrange(1, len(payload) + 1)]))
    items = list(read_capture(capture.write(tmp_path), "s"))
    check(items)
    named = {n for i in items if isinstance(i, Record) for n in i.fields["frames"]}
    named |= {i.frame for i in items if isinstance(i, Refused) and i.frame}
    assert named == set(range(1, 601))
