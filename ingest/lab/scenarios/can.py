"""Attacks on the CAN buses of a car and of a truck, in the middle of a drive."""

import random
from dataclasses import dataclass, replace
from typing import Any, Final

from ingest.lab.can_network import (
    BRAKE,
    DRIVE_S,
    ENGINE,
    SPEED,
    TRUCK,
    VEHICLE,
    WHEELS,
    Frame,
    car,
    drives,
    guard,
    on_the_bus,
    truck,
    word,
)
from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario
from ingest.source import Record

CAR: Final = Quiet(
    "can_car",
    "two buses of a car, 40 identifiers, a drive of 40 s an hour",
    lambda rng, start, seconds: drives(rng, start, seconds, car(), VEHICLE),
    1,
    {"can": {"bitrate": 500_000}},
)
LORRY: Final = Quiet(
    "can_truck",
    "the J1939 bus of a truck, 13 identifiers, a drive of 40 s an hour",
    lambda rng, start, seconds: drives(rng, start, seconds, truck(), TRUCK),
    1,
    {"can": {"bitrate": 250_000}},
)
BUS: Final = "can0"


def _frames(records: list[Record], start: int) -> list[Frame]:
    return [
        Frame((f["time"] - start) / 1e6, f["channel"], f["can_id"], f["data"], f["extended"], f["error"])
        for f in (r.fields for r in records)
    ]


def _begin(rng: random.Random) -> float:
    """While the vehicle drives, seconds."""
    return rng.uniform(17.0, 20.0)


def _put(
    records: list[Record], start: int, begin: float, end: float, real: list[Frame], forged: list[Frame]
) -> Injected:
    """Real and forged frames share the bus: what finds it busy waits."""
    marks = {id(f.data) for f in forged}
    frames = on_the_bus([*real, *forged])
    vehicle = records[0].fields["vehicle"]
    attack = tuple(i for i, f in enumerate(frames) if id(f.data) in marks)
    out = [f.record(vehicle, start) for f in frames]
    return Injected(out, start + round(begin * 1e6), start + round(end * 1e6), frozenset({BUS}), attack)


def _own(data: bytes) -> bytes:
    """Bytes that are an object of their own."""
    return bytes(bytearray(data))


@dataclass(frozen=True)
class Flood:
    can_id: int = 0
    every_s: float = 0.0003
    seconds: float = 1.0


def flood(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """An identifier of the highest priority fills the bus."""
    begin = _begin(rng)
    forged = [Frame(begin + i * p.every_s, BUS, p.can_id, _own(bytes(8))) for i in range(round(p.seconds / p.every_s))]
    return _put(records, start, begin, begin + p.seconds, _frames(records, start), forged)


@dataclass(frozen=True)
class Inject:
    can_id: int = SPEED
    every_s: float = 0.010
    seconds: float = 3.0
    value: float = 0.0


def inject(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Forged frames between the real ones; counter and checksum are right in themselves."""
    begin = _begin(rng)
    forged = [
        Frame(begin + i * p.every_s, BUS, p.can_id, guard(word(p.value) + word(p.value), p.can_id, i))
        for i in range(round(p.seconds / p.every_s))
    ]
    return _put(records, start, begin, begin + p.seconds, _frames(records, start), forged)


@dataclass(frozen=True)
class Brakes(Inject):
    can_id: int = BRAKE
    every_s: float = 0.05
    value: float = 280.0


@dataclass(frozen=True)
class BrakesTwice(Brakes):
    every_s: float = 0.025


@dataclass(frozen=True)
class Command:
    source: int = 0x0B
    every_s: float = 0.01
    seconds: float = 2.0


def command(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A control unit that never did commands the engine's speed (TSC1)."""
    begin = _begin(rng)
    data = bytes.fromhex("C97070DDFFF0FFFF")
    forged = [
        Frame(begin + i * p.every_s, BUS, 0x0C000000 | p.source, _own(data), True)
        for i in range(round(p.seconds / p.every_s))
    ]
    return _put(records, start, begin, begin + p.seconds, _frames(records, start), forged)


@dataclass(frozen=True)
class Suspend:
    can_id: int = SPEED
    seconds: float = 5.0


def suspend(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """An identifier is missing for a while."""
    begin = _begin(rng)
    real = [f for f in _frames(records, start) if f.can_id != p.can_id or not begin <= f.at < begin + p.seconds]
    return _put(records, start, begin, begin + p.seconds, real, [])


@dataclass(frozen=True)
class Masquerade:
    can_id: int = WHEELS
    seconds: float = 8.0
    frozen: int = 2  # bytes from the first on that keep the value
    counts: bool = True  # whether the forger knows the alive counter
    skew_ppm: float = 0.0  # by which the forger's clock is slow


def masquerade(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """The control unit is silenced, and another one sends its identifier in its place, with a signal that stays the same."""
    begin = _begin(rng)
    real, forged, held = [], [], b""
    for f in _frames(records, start):
        if f.can_id != p.can_id or not begin <= f.at < begin + p.seconds:
            real.append(f)
            continue
        held = held or f.data[: p.frozen]
        body = held + f.data[p.frozen : 7]
        number = f.data[7] & 15 if p.counts else rng.randrange(16)
        at = begin + (f.at - begin) * (1 + p.skew_ppm * 1e-6)
        forged.append(replace(f, at=at, data=guard(body, p.can_id, number)))
    return _put(records, start, begin, begin + p.seconds, real, forged)


@dataclass(frozen=True)
class Counter(Masquerade):
    can_id: int = ENGINE
    seconds: float = 3.0
    frozen: int = 0
    counts: bool = False


@dataclass(frozen=True)
class Skewed(Masquerade):
    can_id: int = SPEED
    frozen: int = 0
    skew_ppm: float = 120.0


@dataclass(frozen=True)
class Fuzz:
    every_s: float = 0.02
    seconds: float = 5.0
    known: bool = False  # whether the identifiers are those of the bus


def fuzz(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Random identifiers and data."""
    begin = _begin(rng)
    real = _frames(records, start)
    ids = sorted({f.can_id for f in real if f.channel == BUS and f.can_id < 0x700})
    forged = [
        Frame(
            begin + i * p.every_s,
            BUS,
            rng.choice(ids) if p.known else rng.randrange(1, 0x6FF),
            rng.randbytes(8 if p.known else rng.randrange(1, 9)),
        )
        for i in range(round(p.seconds / p.every_s))
    ]
    return _put(records, start, begin, begin + p.seconds, real, forged)


@dataclass(frozen=True)
class FuzzKnown(Fuzz):
    known: bool = True


@dataclass(frozen=True)
class Diagnose:
    keys: int = 10
    every_s: float = 0.4


def diagnose(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A device at the diagnostic connector tries keys, then asks for a programming session while the car drives."""
    begin = _begin(rng)
    forged = []
    for i in range(p.keys):
        at = begin + p.every_s * i
        key = bytes.fromhex("062702") + rng.randbytes(4) + b"\x55"
        forged += [
            Frame(at, BUS, 0x7E0, bytes.fromhex("0227015555555555")),
            Frame(at + 0.02, BUS, 0x7E8, bytes.fromhex("066701") + rng.randbytes(4) + b"\xaa"),
            Frame(at + 0.1, BUS, 0x7E0, key),
            Frame(at + 0.12, BUS, 0x7E8, _own(bytes.fromhex("037f2735aaaaaaaa"))),
        ]
    end = begin + p.every_s * p.keys
    forged.append(Frame(end, BUS, 0x7E0, bytes.fromhex("0210025555555555")))
    return _put(records, start, begin, end + 1, _frames(records, start), forged)


@dataclass(frozen=True)
class BusOff:
    can_id: int = SPEED
    errors: int = 32
    gap_s: float = 0.2
    times: int = 1


def bus_off(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Every frame of an identifier is destroyed until its control unit goes off the bus, for a while."""
    real, forged = _frames(records, start), []
    begin = at = _begin(rng)
    for _ in range(p.times):
        forged += [Frame(at + 0.0011 * i, BUS, 0x88, _own(bytes(8)), error=True) for i in range(p.errors)]
        silent = at + 0.0011 * p.errors + p.gap_s
        real = [f for f in real if f.can_id != p.can_id or not at <= f.at < silent]
        at = silent + 1.5
    return _put(records, start, begin, at, real, forged)


@dataclass(frozen=True)
class Repeated(BusOff):
    can_id: int = WHEELS
    times: int = 3


QUIET: Final = (CAR, LORRY)
SCENARIOS: Final = tuple(
    Scenario(name, threat, says, quiet, DRIVE_S + 1, build, params)
    for name, threat, says, quiet, build, params in (
        ("can_flood", "ITS-17", "identifier 0 every 0.3 ms for a second", CAR, flood, Flood),
        ("can_speed_injected", "ITS-18", "forged speed frames every 10 ms between the real ones", CAR, inject, Inject),
        ("can_brake_injected", "ITS-18", "a forged brake frame between two real ones", CAR, inject, Brakes),
        ("j1939_engine_commanded", "ITS-18", "the brakes' address commands 3598 rpm for 2 s", LORRY, command, Command),
        ("can_suspended", "ITS-19", "the speed is missing for 5 s", CAR, suspend, Suspend),
        (
            "can_masquerade_frozen",
            "ITS-19",
            "wheel speeds of another sender stay the same for 8 s",
            CAR,
            masquerade,
            Masquerade,
        ),
        ("can_masquerade_counter", "ITS-19", "another sender that does not know the counter", CAR, masquerade, Counter),
        ("can_fuzz", "ITS-20", "random identifiers and data, 50 a second for 5 s", CAR, fuzz, Fuzz),
        (
            "can_fuzz_known",
            "ITS-20",
            "random data under the identifiers of the bus, 50 a second for 5 s",
            CAR,
            fuzz,
            FuzzKnown,
        ),
        (
            "can_key_tried",
            "ITS-21",
            "ten wrong keys, then a programming session while driving",
            CAR,
            diagnose,
            Diagnose,
        ),
        ("can_bus_off", "ITS-22", "32 error frames, then the speed is missing for 200 ms", CAR, bus_off, BusOff),
        ("can_bus_off_thrice", "ITS-22", "the wheel speeds are driven off the bus three times", CAR, bus_off, Repeated),
    )
)
EXPERIMENTS: Final = tuple(
    Scenario(name, threat, says, CAR, DRIVE_S + 1, build, params)
    for name, threat, says, build, params in (
        ("can_masquerade_skewed", "ITS-19", "another sender, 120 ppm slower, all else right", masquerade, Skewed),
        ("can_brake_injected_twice", "ITS-18", "two forged brake frames between two real ones", inject, BrakesTwice),
    )
)
