"""A vehicle's CAN bus: periodic identifiers from 10 ms to 1 s, with counters, checksums and signals of one drive.

About 200 frames a second. Every identifier keeps its period within a few per cent, as a real control unit does; a
frame that finds the bus busy comes after the other one.
"""

import heapq
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from ingest.lab.attacks import Injection, Truth, truth_of
from ingest.lab.pace import Line

#: Time that a frame of 8 bytes takes on the bus at 500 kbit/s, stuffing included, seconds.
FRAME_S: Final = 0.00023
SPEED_ID: Final = 0x1A0
FLOOD_EVERY_S: Final = 0.0003
INJECT_EVERY_S: Final = 0.010


@dataclass(frozen=True)
class Frame:
    """One frame, `at_us` microseconds since 1970."""

    at_us: int
    can_id: int
    data: bytes

    def candump(self, channel: str) -> str:
        """As a line of the candump log format."""
        seconds, rest = divmod(self.at_us, 1_000_000)
        return f"({seconds}.{rest:06}) {channel} {self.can_id:03X}#{self.data.hex().upper()}"


@dataclass(frozen=True)
class _Sender:
    can_id: int
    period_s: float
    signal: Callable[[float, int], bytes]


def _speed_kmh(at_s: float) -> float:
    """Speed of the drive: town traffic between 18 and 62 km/h."""
    return 40 + 18 * math.sin(at_s / 9) + 4 * math.sin(at_s / 2.3)


def _guarded(body: bytes, counter: int) -> bytes:
    """Seven bytes and the eighth: alive counter in the low nibble, checksum nibble above it."""
    body = body.ljust(7, b"\0")[:7]
    check = (sum(body) + counter) & 0xF
    return body + bytes(((check << 4) | counter & 0xF,))


def _word(value: float) -> bytes:
    return max(0, min(65_535, round(value))).to_bytes(2, "big")


_SENDERS: Final = (
    _Sender(0x0C9, 0.010, lambda t, n: _guarded(_word(800 + 45 * _speed_kmh(t)) + _word(120 + 40 * math.sin(t)), n)),
    _Sender(SPEED_ID, 0.020, lambda t, n: _guarded(_word(100 * _speed_kmh(t)) + _word(100 * _speed_kmh(t) + 20), n)),
    _Sender(0x0D1, 0.050, lambda t, n: _guarded(bytes((max(0, round(30 * math.sin(t / 3))), 0)), n)),
    _Sender(0x25E, 0.100, lambda t, n: _guarded(_word(32_768 + 900 * math.sin(t / 5)), n)),
    _Sender(0x2F0, 0.100, lambda t, n: _guarded(b"\x01\x40" + bytes((round(60 + 3 * math.sin(t / 40)),)), n)),
    _Sender(0x3D1, 0.200, lambda t, n: _guarded(bytes((round(88 + 2 * math.sin(t / 60)), 0x20)), n)),
    _Sender(0x4A8, 0.500, lambda t, n: bytes((0x12, 0x00, 0x7F, round(200 - t / 60) & 0xFF))),
    _Sender(0x5F0, 1.000, lambda t, n: b"WVWZZZ" + bytes((n & 0xFF, 0))),
)


def can_frames(seconds: float, start_us: int, seed: int, plan: list[Injection]) -> Iterator[Line[Frame] | Truth]:
    """The frames of a run by time, and truth where an attack begins.

    Args:
        seconds: length of the run.
        start_us: its begin, microseconds since 1970.
        seed: of the jitter.
        plan: attacks.
    """
    draw = random.Random(f"{seed} can")
    due: list[tuple[float, int, int, int]] = []  # time, identifier (which wins the arbitration), sender, count
    for number, sender in enumerate(_SENDERS):
        heapq.heappush(due, (sender.period_s * draw.random(), sender.can_id, number, 0))
    waiting = list(plan)
    free_at = 0.0
    while due:
        while waiting and waiting[0].start_s <= due[0][0]:
            injection = waiting.pop(0)
            forged = 0x000 if injection.attack.name == "can_flooding" else SPEED_ID
            yield truth_of(injection, start_us, {"can_id": [str(forged)]})
            every = FLOOD_EVERY_S if forged == 0 else INJECT_EVERY_S
            for count in range(int((injection.end_s - injection.start_s) / every)):
                heapq.heappush(due, (injection.start_s + count * every, forged, -1, count))
        wanted, can_id, number, count = heapq.heappop(due)
        at_s = max(wanted, free_at)
        if at_s < free_at + 1e-9 and due and due[0][0] <= at_s and due[0][1] < can_id:
            # The bus is free only now, and a frame of higher priority waits too.
            heapq.heappush(due, (at_s, can_id, number, count))
            wanted, can_id, number, count = heapq.heappop(due)
        if number < 0:
            data = bytes(8) if can_id == 0 else _guarded(_word(0) + _word(0), count)
        else:
            sender = _SENDERS[number]
            data = sender.signal(wanted, count)
            again = wanted + sender.period_s * (1 + draw.gauss(0, 0.01))
            if again < seconds:
                heapq.heappush(due, (again, can_id, number, count + 1))
        free_at = at_s + FRAME_S
        if at_s < seconds:
            yield Line(at_s, Frame(start_us + round(at_s * 1e6), can_id, data))
