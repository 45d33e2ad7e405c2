"""The poller as a source: an event loop of its own, and a bounded queue between it and whoever publishes."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from ingest.modbus_poll.point_map import PointMap
from ingest.modbus_poll.poller import DevicePoller
from ingest.source import Item, Record

#: Records that wait for the publisher; when it is full the pollers wait, and overdue polls are left out.
QUEUE: Final = 10_000
_ASK_AGAIN_S: Final = 0.05


def now_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


def poll(points: PointMap, clock: Callable[[], int] = now_us, seed: int = 0, limit: int = QUEUE) -> Iterator[Item]:
    """Poll all devices of a map until the iterator is closed.

    Args:
        points: the map.
        clock: microseconds since 1970.
        seed: of the jitter of reconnections.
        limit: records that may wait for the consumer.

    Yields:
        `point` records.
    """
    loop = asyncio.new_event_loop()
    waiting: asyncio.Queue[Record] = asyncio.Queue(limit)
    stop = asyncio.Event()

    async def all_devices() -> None:
        async with asyncio.TaskGroup() as group:
            pollers = [DevicePoller(points.site, device, clock, seed) for device in points.devices]
            tasks = [group.create_task(poller.run(waiting.put)) for poller in pollers]
            await stop.wait()
            pending = set(tasks)
            while pending:
                for task in pending:
                    task.cancel()
                # Asked again: before Python 3.12 `asyncio.wait_for`, in which pymodbus waits for an answer, loses a
                # cancellation that comes at the same moment as the answer.
                _, pending = await asyncio.wait(pending, timeout=_ASK_AGAIN_S)

    async def batch() -> list[Record]:
        """All that waits, at least one record; nothing once the pollers have ended."""
        first = asyncio.ensure_future(waiting.get())
        await asyncio.wait((first, pollers), return_when=asyncio.FIRST_COMPLETED)
        if not first.done():
            first.cancel()
            return []
        return [first.result(), *(waiting.get_nowait() for _ in range(waiting.qsize()))]

    pollers = loop.create_task(all_devices())
    thread = threading.Thread(target=loop.run_forever, name="modbus-poll", daemon=True)
    thread.start()
    try:
        while got := asyncio.run_coroutine_threadsafe(batch(), loop).result():
            yield from got
        asyncio.run_coroutine_threadsafe(_join(pollers), loop).result()
    finally:
        loop.call_soon_threadsafe(stop.set)
        asyncio.run_coroutine_threadsafe(asyncio.wait((pollers,)), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _join(pollers: "asyncio.Task[None]") -> None:
    """Raise what ended the pollers."""
    await pollers
