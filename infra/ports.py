"""Loopback TCP ports."""

import socket
from collections.abc import Collection
from typing import Final

LOOPBACK: Final = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # As servers do: a port whose last connections linger in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def is_open(host: str, port: int, timeout: float = 1.0) -> bool:
    """Whether something accepts connections there (timeout in seconds)."""
    try:
        with socket.create_connection((host, port), timeout):
            return True
    except OSError:
        return False


def choose(preferred: int, taken: Collection[int] = ()) -> int:
    """The preferred loopback port when it is free and not in `taken`, else any free one; 0 prefers none."""
    if preferred and preferred not in taken and is_free(preferred):
        return preferred
    while True:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port: int = probe.getsockname()[1]
        if port not in taken:
            return port
