"""Diagnosis of a fleet's vehicles, and its misuse.

Workshops with and without trouble, remote reading while driving, a technician who takes a key of another variant. Attacks: keys tried, then
a programming session while driving; identifiers tried one by one.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario
from ingest.lab.vehicle_fleet import HOUR_S, VEHICLES, by_time, injected, record
from ingest.source import Record
from schemas.records import UDS

TESTERS: Final = ("workshop-3", "workshop-8", "remote-service")


def _visit(rng: random.Random, start: int, at: float, vehicle: str) -> Iterator[Record]:
    """A workshop reads everything of some control units, and flashes one of them."""
    tester, ticket = rng.choice(TESTERS[:2]), f"T{rng.randrange(10_000)}"

    def asks(service: int, ecu: int, **fields: object) -> Record:
        return record(
            UDS, start, at, vehicle=vehicle, channel="obd", tester=tester, ecu=f"0x{ecu:02X}", service=service,
            speed_ms=0.0, ticket=ticket, **fields,
        )  # fmt: skip

    for ecu in rng.sample(range(0x10, 0x40), 6):
        yield asks(0x10, ecu, subfunction=3)
        for n in range(rng.randrange(10, 30)):
            at += rng.uniform(0.05, 0.6)
            yield asks(0x22, ecu, identifier=0xF180 + n, nrc=0x31 if rng.random() < 0.3 else None)
        at += rng.uniform(0.1, 1)
        yield asks(0x19, ecu, subfunction=2)
    ecu = 0x10 + rng.randrange(8)
    for wrong in range(rng.choice((0, 0, 1, 2)), -1, -1):
        at += rng.uniform(1, 15)
        yield asks(0x27, ecu, subfunction=1)
        at += 0.1
        yield asks(0x27, ecu, subfunction=2, nrc=0x35 if wrong else None)
    yield asks(0x10, ecu, subfunction=2)
    yield asks(0x34, ecu)
    for _ in range(rng.randrange(40, 90)):
        at += rng.uniform(0.1, 0.4)
        yield asks(0x36, ecu)
    yield asks(0x31, ecu, subfunction=1, identifier=0xFF01)
    yield asks(0x11, ecu, subfunction=1)


def diagnosis(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """Visits to workshops, and fault memories that are read while driving."""
    out: list[Record] = []
    at = 0.0
    first = rng.randrange(VEHICLES)
    while (at := at + rng.expovariate(1 / 400.0)) < seconds:
        first += 1
        out += _visit(rng, start, at, f"v{first % VEHICLES:03d}")
    for _ in range(round(seconds / 60)):
        at, vehicle = rng.uniform(0, seconds), f"v{rng.randrange(VEHICLES):03d}"
        speed = max(0.0, rng.gauss(14, 10))
        for n, service in enumerate((0x3E, 0x19, 0x22, 0x22)):
            fields: dict[str, Any] = {"subfunction": 2} if service == 0x19 else {}
            fields |= {"nrc": rng.choice((0x21, 0x31, 0x78)) if rng.random() < 0.1 else None}
            who = {"vehicle": vehicle, "channel": "telematics", "tester": TESTERS[2], "ecu": "0x10"}
            out.append(record(UDS, start, at + n, **who, service=service, speed_ms=speed, **fields))
    return by_time(out, start + round(seconds * 1e6))


@dataclass(frozen=True)
class Keys:
    keys: int = 10
    every_s: float = 8.0
    speed_ms: float = 15.0


def keys(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A device at the connector tries keys, then opens a programming session while the vehicle moves."""
    begin, vehicle = rng.uniform(1200, 2400), f"v{rng.randrange(VEHICLES):03d}"
    who = {"vehicle": vehicle, "channel": "obd", "tester": "0xF1", "ecu": "0x5A", "speed_ms": p.speed_ms}
    forged = [
        record(UDS, start, begin + i * p.every_s, **who, service=0x27, subfunction=2, nrc=0x36 if i % 3 == 2 else 0x35)
        for i in range(p.keys)
    ]
    end = begin + p.keys * p.every_s
    forged.append(record(UDS, start, end, **who, service=0x10, subfunction=2))
    return injected(records, forged, start, begin, end, "0x5A")


@dataclass(frozen=True)
class Scan:
    identifiers: int = 60
    every_s: float = 0.5


def scan(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A device asks a control unit for one identifier after the other."""
    begin, vehicle = rng.uniform(1200, 2400), f"v{rng.randrange(VEHICLES):03d}"
    who = {"vehicle": vehicle, "channel": "obd", "tester": "0xF1", "ecu": "0x5A", "speed_ms": 0.0}
    forged = [
        record(UDS, start, begin + i * p.every_s, **who, service=0x22, identifier=0x100 + i,
                nrc=rng.choices((0x31, 0x33, None), (80, 10, 10))[0])
        for i in range(p.identifiers)
    ]  # fmt: skip
    return injected(records, forged, start, begin, begin + p.identifiers * p.every_s, "0x5A")


DIAGNOSIS: Final = Quiet("vehicle_diagnosis", "workshops and remote diagnosis of 120 vehicles", diagnosis, VEHICLES)
QUIET: Final = (DIAGNOSIS,)
SCENARIOS: Final = tuple(
    Scenario(name, "ITS-21", says, DIAGNOSIS, HOUR_S, build, params)
    for name, says, build, params in (
        ("uds_key_tried", "ten wrong keys, then a programming session at 15 m/s", keys, Keys),
        ("uds_scan", "sixty identifiers are tried", scan, Scan),
    )
)
