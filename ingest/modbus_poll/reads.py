"""From points to requests and from answers to values: grouped reads and the decoding of registers."""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from ingest.modbus_poll.point_map import Device, Point

#: Most coils and registers that one request may read (Modbus Application Protocol V1.1b3, sections 6.1 and 6.3).
MAX_BITS: Final = 2000
MAX_REGISTERS: Final = 125


@dataclass(frozen=True)
class Read:
    """One request: a run of addresses of one table, and the points that lie in it."""

    kind: str
    first: int
    count: int
    points: tuple[Point, ...]


def grouped(points: tuple[Point, ...]) -> list[Read]:
    """The fewest requests that read exactly the addresses of the points, none beside them.

    Addresses that no point names are not read: a device may answer them with an exception for the whole request.
    """
    reads: list[Read] = []
    for point in sorted(points, key=lambda p: (p.kind, p.address, p.width)):
        last = reads[-1] if reads else None
        most = MAX_BITS if point.type == "bit" else MAX_REGISTERS
        end = point.address + point.width
        if (
            last is None
            or last.kind != point.kind
            or point.address > last.first + last.count
            or end - last.first > most
        ):
            reads.append(Read(point.kind, point.address, point.width, (point,)))
        else:
            count = max(last.count, end - last.first)
            reads[-1] = Read(last.kind, last.first, count, (*last.points, point))
    return reads


def split(read: Read) -> list[Read]:
    """One request a point: what is left to do where a device refuses one address of a run."""
    return [Read(read.kind, point.address, point.width, (point,)) for point in read.points]


def value_of(point: Point, read: Read, cells: Sequence[int], word_order: Literal["big", "little"]) -> float | None:
    """The engineering value of a point in the answer to a read; None where the answer is too short or no number."""
    at = point.address - read.first
    words = [int(cell) for cell in cells[at : at + point.width]]
    if len(words) < point.width:
        return None
    if word_order == "little":
        words.reverse()
    raw: float
    if point.type == "bit" or point.type == "u16":
        raw = words[0]
    elif point.type == "i16":
        raw = words[0] - 65_536 if words[0] > 32_767 else words[0]
    elif point.type == "u32":
        raw = words[0] << 16 | words[1]
    else:
        (raw,) = struct.unpack(">f", struct.pack(">HH", *words))
    value = raw * point.scale + point.offset
    return value if math.isfinite(value) else None


def reads_of(device: Device) -> list[Read]:
    """The requests of one poll of a device."""
    return grouped(device.points)
