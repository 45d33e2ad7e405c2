"""A TCP server whose connections end with it."""

import asyncio
from collections.abc import Awaitable, Callable

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Serving:
    """Listens, hands each connection to a handler, and at its end closes the connections and waits for the handlers."""

    def __init__(self) -> None:
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._server: asyncio.Server | None = None

    async def start(self, handler: Handler, host: str, port: int) -> tuple[str, int]:
        """Listen; returns the address, whose port is a free one where 0 was asked for.

        Raises:
            OSError: the address cannot be bound.
        """

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._open[task] = writer
            try:
                await handler(reader, writer)
            finally:
                del self._open[task]
                writer.close()

        self._server = await asyncio.start_server(handle, host, port)
        address: tuple[str, int] = self._server.sockets[0].getsockname()[:2]
        return address

    async def close(self) -> None:
        """End."""
        if self._server is not None:
            self._server.close()
        tasks = list(self._open)
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*tasks)
