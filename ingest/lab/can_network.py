"""The CAN buses of a car and of a truck during short drives, as a logger in the vehicle records them.

Every hour the vehicle is driven for `DRIVE_S`: control units wake up one after another, the vehicle stands, drives off, steers,
brakes and stands again, then the units go to sleep. Most identifiers are periodic with jitter and wait for a free bus; some are
sent at once when a value changes too, some more often while the vehicle brakes, some on events alone. Frames carry signals with
noise, constants, flags, alive counters and checksums. Now and then a frame is lost or late, or a disturbance makes an error
frame; a dongle at the diagnostic connector asks for the speed.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from ingest.source import Record
from schemas.records import CAN_FRAME

DRIVE_S: Final = 40.0
EVERY_S: Final = 3600.0
#: Time of a frame of 8 bytes at 500 kbit/s, seconds.
FRAME_S: Final = 0.00024
STEP_S: Final = 0.01
VEHICLE: Final = "car-1"
TRUCK: Final = "truck-1"
ENGINE, SPEED, WHEELS, STEERING, BRAKE = 0x0C9, 0x1A0, 0x1E5, 0x0D1, 0x0F1


@dataclass(frozen=True)
class Drive:
    """Speed (m/s), acceleration (m/s2), steering (rad), every `STEP_S`."""

    speed: list[float]
    accelerates: list[float]
    steers: list[float]

    def at(self, seconds: float) -> tuple[float, float, float]:
        """Speed, acceleration and steering at a time."""
        i = min(max(round(seconds / STEP_S), 0), len(self.speed) - 1)
        return self.speed[i], self.accelerates[i], self.steers[i]


def drive(rng: random.Random) -> Drive:
    """A short drive in a town: it stands, drives with changing speed for most of the time, and stands."""
    out = Drive([], [], [])
    v = a = steer = wanted = 0.0
    away, back = rng.uniform(2.5, 5.0), DRIVE_S - rng.uniform(4.0, 6.0)
    turn = 0.0
    for i in range(round(DRIVE_S / STEP_S)):
        t = i * STEP_S
        if i % 150 == 0:
            wanted, turn = rng.uniform(9, 17), rng.gauss(0, 0.05)
        goal = wanted if away < t < back else 0.0
        push = max(-4.5, min(2.5, 0.6 * (goal - v))) if v > 0.05 or goal else 0.0
        a += (push - a) * 0.05
        # No road is even and no foot is still.
        v = max(0.0, v + a * STEP_S + (rng.gauss(0, 0.004) if v > 0.1 else 0.0))
        steer += (turn - steer) * 0.02 + (rng.gauss(0, 0.0008) if v > 0.1 else 0.0)
        out.speed.append(v)
        out.accelerates.append(a)
        out.steers.append(steer)
    return out


@dataclass(frozen=True)
class Frame:
    """A frame, `at` seconds after the drive's begin."""

    at: float
    channel: str
    can_id: int
    data: bytes
    extended: bool = False
    error: bool = False

    def record(self, vehicle: str, start: int) -> Record:
        """As a record; the drive began at `start`, microseconds since 1970."""
        fields = {"time": start + round(self.at * 1e6), "vehicle": vehicle, "channel": self.channel}
        fields |= {"can_id": self.can_id, "extended": self.extended, "remote": False, "error": self.error}
        return Record(CAN_FRAME, {**fields, "dlc": len(self.data), "data": self.data})


Signal = Callable[[Drive, float, random.Random], bytes]


@dataclass(frozen=True)
class Sender:
    """An identifier: its period, signals and the bytes that never change.

    Args:
        guarded: alive counter and checksum end it.
        prompt: changes are sent at once.
        hurried: five times as often while the vehicle brakes.
        unit: control unit that sends it.
    """

    channel: str
    can_id: int
    period_s: float
    signals: Signal
    constant: bytes
    guarded: bool = False
    prompt: bool = False
    hurried: bool = False
    extended: bool = False
    unit: int = 0


def word(value: float) -> bytes:
    """A number of 16 bits, high byte first."""
    return max(0, min(65_535, round(value))).to_bytes(2, "big")


def guard(body: bytes, can_id: int, number: int) -> bytes:
    """Seven bytes, then the eighth: checksum in the high nibble, alive counter in the low one."""
    body = body[:7].ljust(7, b"\0")
    return body + bytes((((sum(body) + can_id + number) & 0xF) << 4 | number & 0xF,))


def _speed(d: Drive, t: float, rng: random.Random) -> bytes:
    v = d.at(t)[0]
    noise = rng.gauss(0, 0.02) if v > 0.1 else 0.0
    return word(max(0.0, v + noise) * 360) + word(d.at(t)[1] * 100 + 32_768 + rng.gauss(0, 3))


def _wheels(d: Drive, t: float, rng: random.Random) -> bytes:
    v, _, steer = d.at(t)
    return b"".join(
        word(v * (1 + side * steer) * 360 + (rng.gauss(0, 4) if v > 0.1 else 0)) for side in (1, -1)
    ) + word(sum(d.speed[: round(t / STEP_S) : 10]) * 0.1 * 50 % 65_536)


def _engine(d: Drive, t: float, rng: random.Random) -> bytes:
    v, a, _ = d.at(t)
    gear = 1 + (v > 5) + (v > 9) + (v > 13)
    return word(max(3200, 4 * (800 + v * 420 / gear) + rng.gauss(0, 8))) + bytes(
        (max(0, min(255, round(40 + 30 * a + rng.gauss(0, 1)))),)
    )


def _steering(d: Drive, t: float, rng: random.Random) -> bytes:
    return word(32_768 + d.at(t)[2] * 8000 + rng.gauss(0, 2)) + word(32_768 + rng.gauss(0, 6))


def _brake(d: Drive, t: float, rng: random.Random) -> bytes:
    pressed = d.at(t)[1] < -0.8
    return bytes((int(pressed), max(0, round(-12 * d.at(t)[1])) if pressed else 0))


def _slow(name: float) -> Signal:
    """A temperature, a level, a voltage: it creeps."""

    def signal(d: Drive, t: float, rng: random.Random) -> bytes:
        return bytes((round(90 + 20 * math.sin(name + t / 60)), round(130 + rng.gauss(0, 0.6))))

    return signal


def _noisy(name: float) -> Signal:
    """A sensor: its value wanders and its last bits are noise."""

    def signal(d: Drive, t: float, rng: random.Random) -> bytes:
        return word(20_000 + 6000 * math.sin(name + t / 3) + d.at(t)[0] * 90 + rng.gauss(0, 20))

    return signal


def _flags(name: int) -> Signal:
    """Switches, of which one changes every few seconds."""

    def signal(d: Drive, t: float, rng: random.Random) -> bytes:
        return bytes((0x40 | (int((t + name) / (4 + name % 5)) % 2) << name % 6, 0x10))

    return signal


#: Periods of the other identifiers of the drive bus and of the body bus, seconds.
_OTHERS: Final = (
    *(("can0", p) for p in (0.02, 0.05, 0.05, 0.05, *(0.1,) * 7, *(0.2,) * 4, 0.5, 0.5, 1.0)),
    *(("can1", p) for p in (0.05, 0.1, 0.1, 0.1, *(0.2,) * 4, *(0.5,) * 4, 1.0, 1.0, 1.0)),
)


def car() -> tuple[Sender, ...]:
    """The identifiers of the car: 38 periodic ones on two buses. The same in every drive."""
    known: tuple[tuple[int, float, Signal], ...] = (
        (ENGINE, 0.01, _engine),
        (STEERING, 0.02, _steering),
        (BRAKE, 0.05, _brake),
        (SPEED, 0.02, _speed),
        (WHEELS, 0.02, _wheels),
    )
    senders = [Sender("can0", i, p, s, bytes(8), guarded=True, unit=n % 3) for n, (i, p, s) in enumerate(known)]
    for n, (channel, period) in enumerate(_OTHERS):
        rng = random.Random(f"car {n}")
        signal = (_slow, _noisy, _flags)[n % 3](n)
        can_id = (0x200 if channel == "can0" else 0x300) + 0x11 * (n % 24)
        senders.append(
            Sender(
                channel,
                can_id,
                period,
                signal,
                rng.randbytes(rng.choice((4, 6, 8, 8))),
                n % 2 == 0,
                n % 3 == 2,
                n in (4, 18),
                unit=3 + n % 7,
            )
        )
    return tuple(senders)


def truck() -> tuple[Sender, ...]:
    """The J1939 identifiers of a truck: engine, transmission, brakes, their control and their state."""

    def ccvs(d: Drive, t: float, rng: random.Random) -> bytes:
        return b"\xff" + round(d.at(t)[0] * 921.6).to_bytes(2, "little")

    def eec1(d: Drive, t: float, rng: random.Random) -> bytes:
        rpm = round(8 * (700 + 60 * d.at(t)[0]) + rng.gauss(0, 6))
        return bytes((0xF0, 0xFF, round(125 + 20 * d.at(t)[1]) & 0xFF)) + rpm.to_bytes(2, "little")

    def limits(d: Drive, t: float, rng: random.Random) -> bytes:
        return bytes((0xC3 if d.at(t)[1] > 1 else 0xC0, 0xFF, 0xFF, 0xE6 if d.at(t)[1] > 1 else 0xFF))

    groups: tuple[tuple[int, float, Signal], ...] = (
        (0x0CF00400, 0.01, eec1),
        (0x0C000003, 0.01, limits),
        (0x0CF00203, 0.01, _engine),
        (0x18F0010B, 0.1, _brake),
        (0x18FEF100, 0.1, ccvs),
        (0x0CF00300, 0.05, _noisy(1)),
        (0x18F00E00, 0.05, _noisy(2)),
        (0x18FEBF0B, 0.1, _wheels),
        (0x18F00503, 0.1, _flags(3)),
        (0x18FEEE00, 1.0, _slow(4)),
        (0x18FEEF00, 0.5, _slow(5)),
        (0x18FEF700, 1.0, _slow(6)),
        (0x18FEF500, 1.0, _slow(7)),
    )
    return tuple(Sender("can0", i, p, s, b"\xff" * 8, extended=True, unit=n % 3) for n, (i, p, s) in enumerate(groups))


def one_drive(rng: random.Random, senders: tuple[Sender, ...], dongle: bool) -> list[Frame]:
    """The frames of a drive by time."""
    course = drive(rng)
    wakes = [rng.uniform(0.0, 1.2) for _ in range(10)]
    sleeps = [DRIVE_S - rng.uniform(0.0, 1.5) for _ in range(10)]
    wanted = [f for s in senders for f in _of(rng, s, course, wakes[s.unit], sleeps[s.unit])]
    if dongle:
        wanted += _dongle(rng, course)
    if senders[0].channel == "can0" and not senders[0].extended:
        wanted += _events(rng)
    for _ in range(rng.randrange(4)):
        wanted.append(Frame(rng.uniform(1.5, DRIVE_S - 2), "can0", 0x08, bytes(8), senders[0].extended, error=True))
    return on_the_bus(wanted)


def _of(rng: random.Random, sender: Sender, course: Drive, begin: float, end: float) -> Iterator[Frame]:
    number, at = rng.randrange(16), begin + rng.uniform(0, sender.period_s)
    drift = 1 + rng.gauss(0, 5e-5)
    before = b""
    while at < end:
        period = sender.period_s * drift * (0.2 if sender.hurried and course.at(at)[1] < -0.8 else 1.0)
        real = at + abs(rng.gauss(0, 0.0001)) + (rng.uniform(0.001, 0.3 * period) if rng.random() < 3e-4 else 0.0)
        body = sender.signals(course, real, rng)
        if sender.prompt and before and body != before and rng.random() < 0.9:
            # Changed since: it was sent at once, some time ago.
            number += 1
            early = real - rng.uniform(0.3, 0.7) * sender.period_s
            yield Frame(early, sender.channel, sender.can_id, _whole(sender, body, number), sender.extended)
        before = body
        number += 1
        if rng.random() > 1e-4:
            yield Frame(real, sender.channel, sender.can_id, _whole(sender, body, number), sender.extended)
        at += period


def _whole(sender: Sender, body: bytes, number: int) -> bytes:
    data = body + sender.constant[len(body) :]
    return guard(data, sender.can_id, number) if sender.guarded else data[: max(len(sender.constant), len(body))]


def _dongle(rng: random.Random, course: Drive) -> Iterator[Frame]:
    """On-board diagnosis, once a second: the speed is asked for and told."""
    at = rng.uniform(2, 3)
    while at < DRIVE_S - 3:
        yield Frame(at, "can0", 0x7DF, bytes.fromhex("02010d5555555555"))
        told = round(course.at(at)[0] * 3.6)
        yield Frame(at + rng.uniform(0.004, 0.02), "can0", 0x7E8, bytes((3, 0x41, 0x0D, told)) + b"\xaa" * 4)
        at += 1.0 + abs(rng.gauss(0, 0.05))


def _events(rng: random.Random) -> Iterator[Frame]:
    """Buttons: three frames in a row when one is pressed, and three when it is let go; a key that is told now and then."""
    for can_id in (0x3C1, 0x3D5):
        at = rng.uniform(1.3, 8)
        while at < DRIVE_S - 3:
            for i in range(6):
                yield Frame(at + 0.02 * i + (0.2 if i > 2 else 0), "can1", can_id, bytes((int(i < 3), 0, 0, 0)))
            at += rng.uniform(1, 9)


def on_the_bus(wanted: list[Frame]) -> list[Frame]:
    """Frames when they get onto their bus: one at a time, each as soon as the bus is free."""
    free: dict[str, float] = {}
    out = []
    for f in sorted(wanted, key=lambda f: (f.at, f.can_id)):
        at = max(f.at, free.get(f.channel, 0.0))
        free[f.channel] = at + FRAME_S
        out.append(Frame(at, f.channel, f.can_id, f.data, f.extended, f.error))
    out.sort(key=lambda f: f.at)
    return out


def drives(rng: random.Random, start: int, seconds: float, senders: tuple[Sender, ...], vehicle: str) -> list[Record]:
    """The records of a drive every hour."""
    out: list[Record] = []
    at = 0.0
    while at < seconds:
        begin = start + round(at * 1e6)
        out += [f.record(vehicle, begin) for f in one_drive(rng, senders, vehicle == VEHICLE) if at + f.at < seconds]
        at += EVERY_S
    return out
