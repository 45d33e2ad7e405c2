"""The lab's substation: one electrical model behind Modbus servers, an IEC-104 outstation and GOOSE publishers.

All traffic is real: TCP connections between loopback addresses, one a host, and Ethernet frames. Where capturing is
allowed the tap sees it on the loopback interface; where it is not, relays record it into a pcap stream.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import SimDevice

from ingest.lab import modbus_hosts
from ingest.lab.attacks import Injection, TruthFile, truth_of
from ingest.lab.goose_frames import Publisher, goose_frame
from ingest.lab.grid import Grid
from ingest.lab.iec104_station import Outstation, control_centre, open_breaker
from ingest.lab.modbus_devices import bay_device, rtu_device
from ingest.lab.recorder import PcapStream, relay
from ingest.lab.serving import Serving
from ingest.lab.site_facts import BLOCKS, ROGUE_MAC, Addresses
from schemas.errors import RunFault

PICKUP_A: Final = 400
_GONE: Final = (ConnectionError, asyncio.IncompleteReadError)


@dataclass(frozen=True)
class Scene:
    """What the substation is told.

    Args:
        addresses: who is where.
        seconds: how long it lives.
        seed: of the model and of the operator.
        plan: attacks.
        truth: where they are written.
        send_frame: takes GOOSE frames; None leaves GOOSE out.
        capture: pcap stream that relays record into; None for direct connections.
        clock: microseconds since 1970.
    """

    addresses: Addresses
    seconds: float
    seed: int
    plan: list[Injection]
    truth: TruthFile
    send_frame: Callable[[bytes], None] | None
    capture: PcapStream | None
    clock: Callable[[], int]


async def substation(scene: Scene, ready: Callable[[], None] = lambda: None) -> None:
    """Run the substation for its time.

    Args:
        ready: called once all servers listen.

    Raises:
        RunFault: an address cannot be bound, or the capture cannot be written.
    """
    began = time.monotonic()
    start_us = scene.clock()
    publishers: list[Publisher] = []
    outstations: list[Outstation] = []

    def breaker_moved(number: int) -> None:
        for outstation in outstations:
            outstation.breaker_moved(number)
        if publishers:
            publishers[number].moved()

    grid = Grid(scene.seed, breaker_moved)

    def advance() -> None:
        grid.advance(time.monotonic() - began)

    outstations.append(Outstation(grid, advance))
    if scene.send_frame is not None:
        publishers += [
            Publisher(block, scene.send_frame, _goose_values(grid, number), scene.clock)
            for number, block in enumerate(BLOCKS)
        ]
    places = scene.addresses
    async with contextlib.AsyncExitStack() as stack:
        devices = [bay_device(grid, 0, advance), bay_device(grid, 1, advance), rtu_device(grid, advance)]
        for device, endpoint in zip(devices, places.modbus_servers, strict=True):
            await _serve_modbus(stack, scene, device, endpoint)
        await _serve_iec104(stack, scene, outstations[0], (places.outstation, places.iec104_port))
        ready()
        background = [
            _keep(lambda: modbus_hosts.hmi((places.rtu, places.modbus_port), places.hmi, 10.0, scene.seed)),
            _keep(lambda: modbus_hosts.historian(places.modbus_servers, places.historian, 5.0)),
            _keep(lambda: control_centre((places.outstation, places.iec104_port), places.control_centre, 15.0)),
            *(publisher.run() for publisher in publishers),
        ]
        attacks = [_attack(scene, injection, start_us, began, publishers) for injection in scene.plan]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in (*background, *attacks)]
            await asyncio.sleep(max(0.0, scene.seconds - (time.monotonic() - began)))
            for task in tasks:
                task.cancel()


async def _keep(host: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """A host that connects again a second after its connection was lost."""
    while True:
        with contextlib.suppress(*_GONE):
            await host()
        await asyncio.sleep(1)


def _goose_values(grid: Grid, number: int) -> Callable[[], tuple[bool, ...]]:
    return lambda: (grid.tripped(number), grid.closed(number))


def _unbound(wrong: OSError, endpoint: tuple[str, int]) -> RunFault:
    host, port = endpoint
    remedy = f"choose a free port; on macOS first: sudo ifconfig lo0 alias {host}"
    return RunFault(f"cannot listen: {wrong.strerror or wrong}", f"{host}:{port}", remedy)


async def _serve_modbus(
    stack: contextlib.AsyncExitStack, scene: Scene, device: SimDevice, endpoint: tuple[str, int]
) -> None:
    server = ModbusTcpServer(device, address=(endpoint[0], 0) if scene.capture else endpoint)
    try:
        await server.serve_forever(background=True)
        stack.push_async_callback(server.shutdown)
        if scene.capture is not None:
            transport: Any = server.transport
            behind: tuple[str, int] = transport.sockets[0].getsockname()[:2]
            await _record(stack, scene.capture, endpoint, behind)
    except (OSError, RuntimeError) as wrong:
        raise _unbound(wrong if isinstance(wrong, OSError) else OSError(str(wrong)), endpoint) from wrong


async def _serve_iec104(
    stack: contextlib.AsyncExitStack, scene: Scene, outstation: Outstation, endpoint: tuple[str, int]
) -> None:
    try:
        serving = Serving()
        behind = await serving.start(outstation.serve, endpoint[0], 0 if scene.capture else endpoint[1])
        stack.push_async_callback(serving.close)
        if scene.capture is not None:
            await _record(stack, scene.capture, endpoint, behind)
    except OSError as wrong:
        raise _unbound(wrong, endpoint) from wrong


async def _record(
    stack: contextlib.AsyncExitStack, capture: PcapStream, endpoint: tuple[str, int], behind: tuple[str, int]
) -> None:
    stack.push_async_callback((await relay(capture, endpoint, behind)).close)


async def _attack(scene: Scene, injection: Injection, start_us: int, began: float, publishers: list[Publisher]) -> None:
    await asyncio.sleep(max(0.0, injection.start_s - (time.monotonic() - began)))
    places = scene.addresses
    servers = places.modbus_servers
    bays = servers[:2]
    seconds = injection.end_s - injection.start_s
    outstation = (places.outstation, places.iec104_port)
    name = injection.attack.name

    def tell(**entities: list[str]) -> None:
        scene.truth.write(truth_of(injection, start_us, entities))

    with contextlib.suppress(*_GONE):
        if name == "rogue_master":
            tell(client=[places.rogue], server=[host for host, _ in servers])
            await modbus_hosts.rogue_master(servers, places.rogue, seconds)
        elif name == "unauthorised_write":
            tell(client=[places.historian], server=list(places.bays))
            await modbus_hosts.unauthorised_write(bays, places.historian)
            await asyncio.sleep(seconds)
            await modbus_hosts.restore(bays, places.hmi, PICKUP_A)
        elif name == "modbus_scan":
            tell(client=[places.scanner], server=list(places.bays))
            await modbus_hosts.scan(bays, places.scanner, seconds)
        elif name == "iec104_command":
            tell(source=[places.intruder], destination=[places.outstation])
            await open_breaker(outstation, places.intruder, 0, seconds)
            await modbus_hosts.restore(bays, places.hmi, PICKUP_A)
        elif scene.send_frame is not None:
            publisher = publishers[0]
            tell(control_block=[publisher.block.reference], source_mac=[ROGUE_MAC])
            changed, state = scene.clock(), publisher.state + 5
            for sequence in range(max(2, round(seconds * 2))):
                scene.send_frame(goose_frame(publisher.block, state, sequence, changed, (True, False), ROGUE_MAC))
                await asyncio.sleep(0.5)
