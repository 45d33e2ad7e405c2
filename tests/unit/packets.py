"""Building captures byte by byte: Ethernet, IPv4, TCP and what the tap reads on top of them."""

import struct
from dataclasses import dataclass, field
from pathlib import Path

from ingest.tap.dnp3 import checksum

#: Time of the first frame: 2026-01-01 00:00:00 UTC, in microseconds.
START = 1_767_225_600_000_000
MASTER, OUTSTATION = "10.0.0.1", "10.0.0.2"
#: TCP flags.
SYN, RST, PSH, ACK = 0x02, 0x04, 0x08, 0x10


def ethernet(payload: bytes, kind: int = 0x0800, source: str = "02:00:00:00:00:01", vlan: int | None = None) -> bytes:
    tag = b"" if vlan is None else struct.pack(">HH", 0x8100, vlan)
    return bytes.fromhex("010ccd010001" + source.replace(":", "")) + tag + struct.pack(">H", kind) + payload


def ip(source: str, destination: str, payload: bytes, protocol: int = 6) -> bytes:
    addresses = bytes(int(part) for address in (source, destination) for part in address.split("."))
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0) + addresses + payload


def udp(source_port: int, destination_port: int, payload: bytes) -> bytes:
    return struct.pack(">HHHH", source_port, destination_port, 8 + len(payload), 0) + payload


def dnp3_link(data: bytes, source: int = 1, destination: int = 10, control: int = 0xC4) -> bytes:
    """A link frame; `data` begins with the octet of the transport function."""
    head = struct.pack("<BBBBHH", 0x05, 0x64, 5 + len(data), control, destination, source)
    blocks = [data[at : at + 16] for at in range(0, len(data), 16)]
    return b"".join(block + struct.pack("<H", checksum(block)) for block in (head, *blocks))


def dnp3(fragment: bytes, source: int = 1, destination: int = 10, control: int = 0xC4) -> list[bytes]:
    """The link frames of an application fragment, which begins with its control octet and function."""
    parts = [fragment[at : at + 249] for at in range(0, len(fragment), 249)]
    last = len(parts) - 1
    ends = [0x40 * (at == 0) | 0x80 * (at == last) | at for at in range(len(parts))]
    return [dnp3_link(bytes([e]) + p, source, destination, control) for e, p in zip(ends, parts, strict=True)]


def modbus(transaction: int, pdu: bytes, unit: int = 1, protocol: int = 0, length: int | None = None) -> bytes:
    """One ADU; `pdu` begins with the function code."""
    return struct.pack(">HHHB", transaction, protocol, len(pdu) + 1 if length is None else length, unit) + pdu


def i_format(asdu: bytes, send: int = 0, receive: int = 0) -> bytes:
    return struct.pack("<BBHH", 0x68, 4 + len(asdu), send << 1, receive << 1) + asdu


def asdu(type_id: int, cause: int, body: bytes, count: int = 1, sequence: bool = False, address: int = 3) -> bytes:
    return struct.pack("<BBBBH", type_id, count | (sequence << 7), cause, 0, address) + body


def address(number: int) -> bytes:
    return struct.pack("<I", number)[:3]


def tlv(tag: int, content: bytes) -> bytes:
    length = bytes([len(content)]) if len(content) < 128 else b"\x82" + struct.pack(">H", len(content))
    return bytes([tag]) + length + content


def presented(pdu: bytes, context: int) -> bytes:
    """A PDU as user data of the presentation layer."""
    return tlv(0x61, tlv(0x30, tlv(0x02, bytes([context])) + tlv(0xA0, pdu)))


def tpkt(session: bytes) -> bytes:
    """A session PDU in one data TPDU."""
    return struct.pack(">BBH", 3, 0, 7 + len(session)) + b"\x02\xf0\x80" + session


def mms(pdu: bytes) -> bytes:
    """An MMS message in the headers of an association that is open."""
    return tpkt(b"\x01\x00\x01\x00" + presented(pdu, context=3))


def mms_name(item: bytes, domain: bytes = b"LD0") -> bytes:
    """A domain-specific ObjectName."""
    return tlv(0xA1, tlv(0x1A, domain) + tlv(0x1A, item))


@dataclass
class Connection:
    """A TCP connection; each call appends one frame to the capture."""

    capture: "Capture"
    client: str = MASTER
    server: str = OUTSTATION
    client_port: int = 40_000
    server_port: int = 502
    sequence: dict[bool, int] = field(default_factory=lambda: {True: 1000, False: 5000})

    def send(
        self, payload: bytes, request: bool = True, again: bool = False, gap_us: int = 1_000, flags: int = PSH | ACK
    ) -> int:
        """A segment from the client (or the server); `again` repeats the last bytes. Returns its frame number."""
        ends = (self.client, self.client_port), (self.server, self.server_port)
        (source, source_port), (destination, destination_port) = ends if request else ends[::-1]
        begin = self.sequence[request] - (len(payload) if again else 0)
        ports = struct.pack(">HH", source_port, destination_port)
        head = ports + struct.pack(">IIBBHHH", begin, self.sequence[not request], 0x50, flags, 65535, 0, 0)
        self.sequence[request] = begin + len(payload) + (flags & SYN > 0)
        return self.capture.add(ethernet(ip(source, destination, head + payload)), gap_us)

    def answer(self, payload: bytes, **more: int) -> int:
        return self.send(payload, request=False, **more)  # type: ignore[arg-type]


@dataclass
class Capture:
    """Frames with their times."""

    frames: list[tuple[int, bytes]] = field(default_factory=list)

    def add(self, frame: bytes, gap_us: int = 1_000) -> int:
        before = self.frames[-1][0] if self.frames else START - gap_us
        self.frames.append((before + gap_us, frame))
        return len(self.frames)

    def bytes(self) -> bytes:
        """As a pcap file."""
        out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)]
        for time, frame in self.frames:
            out.append(struct.pack("<IIII", time // 1_000_000, time % 1_000_000, len(frame), len(frame)) + frame)
        return b"".join(out)

    def write(self, directory: Path, name: str = "test.pcap") -> Path:
        path = directory / name
        path.write_bytes(self.bytes())
        return path
