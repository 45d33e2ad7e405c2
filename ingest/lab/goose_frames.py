"""GOOSE: frames by hand for the lab, a publisher per feeder bay, and where frames go.

Source: IEC 61850-8-1 annex A (goosePdu, BER), annex C (Ethertype 88-B8, APPID), clause 18.1.2.5 (retransmission).
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from schemas.errors import RunFault

ETHERTYPE: Final = 0x88B8
DESTINATION: Final = "01:0c:cd:01:00:01"
#: Retransmissions after a change of state, seconds; the last interval then repeats.
INTERVALS_S: Final = (0.004, 0.008, 0.016, 0.064, 0.256, 1.0)


@dataclass(frozen=True)
class ControlBlock:
    """What a GOOSE control block is configured with."""

    reference: str
    dataset: str
    go_id: str
    source_mac: str
    appid: int
    conf_rev: int = 1


def _tlv(tag: int, value: bytes) -> bytes:
    length = bytes((len(value),)) if len(value) < 128 else b"\x81" + bytes((len(value),))
    return bytes((tag,)) + length + value


def _unsigned(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def goose_frame(
    block: ControlBlock,
    state: int,
    sequence: int,
    changed_us: int,
    values: tuple[bool, ...],
    source_mac: str | None = None,
) -> bytes:
    """An Ethernet frame with one GOOSE message.

    Args:
        state: stNum.
        sequence: sqNum.
        changed_us: time of the last change of state, microseconds since 1970.
        values: data set values.
        source_mac: sender; the block's own by default.
    """
    seconds, micros = divmod(changed_us, 1_000_000)
    stamp = struct.pack(">I", seconds) + (micros * (1 << 24) // 1_000_000).to_bytes(3, "big") + b"\x0a"
    members = b"".join(_tlv(0x83, b"\x01" if value else b"\x00") for value in values)
    pdu = _tlv(
        0x61,
        _tlv(0x80, block.reference.encode())
        + _tlv(0x81, _unsigned(2000))
        + _tlv(0x82, block.dataset.encode())
        + _tlv(0x83, block.go_id.encode())
        + _tlv(0x84, stamp)
        + _tlv(0x85, _unsigned(state))
        + _tlv(0x86, _unsigned(sequence))
        + _tlv(0x87, b"\x00")
        + _tlv(0x88, _unsigned(block.conf_rev))
        + _tlv(0x89, b"\x00")
        + _tlv(0x8A, _unsigned(len(values)))
        + _tlv(0xAB, members),
    )
    head = _mac(DESTINATION) + _mac(source_mac or block.source_mac) + struct.pack(">H", ETHERTYPE)
    return head + struct.pack(">HHHH", block.appid, len(pdu) + 8, 0, 0) + pdu


class Wire:
    """A network interface that takes raw frames; needs the right to open packet sockets (root or CAP_NET_RAW).

    Raises:
        RunFault: it may not, or there is no such interface.
    """

    def __init__(self, interface: str) -> None:
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self._socket.bind((interface, 0))
        except (OSError, AttributeError) as wrong:
            raise RunFault(
                f"cannot send raw frames: {wrong}",
                f"interface {interface}",
                "run as root, or record with --capture FILE",
            ) from wrong

    def write(self, frame: bytes) -> None:
        """Send one frame."""
        self._socket.send(frame)

    def close(self) -> None:
        """Close it."""
        self._socket.close()


class Publisher:
    """Publishes the breaker and trip state of a bay.

    Args:
        block: its control block.
        send: takes frames.
        values: reads the data set.
        clock: microseconds since 1970.
    """

    def __init__(
        self,
        block: ControlBlock,
        send: Callable[[bytes], None],
        values: Callable[[], tuple[bool, ...]],
        clock: Callable[[], int],
    ) -> None:
        self.block = block
        self._send = send
        self._values = values
        self._clock = clock
        self.state = 1
        self._moved = asyncio.Event()

    def moved(self) -> None:
        """The data set changed."""
        self._moved.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        changed_us, sequence, values = self._clock(), 0, self._values()
        while True:
            self._send(goose_frame(self.block, self.state, sequence, changed_us, values))
            wait = INTERVALS_S[min(sequence, len(INTERVALS_S) - 1)]
            sequence += 1
            with contextlib.suppress(asyncio.TimeoutError):
                async with asyncio.timeout(wait):
                    await self._moved.wait()
                self._moved.clear()
                changed_us, sequence, values = self._clock(), 0, self._values()
                self.state += 1
