"""Recording what goes over the lab's wire, for machines on which nobody may capture.

A relay stands at the address of each server, passes every byte on, and writes what it passed as Ethernet frames into a
pcap stream: a file, or a FIFO that `gridwatch ingest tap` reads. The bytes of the protocols are the real ones; only the
TCP and IP headers around them are written anew.

Source: draft-ietf-opsawg-pcap (pcap file format); RFC 9293 (TCP header); RFC 791 (IPv4 header and checksum).
"""

import asyncio
import contextlib
import ipaddress
import struct
from collections.abc import Callable
from typing import BinaryIO, Final

from ingest.lab.serving import Serving
from schemas.errors import RunFault

_MSS: Final = 1400
_FIN, _SYN, _PSH, _ACK = 0x01, 0x02, 0x08, 0x10
_LOOPBACK_MACS: Final = bytes(12)


class PcapStream:
    """A pcap stream of Ethernet frames, readable while it grows.

    Args:
        file: binary, unbuffered where a reader follows.
        clock: microseconds since 1970.
    """

    def __init__(self, file: BinaryIO, clock: Callable[[], int]) -> None:
        self._file = file
        self._clock = clock
        self._put(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1))

    def write(self, frame: bytes) -> None:
        """Append one frame, stamped with the present.

        Raises:
            RunFault: the reader is gone or the disk is full.
        """
        seconds, micros = divmod(self._clock(), 1_000_000)
        self._put(struct.pack("<IIII", seconds, micros, len(frame), len(frame)) + frame)

    def _put(self, data: bytes) -> None:
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as wrong:
            raise RunFault(
                f"the capture cannot be written: {wrong.strerror}", "lab recorder", "keep its reader running"
            ) from wrong


def _checksum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class RecordedConnection:
    """Writes the two directions of one TCP connection."""

    def __init__(self, pcap: PcapStream, client: tuple[str, int], server: tuple[str, int]) -> None:
        self._pcap = pcap
        self._ends = (client, server)
        self._sequence = [1000, 5000]
        self._identification = 0

    def open(self) -> None:
        """The three-way handshake."""
        self._segment(0, _SYN)
        self._segment(1, _SYN | _ACK)
        self._segment(0, _ACK)

    def data(self, from_client: bool, payload: bytes) -> None:
        """Bytes that one side sent."""
        for at in range(0, len(payload), _MSS):
            self._segment(0 if from_client else 1, _PSH | _ACK, payload[at : at + _MSS])

    def close(self, from_client: bool) -> None:
        """One side sends no more."""
        self._segment(0 if from_client else 1, _FIN | _ACK)

    def _segment(self, side: int, flags: int, payload: bytes = b"") -> None:
        (source, source_port), (destination, destination_port) = self._ends[side], self._ends[1 - side]
        addresses = ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address(destination).packed
        acknowledged = self._sequence[1 - side] if flags & _ACK else 0
        tcp = struct.pack(
            ">HHIIBBHHH", source_port, destination_port, self._sequence[side], acknowledged, 5 << 4, flags, 65_535, 0, 0
        )
        pseudo = addresses + struct.pack(">BBH", 0, 6, len(tcp) + len(payload))
        tcp = tcp[:16] + struct.pack(">H", _checksum(pseudo + tcp + payload)) + tcp[18:]
        self._identification = (self._identification + 1) & 0xFFFF
        length = 20 + len(tcp) + len(payload)
        ip = struct.pack(">BBHHHBBH", 0x45, 0, length, self._identification, 0x4000, 64, 6, 0) + addresses
        ip = ip[:10] + struct.pack(">H", _checksum(ip)) + ip[12:]
        self._pcap.write(_LOOPBACK_MACS + b"\x08\x00" + ip + tcp + payload)
        self._sequence[side] = (self._sequence[side] + len(payload) + bool(flags & (_SYN | _FIN))) & 0xFFFF_FFFF


async def relay(pcap: PcapStream, listen: tuple[str, int], target: tuple[str, int]) -> Serving:
    """Listen at the address of a server, and pass every connection on to `target`, recording it.

    Raises:
        OSError: the address cannot be bound.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            beyond_reader, beyond_writer = await asyncio.open_connection(*target)
        except OSError:
            return
        recorded = RecordedConnection(pcap, writer.get_extra_info("peername")[:2], listen)
        recorded.open()

        async def pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter, from_client: bool) -> None:
            with contextlib.suppress(ConnectionError):
                while chunk := await source.read(65_536):
                    recorded.data(from_client, chunk)
                    sink.write(chunk)
                    await sink.drain()
            recorded.close(from_client)
            with contextlib.suppress(ConnectionError, OSError):
                sink.write_eof()

        try:
            await asyncio.gather(pass_on(reader, beyond_writer, True), pass_on(beyond_reader, writer, False))
        finally:
            beyond_writer.close()

    serving = Serving()
    await serving.start(serve, *listen)
    return serving
