"""Incidents by syslog: over TCP or TLS with octet counting (RFC 6587, 3.4.1; RFC 5425), or over UDP (RFC 5426)."""

import fcntl
import select
import socket
import ssl
import struct
import termios
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Final
from urllib.parse import urlsplit

from jobs.outflow.message import Answer, Message
from schemas.errors import ConfigFault, UsageFault

#: Seconds to connect, to write, and for the receiver's host to acknowledge.
TIMEOUT_S: Final = 15.0
#: Seconds for which a connection must stand after its octets were acknowledged.
SETTLE_S: Final = 0.2
#: Octets of a UDP message at most (RFC 5426, 3.2: the least that every receiver should take is 2048).
_MOST_UDP: Final = 60_000


class Syslog:
    """A connection to a syslog receiver.

    Syslog has no acknowledgement. Over TCP and TLS a message counts as taken when the receiver's host has acknowledged all its
    octets and the connection stands a moment later: what a host has taken and a receiver that dies after that moment has not read is lost.
    Over UDP a message counts as taken when it was sent.

    Args:
        address: `host:port`, which is TCP, or `tcp://`, `tls://` or `udp://` before it.
        ca_file: PEM file of the authorities to trust; None for the system's.
        settle_s: the moment, seconds.

    Raises:
        UsageFault: the address is none.
        ConfigFault: the authorities cannot be read.
    """

    batch = 100

    def __init__(self, address: str, ca_file: Path | None = None, settle_s: float = SETTLE_S) -> None:
        parts = urlsplit(address if "://" in address else f"tcp://{address}")
        try:
            port = parts.port
        except ValueError:
            port = None
        if parts.scheme not in ("tcp", "tls", "udp") or not parts.hostname or not port or parts.path:
            raise UsageFault("this is no address", "--syslog", "host:port, or tls://host:port, or udp://host:port")
        self._settle_s = settle_s
        self._how, self._host, self._port = parts.scheme, parts.hostname, port
        self._tls: ssl.SSLContext | None = None
        if self._how == "tls":
            try:
                self._tls = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
            except (OSError, ssl.SSLError) as wrong:
                remedy = "name a PEM file of authorities"
                raise ConfigFault(f"cannot be read: {wrong}", "outflow.ca_file", remedy) from wrong
        self._socket: socket.socket | None = None
        self.name = f"syslog {self._how}://{parts.netloc}"

    def send(self, messages: Sequence[Message]) -> Answer:
        """Write all, and wait until they have arrived."""
        answer = Answer()
        try:
            if self._socket is None:
                self._socket = self._connect()
            if self._how == "udp":
                for message in messages:
                    self._socket.send(message.body[:_MOST_UDP])
                    answer.taken.append(message)
                return answer
            self._socket.sendall(b"".join(b"%d %s" % (len(message.body), message.body) for message in messages))
            self._arrived(self._socket)
            answer.taken += messages
        except OSError as wrong:
            self.close()
            answer.failure = f"{type(wrong).__name__}: {wrong}"[:200]
        return answer

    def close(self) -> None:
        """Let go of the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self) -> socket.socket:
        if self._how == "udp":
            family, kind, protocol, _, place = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)[0]
            datagrams = socket.socket(family, kind, protocol)
            datagrams.connect(place)
            return datagrams
        stream = socket.create_connection((self._host, self._port), TIMEOUT_S)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return stream if self._tls is None else self._tls.wrap_socket(stream, server_hostname=self._host)

    def _arrived(self, stream: socket.socket) -> None:
        """Wait until the other host has acknowledged what was written, and see whether it closes.

        Raises:
            OSError: it has not in time, or it has closed.
        """
        until = monotonic() + TIMEOUT_S
        while struct.unpack("i", fcntl.ioctl(stream.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))[0]:
            if monotonic() > until:
                raise TimeoutError("the receiver's host does not acknowledge")
            sleep(0.001)
        until = monotonic() + self._settle_s
        stream.setblocking(False)
        try:
            while select.select([stream], [], [], max(0.0, until - monotonic()))[0] and monotonic() < until:
                # What a receiver says is no part of the protocol; that it closes is read, too.
                with suppress(BlockingIOError, ssl.SSLWantReadError):
                    if not stream.recv(1024):
                        raise ConnectionResetError("the receiver has closed")
        finally:
            stream.settimeout(TIMEOUT_S)
