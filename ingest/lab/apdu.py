"""The few APDUs of IEC 60870-5-104 that the lab speaks, written by hand: no protocol stack, for the lab alone.

Source: IEC 60870-5-104 clause 5 (APCI, U-, S- and I-format); IEC 60870-5-101 clause 7 (ASDU, causes of transmission).
"""

import asyncio
import struct
from dataclasses import dataclass
from typing import Final

START: Final = 0x68
STARTDT_ACT, STARTDT_CON, TESTFR_ACT, TESTFR_CON = 0x07, 0x0B, 0x43, 0x83
M_DP_NA_1, M_ME_NC_1 = 3, 13
C_SC_NA_1, C_DC_NA_1, C_IC_NA_1 = 45, 46, 100
SPONTANEOUS, ACTIVATION, ACTIVATION_CON, ACTIVATION_TERM, INTERROGATED, UNKNOWN_TYPE, UNKNOWN_OBJECT = (
    3,
    6,
    7,
    10,
    20,
    44,
    47,
)
NEGATIVE: Final = 0x40
SELECT: Final = 0x80


@dataclass(frozen=True)
class Asdu:
    """One ASDU with one information object."""

    type_id: int
    cause: int
    common_address: int
    object_address: int
    body: bytes
    originator: int = 0

    def encode(self) -> bytes:
        """The octets."""
        head = struct.pack("<BBBBH", self.type_id, 1, self.cause, self.originator, self.common_address)
        return head + self.object_address.to_bytes(3, "little") + self.body


def decode_asdu(octets: bytes) -> Asdu | None:
    """An ASDU with one object; None where there are more or fewer octets than that takes."""
    if len(octets) < 9 or octets[1] != 1:
        return None
    type_id, _, cause, originator, common = struct.unpack_from("<BBBBH", octets)
    return Asdu(type_id, cause, common, int.from_bytes(octets[6:9], "little"), octets[9:], originator)


def u_format(function: int) -> bytes:
    """A U-format APDU."""
    return bytes((START, 4, function, 0, 0, 0))


def measured(common: int, address: int, value: float, cause: int) -> Asdu:
    """A short floating point value of good quality."""
    return Asdu(M_ME_NC_1, cause, common, address, struct.pack("<fB", value, 0))


def double_point(common: int, address: int, closed: bool, cause: int) -> Asdu:
    """A breaker position: 1 is open, 2 is closed."""
    return Asdu(M_DP_NA_1, cause, common, address, bytes((2 if closed else 1,)))


class Link:
    """One end of a connection: numbers what it sends and acknowledges what it gets."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._sent = 0
        self._received = 0

    async def read(self) -> tuple[int | None, Asdu | None]:
        """The next APDU: (U-format function, None), (None, ASDU) or, for S-format, (None, None).

        Raises:
            asyncio.IncompleteReadError: the other end is gone, or what it sends is no APDU.
        """
        start, length = await self._reader.readexactly(2)
        if start != START or length < 4:
            raise asyncio.IncompleteReadError(b"", None)
        apdu = await self._reader.readexactly(length)
        if apdu[0] & 1 == 0:
            self._received = (self._received + 1) % 32_768
            return None, decode_asdu(apdu[4:])
        return (apdu[0], None) if apdu[0] & 3 == 3 else (None, None)

    def unnumbered(self, function: int) -> None:
        """Send a U-format APDU."""
        self._writer.write(u_format(function))

    def acknowledge(self) -> None:
        """Send an S-format APDU."""
        self._writer.write(struct.pack("<BBHH", START, 4, 1, self._received << 1))

    def send(self, asdu: Asdu) -> None:
        """Send an I-format APDU."""
        body = asdu.encode()
        self._writer.write(struct.pack("<BBHH", START, 4 + len(body), self._sent << 1, self._received << 1) + body)
        self._sent = (self._sent + 1) % 32_768

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()
