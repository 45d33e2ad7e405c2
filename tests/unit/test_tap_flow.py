"""The tap on TCP itself: attempts to connect to control devices, and streams that say two things at one place."""

from pathlib import Path
from typing import Any

from ingest.source import Item, Record
from ingest.tap import Ports, TapOptions, read_capture
from schemas.records import FLOW
from schemas.wire import encode
from tests.unit.packets import ACK, MASTER, OUTSTATION, RST, START, SYN, Capture, Connection, dnp3, modbus

READ = modbus(1, b"\x03\x00\x00\x00\x01")


def read(capture: Capture, directory: Path, options: TapOptions | None = None) -> list[Item]:
    items = list(read_capture(capture.write(directory), "site-1", options))
    times = [item.fields["time"] for item in items if isinstance(item, Record)]
    assert times == sorted(times)
    for item in items:
        if isinstance(item, Record):
            encode(item.schema, item.fields)
    return items


def flows(items: list[Item]) -> list[dict[str, Any]]:
    return [item.fields for item in items if isinstance(item, Record) and item.schema is FLOW]


def test_a_connection_from_its_first_segments(tmp_path: Path) -> None:
    capture = Capture()
    connection = Connection(capture)
    connection.send(b"", flags=SYN)
    connection.send(b"", request=False, flags=SYN | ACK)
    connection.send(b"", flags=ACK)
    connection.send(READ)
    items = read(capture, tmp_path)
    assert len(items) == 2
    (flow,) = flows(items)
    assert flow == {
        "time": START,
        "site": "site-1",
        "source": MASTER,
        "source_port": 40_000,
        "destination": OUTSTATION,
        "destination_port": 502,
        "protocol": "tcp",
        "state": "established",
        "source_mac": "02:00:00:00:00:01",
        "duration_s": 0.001,
        "capture": "test.pcap",
        "frames": [1, 2],
    }


def test_attempts_and_what_becomes_of_them(tmp_path: Path) -> None:
    capture = Capture()
    ends = [Connection(capture, client_port=port, server_port=2404) for port in range(1, 6)]
    for connection in ends[:4]:
        connection.send(b"", flags=SYN)
    ends[0].send(b"", request=False, flags=RST | ACK)
    ends[1].send(b"", request=False, flags=SYN | ACK)
    ends[1].send(b"", request=False, again=True, flags=SYN | ACK)
    ends[1].send(b"", flags=RST)
    ends[2].sequence[True] -= 1
    ends[2].send(b"", flags=SYN, gap_us=1_000_000)
    ends[3].send(b"", flags=RST)
    ends[4].send(b"", request=False, flags=SYN | ACK)
    Connection(capture, client_port=9).send(READ, gap_us=20_000_000)
    found = {(f["source_port"], f["state"]): f["frames"] for f in flows(read(capture, tmp_path))}
    assert found == {
        (1, "rejected"): [1, 5],
        (2, "established"): [2, 6],
        (2, "reset"): [8],
        (3, "attempted"): [3, 9],
        (4, "attempted"): [4, 10],
        (5, "established"): [11],
    }


def test_other_ports_are_not_watched(tmp_path: Path) -> None:
    capture = Capture()
    for port in (80, 102, 20_000, 4712, 7777):
        Connection(capture, server_port=port).send(b"", flags=SYN)
    assert [f["destination_port"] for f in flows(read(capture, tmp_path))] == [102, 20_000, 4712]
    options = TapOptions(Ports(control=frozenset({7777}), dnp3=frozenset({80})))
    assert [f["destination_port"] for f in flows(read(capture, tmp_path, options))] == [80, 102, 7777]


def test_a_sweep_is_an_attempt_each(tmp_path: Path) -> None:
    capture = Capture()
    for host in range(1, 255):
        Connection(capture, client="10.0.0.66", server=f"10.0.1.{host}").send(b"", flags=SYN)
    found = flows(read(capture, tmp_path))
    assert len({f["destination"] for f in found}) == len(found) == 254
    assert {f["state"] for f in found} == {"attempted"}


def test_a_repetition_with_other_content_is_told(tmp_path: Path) -> None:
    capture = Capture()
    connection = Connection(capture, server_port=20_000)
    first, other = dnp3(b"\xc1\x01\x3c\x01\x06")[0], dnp3(b"\xc1\x01\x3c\x02\x06")[0]
    connection.send(first)
    connection.send(first, again=True)
    connection.send(other, again=True)
    connection.answer(dnp3(b"\xc1\x81\x00\x00", 10, 1, 0x44)[0])
    (flow,) = flows(read(capture, tmp_path))
    assert (flow["state"], flow["source"], flow["destination"], flow["frames"]) == (
        "inconsistent",
        MASTER,
        OUTSTATION,
        [1, 3],
    )


def test_repetitions_in_other_pieces_are_consistent(tmp_path: Path) -> None:
    capture = Capture()
    connection = Connection(capture, server_port=20_000)
    one, two = dnp3(b"\xc1\x01\x3c\x01\x06")[0], dnp3(b"\xc2\x01\x3c\x02\x06")[0]
    connection.send(one)
    connection.send(two)
    connection.send(one + two, again=True)
    connection.send((one + two)[9:], again=True)
    connection.sequence[True] -= 1
    connection.send(b"\x00", gap_us=1_000_000)  # a keep-alive probe carries nothing
    connection.sequence[True] += 90_000
    connection.send(one)  # after segments that the capture misses
    assert not flows(read(capture, tmp_path))
