"""Text that arrives by UDP, one message a datagram."""

import socket
from collections.abc import Callable, Generator
from typing import Final, NamedTuple

from ingest.source import Refused
from schemas.errors import RunFault

#: Largest datagram (bytes) of a listener: more than a UDP datagram can hold, so that none is cut in silence.
MAX_DATAGRAM: Final = 65_536
#: Room for bursts while the broker pushes back, bytes; the kernel bounds it by its own limit.
_BURST: Final = 4 << 20

#: Called with the bound address once a listener listens.
Ready = Callable[[str, int], None]


class Datagram(NamedTuple):
    """The text of a datagram without blanks around it, and the address it came from."""

    text: str
    sender: str


def listen(host: str, port: int, ready: Ready | None = None) -> Generator[Datagram | Refused, None, None]:
    """Receive datagrams until the iterator is closed.

    Args:
        host: address to listen on.
        port: UDP port; 0 takes a free one.
        ready: called with the bound address once it listens.

    Yields:
        Datagrams, and `Refused` for one that is not UTF-8 ("not text").

    Raises:
        RunFault: the address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BURST)
        try:
            listener.bind((host, port))
        except OSError as wrong:
            raise RunFault(
                f"cannot listen: {wrong.strerror}", f"udp {host}:{port}", "choose a free port and an own address"
            ) from wrong
        if ready is not None:
            ready(*listener.getsockname()[:2])
        while True:
            content, sender = listener.recvfrom(MAX_DATAGRAM)
            try:
                yield Datagram(content.decode().strip(), sender[0])
            except UnicodeDecodeError as wrong:
                yield Refused("not text", f"from {sender[0]}: byte {wrong.start} is not UTF-8", content)
