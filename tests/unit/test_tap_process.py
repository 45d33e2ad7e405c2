"""Running tshark: damaged files, faults with their remedy, the bounds of the output, and a live interface."""

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

import psutil
import pytest
from pymodbus.client import ModbusTcpClient
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from ingest.source import Item, Record, Refused
from ingest.tap import Ports, TapOptions, read_capture, read_interface
from ingest.tap.blocks import Blocks
from schemas.errors import RunFault
from tests.unit.packets import Capture, Connection, modbus

READ = modbus(1, b"\x03\x00\x00\x00\x01")


def a_capture(frames: int = 4) -> Capture:
    capture = Capture()
    connection = Connection(capture)
    for _ in range(frames):
        connection.send(READ)
    return capture


def test_a_file_that_breaks_off_yields_what_it_holds_and_one_dead_letter(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    path.write_bytes(a_capture().bytes()[:-5])
    *before, last = read_capture(path, "s")
    assert [item.fields["frames"] for item in before if isinstance(item, Record)] == [[1], [2], [3]]
    assert isinstance(last, Refused)
    assert (last.reason, last.capture) == ("damaged capture", "cut.pcap")
    assert "cut short" in last.detail


def test_a_file_that_turns_to_nonsense_yields_what_it_holds_and_one_dead_letter(tmp_path: Path) -> None:
    path = tmp_path / "bad.pcap"
    path.write_bytes(a_capture(20).bytes() + b"\xff" * 100)
    items = list(read_capture(path, "s"))
    assert [isinstance(item, Record) for item in items] == [True] * 20 + [False]


def test_an_absent_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(RunFault, match=r"doesn't exist.*absent\.pcap.*pcapng"):
        list(read_capture(tmp_path / "absent.pcap", "s"))


def test_an_absent_tshark_is_a_fault_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(RunFault, match=r"cannot run no-tshark.*install tshark"):
        list(read_capture(a_capture().write(tmp_path), "s", TapOptions(tshark="no-tshark")))


def test_leaving_early_ends_tshark(tmp_path: Path) -> None:
    me = psutil.Process()
    others = set(me.children())
    items = read_capture(a_capture(2_000).write(tmp_path), "s")
    next(items)
    own = set(me.children()) - others
    assert own
    items.close()  # type: ignore[attr-defined]
    assert not own & set(me.children())


def test_a_users_preferences_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home" / ".config" / "wireshark"
    home.mkdir(parents=True)
    (home / "preferences").write_text("mbtcp.tcp.port: 9\n")
    (home / "disabled_protos").write_text("mbtcp\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WIRESHARK_CONFIG_DIR", str(home))
    assert len(list(read_capture(a_capture().write(tmp_path), "s"))) == 4


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_blocks_are_cut_wherever_the_output_is_split(size: int) -> None:
    output = b'[\n  {\n    "a": "}\\n  }"\n  },\n  {\n    "b": {\n    }\n  }\n\n]\n'
    blocks = Blocks()
    found = [block for at in range(0, len(output), size) for block in blocks.feed(output[at : at + size])]
    assert found == [b'  {\n    "a": "}\\n  }"\n  }', b'  {\n    "b": {\n    }\n  }']


@pytest.mark.parametrize("size", [1, 16, 4096])
def test_an_oversized_block_is_passed_over(size: int) -> None:
    output = b"[\n  {\n" + b"x" * 500 + b"\n  },\n  {\n  }\n]"
    blocks = Blocks(max_block=100)
    found = [block for at in range(0, len(output), size) for block in blocks.feed(output[at : at + size])]
    assert found == [None, b"  {\n  }"]


def test_an_interface_that_is_not_there_is_a_fault() -> None:
    with pytest.raises(RunFault, match=r"no device named.*interface no-such-interface.*dumpcap -D"):
        list(read_interface("no-such-interface", "s"))


@contextmanager
def outstation() -> Iterator[int]:
    """A real Modbus server on loopback; yields its port."""
    up, ports = threading.Event(), []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        registers = [SimData(0, values=[7] * 16, datatype=DataType.REGISTERS)]
        coils = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
        server = ModbusTcpServer(SimDevice(1, (coils, coils, registers, registers)), address=("127.0.0.1", 0))
        await server.serve_forever(background=True)
        transport: Any = server.transport
        ports.append(transport.sockets[0].getsockname()[1])
        up.set()
        await stop.wait()
        await server.shutdown()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert up.wait(10)
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="capturing needs root")
def test_a_real_exchange_on_loopback() -> None:
    with outstation() as port:
        options = TapOptions(Ports(modbus=frozenset({port})), capture_filter=f"tcp port {port}")
        got: Queue[Item] = Queue()
        enough = threading.Event()

        def listen() -> None:
            source = read_interface("lo", "site-1", options)
            for item in source:
                got.put(item)
                if enough.is_set():
                    break
            source.close()  # type: ignore[attr-defined]

        listener = threading.Thread(target=listen)
        listener.start()
        client = ModbusTcpClient("127.0.0.1", port=port)
        assert client.connect()
        deadline = time.monotonic() + 30
        # The capture comes up by itself: ask until the first answer shows.
        while got.empty() and time.monotonic() < deadline:
            client.read_holding_registers(3, count=2, device_id=1)
        client.write_register(4, 99, device_id=1)
        wrote = None
        while wrote is None:
            item = got.get(timeout=30)
            assert isinstance(item, Record)
            assert item.fields["responded"]
            wrote = item.fields if item.fields["function"] == 6 else None
        enough.set()
        client.read_coils(0, count=1, device_id=1)
        listener.join(30)
        client.close()
        assert not listener.is_alive()
    assert (wrote["server_port"], wrote["address"], wrote["request_values"]) == (port, 4, [99])
    assert wrote["capture"] is None
    assert wrote["frames"][0] < wrote["frames"][1]
