"""What detectors of a CAN bus share: keys, kinds of frames, J1939 identifiers; frames for their examples."""

from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from detectors.memory import Derived, Memory, Payload

#: Keys within a vehicle: a bus, and an identifier on it.
BUS = ("channel",)
IDENTIFIER = ("channel", "extended", "can_id")

#: A frame that carries data, not an error frame or a remote request.
DATA = Derived("data frame", ~pl.col("error") & ~pl.col("remote"))
#: The first eight bytes of the data as an integer, byte 0 lowest; bytes that a frame does not have are 0.
WORD = Derived(
    "first eight bytes",
    (pl.col("data") + pl.lit(bytes(8))).bin.slice(0, 8).bin.reinterpret(dtype=pl.UInt64, endianness="little"),
)

#: Identifiers of ISO 15765-4 and of the addresses that testers use (ISO 15765-2 normal fixed addressing).
DIAGNOSTIC = (
    pl.when("extended")
    .then((pl.col("can_id") // 65_536 % 256).is_in([0xDA, 0xDB]))
    .otherwise(pl.col("can_id") >= 0x700)
)


def payload(**numbers: Any) -> Payload:
    """What is odd about the data of a frame, by the frames of its identifier before."""
    return Payload(IDENTIFIER, value=WORD, length="dlc", where=DATA, **numbers)


def flagged(memory: Memory, bit: int) -> pl.Expr:
    """True where `payload` set this bit."""
    return (memory.col & bit) != 0


# SAE J1939-21, 5.2: priority (3 bits), parameter group (18 bits), source address (8 bits). Below format 240 the low byte of the
# group is the destination address and no part of it.
SOURCE_ADDRESS = pl.col("can_id") % 256
DESTINATION_ADDRESS = pl.col("can_id") // 256 % 256


def group_is(*groups: int) -> pl.Expr:
    """True for a data frame of one of these J1939 parameter groups (PGN below 61,440: sent to one address or to all)."""
    page = pl.col("can_id") // 65_536 % 1024
    return pl.col("extended") & DATA.expr & page.is_in([group // 256 for group in groups])


def byte(number: int) -> pl.Expr:
    """A byte of the data, counted from 0; null where the frame is shorter."""
    return pl.col("data").bin.slice(number, 1).bin.reinterpret(dtype=pl.UInt8).cast(pl.Int64)


def frames(
    times: Iterable[float],
    can_id: int = 0x280,
    data: bytes | Sequence[bytes] = bytes(8),
    extended: bool = False,
    **fields: Any,
) -> list[dict[str, object]]:
    """Frames of one identifier, as records of an example."""
    each = [data] * len(times := list(times)) if isinstance(data, bytes) else data
    return [
        {"time": t, "channel": "can0", "can_id": can_id, "extended": extended, "dlc": len(d), "data": d, **fields}
        for t, d in zip(times, each, strict=True)
    ]


def every(period_s: float, start: float, end: float, jitter: float = 0.0) -> list[float]:
    """Times of a periodic identifier; `jitter` as a share of the period."""
    number = round((end - start) / period_s)
    return [start + period_s * (i + jitter * ((i * 7919) % 13 / 6 - 1)) for i in range(number)]


def merged(*streams: list[dict[str, object]]) -> list[dict[str, object]]:
    """Frames of several identifiers by time."""
    return sorted((f for stream in streams for f in stream), key=lambda f: float(str(f["time"])))
