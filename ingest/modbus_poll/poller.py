"""Polls one device for ever: connects, reads, reconnects with back-off, and says the quality of every value."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from ingest.modbus_poll.backoff import Backoff
from ingest.modbus_poll.point_map import Device, Point
from ingest.modbus_poll.reads import Read, reads_of, split, value_of
from ingest.source import Record
from schemas.records import POINT

GOOD, TIMEOUT, EXCEPTION, DISCONNECTED = "good", "timeout", "exception", "disconnected"
#: Exceptions that one wrong address of a run brings on the whole run: illegal function and illegal data address.
_SPLITTING: Final = (1, 2)

Emit = Callable[[Record], Awaitable[None]]


class DevicePoller:
    """One device.

    Args:
        site: its substation.
        device: its entry in the point map.
        clock: microseconds since 1970, for the records.
        seed: of the jitter of reconnection.
    """

    def __init__(self, site: str, device: Device, clock: Callable[[], int], seed: int) -> None:
        self._site = site
        self._device = device
        self._clock = clock
        self._backoff = Backoff(device.reconnect_s, device.reconnect_max_s, f"{seed} {device.name}")
        self._reads = reads_of(device)
        self._client: AsyncModbusTcpClient | None = None
        self._next_attempt = 0.0

    async def run(self, emit: Emit) -> None:
        """Poll at the device's period until cancelled; polls that are overdue are left out, never made up for."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        try:
            while True:
                await self.poll(emit)
                due += self._device.period_s
                late = loop.time() - due
                if late > 0:
                    due += self._device.period_s * (late // self._device.period_s + 1)
                await asyncio.sleep(due - loop.time())
        finally:
            self._close()

    async def poll(self, emit: Emit) -> None:
        """Read every point once and emit a record for each, whatever happens."""
        failed = None if await self._connected() else DISCONNECTED
        for read in list(self._reads):
            if failed is None:
                failed = await self._read(read, emit)
            else:
                await self._fail(read.points, failed, emit)
        if failed == TIMEOUT:
            # A late answer must not be taken for that of the next request.
            self._close()

    async def _connected(self) -> bool:
        if self._client is not None and self._client.connected:
            return True
        self._close()
        now = asyncio.get_running_loop().time()
        if now < self._next_attempt:
            return False
        device = self._device
        client = AsyncModbusTcpClient(
            device.host,
            port=device.port,
            timeout=device.timeout_s,
            retries=0,
            reconnect_delay=0,
            source_address=(device.bind, 0) if device.bind else None,
        )
        connected = False
        with contextlib.suppress(OSError):
            connected = await client.connect()
        if not connected:
            client.close()
            self._next_attempt = now + self._backoff.wait_s()
            return False
        self._client = client
        self._backoff.reset()
        return True

    async def _read(self, read: Read, emit: Emit) -> str | None:
        """One request; returns the quality of the whole rest of the poll where the device is lost."""
        try:
            answer = await self._request(read)
        except (ModbusException, OSError):
            lost = TIMEOUT if self._client is not None and self._client.connected else DISCONNECTED
            await self._fail(read.points, lost, emit)
            return lost
        if answer.isError():
            if getattr(answer, "exception_code", None) in _SPLITTING and len(read.points) > 1:
                # From now on each point stands for itself.
                at = self._reads.index(read)
                self._reads[at : at + 1] = split(read)
            await self._fail(read.points, EXCEPTION, emit)
            return None
        cells = answer.bits if read.kind in ("coil", "discrete") else answer.registers
        time = self._clock()
        for point in read.points:
            value = value_of(point, read, cells, self._device.word_order)
            await emit(self._record(point, time, value, EXCEPTION if value is None else GOOD))
        return None

    async def _request(self, read: Read) -> ModbusPDU:
        client = self._client
        assert client is not None
        ask: dict[str, Any] = {
            "coil": client.read_coils,
            "discrete": client.read_discrete_inputs,
            "holding": client.read_holding_registers,
            "input": client.read_input_registers,
        }
        answer: ModbusPDU = await ask[read.kind](read.first, count=read.count, device_id=self._device.unit)
        return answer

    async def _fail(self, points: tuple[Point, ...], quality: str, emit: Emit) -> None:
        time = self._clock()
        for point in points:
            await emit(self._record(point, time, None, quality))

    def _record(self, point: Point, time: int, value: float | None, quality: str) -> Record:
        fields = {
            "time": time,
            "site": self._site,
            "device": self._device.name,
            "point": point.name,
            "value": value,
            "unit": point.unit,
            "quality": quality,
        }
        return Record(POINT, fields)

    def _close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
