"""The Modbus poller against real servers on loopback."""

import asyncio
import math
import random
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from ingest.modbus_poll import PointMap, load_point_map, poll
from ingest.modbus_poll.backoff import Backoff
from ingest.modbus_poll.point_map import Device, Point
from ingest.modbus_poll.poller import DevicePoller
from ingest.modbus_poll.reads import MAX_REGISTERS, grouped, value_of
from ingest.source import Record
from schemas.errors import ConfigFault
from schemas.records import POINT
from schemas.wire import encode

HOST = "127.0.0.1"
POINTS: list[dict[str, Any]] = [
    {"name": "breaker", "kind": "coil", "address": 0},
    {"name": "earthed", "kind": "discrete", "address": 3},
    {"name": "setpoint", "kind": "holding", "address": 10, "scale": 0.1, "unit": "kV"},
    {"name": "current", "kind": "input", "address": 0, "type": "i16", "scale": 0.5, "unit": "A"},
    {"name": "energy", "kind": "input", "address": 1, "type": "u32"},
    {"name": "power", "kind": "input", "address": 3, "type": "f32", "unit": "MW"},
]
EXPECTED = {"breaker": 1.0, "earthed": 0.0, "setpoint": 20.0, "current": -2.0, "energy": 65538.0, "power": 1.5}


def device(port: int, **more: Any) -> Device:
    facts = {"name": "bay", "host": HOST, "port": port, "timeout_s": 0.3, "period_s": 0.01, "points": POINTS, **more}
    return Device.model_validate(facts)


def sim(action: Any = None) -> SimDevice:
    high, low = struct.unpack(">HH", struct.pack(">f", 1.5))
    registers = [65532, 1, 2, high, low]
    return SimDevice(
        1,
        (
            [SimData(0, values=[True, *[False] * 15], datatype=DataType.BITS)],
            [SimData(0, values=[False] * 16, datatype=DataType.BITS)],
            [SimData(10, values=[200], datatype=DataType.REGISTERS)],
            [SimData(0, values=registers, datatype=DataType.REGISTERS)],
        ),
        action=action,
    )


@asynccontextmanager
async def server(port: int = 0, action: Any = None) -> AsyncIterator[int]:
    serving = ModbusTcpServer(sim(action), address=(HOST, port))
    await serving.serve_forever(background=True)
    transport: Any = serving.transport
    try:
        yield transport.sockets[0].getsockname()[1]
    finally:
        await serving.shutdown()


def collect() -> tuple[list[dict[str, Any]], Callable[[Record], Any]]:
    got: list[dict[str, Any]] = []

    async def emit(record: Record) -> None:
        assert record.schema is POINT
        encode(POINT, record.fields)
        got.append(record.fields)

    return got, emit


def values(got: list[dict[str, Any]]) -> dict[str, Any]:
    return {fields["point"]: fields["value"] for fields in got}


def qualities(got: list[dict[str, Any]]) -> set[str]:
    return {fields["quality"] for fields in got}


def poller(target: Device) -> DevicePoller:
    return DevicePoller("site-1", target, clock=lambda: 42, seed=1)


def test_every_kind_and_type_is_read() -> None:
    async def scene() -> None:
        async with server() as port:
            got, emit = collect()
            await poller(device(port)).poll(emit)
            assert values(got) == EXPECTED
            assert qualities(got) == {"good"}
            assert {(f["site"], f["device"], f["time"]) for f in got} == {("site-1", "bay", 42)}
            assert {f["point"]: f["unit"] for f in got}["current"] == "A"

    asyncio.run(scene())


def test_a_server_that_goes_away_and_comes_back() -> None:
    async def scene() -> None:
        async with server() as port:
            got, emit = collect()
            polling = poller(device(port, reconnect_s=0.001, reconnect_max_s=0.002))
            await polling.poll(emit)
            assert qualities(got) == {"good"}
        got.clear()
        await polling.poll(emit)
        assert qualities(got) == {"disconnected"}
        assert set(values(got).values()) == {None}
        assert len(got) == len(POINTS)
        async with server(port):
            while "good" not in qualities(got):
                got.clear()
                await polling.poll(emit)
                await asyncio.sleep(0)
            assert values(got) == EXPECTED

    asyncio.run(scene())


def test_an_exception_concerns_its_request_alone() -> None:
    async def refuse(function: int, *_: Any) -> ExcCodes | None:
        return ExcCodes.DEVICE_BUSY if function == 4 else None

    async def scene() -> None:
        async with server(action=refuse) as port:
            got, emit = collect()
            await poller(device(port)).poll(emit)
            by_quality = {f["point"]: f["quality"] for f in got}
            assert {name for name, quality in by_quality.items() if quality == "exception"} == {
                "current",
                "energy",
                "power",
            }
            assert values(got)["setpoint"] == 20.0

    asyncio.run(scene())


def test_a_wrong_address_costs_its_neighbours_one_poll() -> None:
    async def scene() -> None:
        async with server() as port:
            got, emit = collect()
            wrong = {"name": "ghost", "kind": "input", "address": 5}
            polling = poller(device(port, points=[*POINTS, wrong]))
            await polling.poll(emit)
            assert {f["point"] for f in got if f["quality"] == "exception"} == {"current", "energy", "power", "ghost"}
            got.clear()
            await polling.poll(emit)
            assert {f["point"] for f in got if f["quality"] == "exception"} == {"ghost"}

    asyncio.run(scene())


def test_a_device_that_does_not_answer_times_out_once_a_poll() -> None:
    async def scene() -> None:
        connections = 0

        async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            await reader.read(1000)
            await reader.read()
            writer.close()

        listening = await asyncio.start_server(mute, HOST, 0)
        port = listening.sockets[0].getsockname()[1]
        got, emit = collect()
        polling = poller(device(port, timeout_s=0.05))
        await polling.poll(emit)
        await polling.poll(emit)
        assert qualities(got) == {"timeout"}
        assert len(got) == 2 * len(POINTS)
        assert connections == 2
        listening.close()

    asyncio.run(scene())


def test_hostile_answers_are_no_values() -> None:
    noise = random.Random(7)

    async def scene() -> None:
        async def hostile(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while request := await reader.read(260):
                body = bytes(noise.randrange(256) for _ in range(noise.randrange(1, 40)))
                head = request[:4] + struct.pack(">H", len(body) + 1) + request[6:7]
                writer.write(noise.choice([head + body, head + request[7:8] + body, body, head[:5]]))

        listening = await asyncio.start_server(hostile, HOST, 0)
        got, emit = collect()
        polling = poller(device(listening.sockets[0].getsockname()[1], timeout_s=0.01))
        for _ in range(30):
            await polling.poll(emit)
        assert len(got) == 30 * len(POINTS)
        assert qualities(got) <= {"good", "timeout", "exception", "disconnected"}
        assert all((f["value"] is None) == (f["quality"] != "good") for f in got)
        listening.close()

    asyncio.run(scene())


def test_many_devices_through_the_source_until_it_is_closed() -> None:
    async def scene() -> None:
        async with server() as first, server() as second:
            points = PointMap(
                site="s", devices=(device(first, name="a"), device(second, name="b"), device(1, name="absent"))
            )

            def consume() -> dict[tuple[str, str], Any]:
                seen: dict[tuple[str, str], Any] = {}
                with closing(poll(points, clock=lambda: 1, limit=4)) as source:  # type: ignore[type-var]
                    for item in source:
                        assert isinstance(item, Record)
                        seen[item.fields["device"], item.fields["point"]] = item.fields["value"]
                        if len(seen) == 3 * len(POINTS):
                            return seen
                raise AssertionError("the source ended by itself")

            seen = await asyncio.to_thread(consume)
            for name in ("a", "b"):
                assert {point: value for (dev, point), value in seen.items() if dev == name} == EXPECTED
            assert {value for (dev, _), value in seen.items() if dev == "absent"} == {None}

    asyncio.run(scene())


def test_the_source_closes_also_in_the_moment_of_an_answer() -> None:
    async def scene() -> None:
        async with server() as port:
            busy = PointMap(site="s", devices=tuple(device(port, name=str(n), period_s=0.001) for n in range(6)))

            def open_and_close(records: int) -> None:
                with closing(poll(busy)) as source:  # type: ignore[type-var]
                    for _ in range(records):
                        next(source)

            for records in range(20, 60):
                await asyncio.to_thread(open_and_close, records)

    asyncio.run(scene())


def test_back_off_doubles_up_to_its_limit_and_starts_over() -> None:
    backoff = Backoff(1, 8, "seed")
    waits = [backoff.wait_s() for _ in range(6)]
    for wait, longest in zip(waits, [1, 2, 4, 8, 8, 8], strict=True):
        assert longest / 2 <= wait <= longest
    assert waits == [again.wait_s() for again in [Backoff(1, 8, "seed")] for _ in range(6)]
    backoff.reset()
    assert backoff.wait_s() <= 1


@given(
    st.lists(
        st.builds(
            Point,
            name=st.just("p"),
            kind=st.sampled_from(["holding", "input"]),
            address=st.integers(0, 400),
            type=st.sampled_from(["u16", "u32"]),
        ),
        max_size=40,
    )
)
@settings(deadline=None)
def test_groups_read_all_points_and_nothing_else(points: list[Point]) -> None:
    reads = grouped(tuple(points))
    assert sum(len(read.points) for read in reads) == len(points)
    for read in reads:
        assert read.count <= MAX_REGISTERS
        wanted = {p.address + i for p in read.points for i in range(p.width)}
        assert wanted == set(range(read.first, read.first + read.count))


@given(st.floats(width=32), st.sampled_from(["big", "little"]))
def test_floats_survive_both_word_orders(number: float, order: Any) -> None:
    point = Point(name="p", kind="input", address=0, type="f32")
    (read,) = grouped((point,))
    words = list(struct.unpack(">HH", struct.pack(">f", number)))
    value = value_of(point, read, words if order == "big" else words[::-1], order)
    assert value == (number if math.isfinite(number) else None)


GOOD_MAP = """\
site: s1
devices:
  - name: bay
    host: 127.0.0.1
    points:
      - {name: a, kind: holding, address: 1}
      - name: b
        kind: coil
        address: 2
"""


def test_a_point_map_is_read(tmp_path: Path) -> None:
    file = tmp_path / "points.yaml"
    file.write_text(GOOD_MAP)
    points = load_point_map(file)
    assert points.devices[0].port == 502
    assert [point.type for point in points.devices[0].points] == ["u16", "bit"]


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("address: 2", "address: 70000", 9, "less than or equal to 65535"),
        ("kind: coil", "kind: coal", 8, "'coil'"),
        ("kind: coil", "kind: coil\n        type: f32", 7, "type bit"),
        ("    host: 127.0.0.1\n", "", 3, "Field required"),
        ("host:", "hots:", 3, "host"),
        ("name: b", "name: a", 3, "stands twice"),
        ("address: 1", "address: '1'", 6, "integer"),
        ("site: s1", "site: [", 3, "not YAML"),
        ("site: s1\ndevices:", "- x:", 1, "point map"),
    ],
)
def test_a_wrong_point_map_is_told_by_file_line_key_and_remedy(
    tmp_path: Path, old: str, new: str, line: int, says: str
) -> None:
    file = tmp_path / "points.yaml"
    file.write_text(GOOD_MAP.replace(old, new))
    with pytest.raises(ConfigFault) as fault:
        load_point_map(file)
    assert f"points.yaml:{line}" in fault.value.where
    assert says in fault.value.what
    assert fault.value.remedy


def test_a_missing_point_map_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigFault, match="cannot be read"):
        load_point_map(tmp_path / "none.yaml")
