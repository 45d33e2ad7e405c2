"""Modbus/TCP of a site: polling, operators who write, engineering work, devices that fail; strangers, scans, writes, restarts."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario, merged
from ingest.source import Record
from schemas.records import MODBUS

DEVICES: Final = tuple(f"10.20.1.{n}" for n in range(11, 17))
MASTER, STAND_BY, WORKSTATION, INTRUDER = "10.20.0.5", "10.20.0.6", "10.20.0.20", "10.20.0.77"
POLL_S: Final = 15.0
#: What the master reads of every device: function, address, quantity.
POLLS: Final = ((1, 0, 8), (3, 0, 40), (4, 0, 60), (3, 100, 12))
#: Set-points that operators write: holding registers 100 to 111, values 0 to 1,000; coils 0 to 7.
HIGHEST: Final = 1000


def modbus(time: int, client: str, server: str, function: int, address: int | None, **fields: object) -> Record:
    """One answered transaction, time in microseconds since 1970."""
    whole = {
        "site": "pump-house",
        "client": client,
        "client_port": 50_000 + sum(map(ord, client)) % 10_000,
        "server": server,
        "server_port": 502,
        "transaction": time // 1000 % 65_536,
        "unit": 1,
        "function": function,
        "address": address,
        "quantity": None,
        "requested": True,
        "responded": True,
        "latency_ms": 4.0,
    }
    return Record(MODBUS, {"time": time, **whole, **fields})


def _written(rng: random.Random) -> dict[str, Any]:
    """One write of an operator."""
    if rng.random() < 0.4:
        return {"function": 5, "address": rng.randrange(8), "quantity": 1, "request_values": [rng.randrange(2)]}
    values = [rng.randrange(HIGHEST + 1) for _ in range(rng.randint(1, 3))]
    return {"function": 16, "address": 100 + rng.randrange(8), "quantity": len(values), "request_values": values}


def _polls(rng: random.Random, start: int, seconds: float) -> Iterator[Record]:
    """The master's polls; it fails over to its stand-by for a while; each device is down, slow or busy now and then."""
    over = rng.uniform(0.2, 0.8) * seconds
    for server in DEVICES:
        down = rng.uniform(0, seconds) if rng.random() < 0.3 else seconds
        at = rng.uniform(0, POLL_S)
        while at < seconds:
            client = STAND_BY if over <= at < over + 600 else MASTER
            for n, (function, address, quantity) in enumerate(POLLS):
                time = start + round((at + 0.08 * n + rng.uniform(0, 0.02)) * 1e6)
                fields: dict[str, Any] = {"quantity": quantity, "latency_ms": round(rng.lognormvariate(1.4, 0.4), 3)}
                if down <= at < down + 900 or rng.random() < 0.0005:
                    fields |= {"responded": False, "latency_ms": None}
                elif rng.random() < 0.001:
                    fields |= {"exception": 6}  # the device is busy
                yield modbus(time, client, server, function, address, **fields)
            at += POLL_S + rng.gauss(0, 0.05)


def quiet(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """Polls, a few writes an hour, once a piece of engineering: reads of other blocks, a mistyped address, identification."""
    records = list(_polls(rng, start, seconds))
    at = 0.0
    while (at := at + rng.expovariate(1 / 900)) < seconds:
        time = start + round(at * 1e6)
        records.append(modbus(time, MASTER, rng.choice(DEVICES), **_written(rng)))
    work, server = rng.uniform(0.1, 0.9) * seconds, rng.choice(DEVICES)
    for n in range(20):
        time = start + round((work + 5 * n + rng.uniform(0, 3)) * 1e6)
        if n == 0:
            records.append(modbus(time, WORKSTATION, server, 43, None, mei_type=14))
        else:
            wrong = {"exception": 2} if rng.random() < 0.15 else {}
            records.append(modbus(time, WORKSTATION, server, 3, 200 + 10 * n, quantity=10, **wrong))
    records.sort(key=lambda record: record.fields["time"])
    return [record for record in records if record.fields["time"] < start + seconds * 1e6]


SITE: Final = {
    "modbus": {
        "masters": [MASTER, STAND_BY],
        "engineering": [WORKSTATION],
        "writers": [{"client": MASTER}, {"client": STAND_BY}],
        "points": [
            entry
            for server in DEVICES
            for entry in (
                {"server": server, "table": "coil", "first": 0, "last": 7, "writable": True, "high": 1},
                {"server": server, "table": "holding", "first": 0, "last": 99},
                {"server": server, "table": "holding", "first": 100, "last": 111, "writable": True, "high": HIGHEST},
            )
        ],
    }
}
KNOWN: Final = Quiet("modbus", "a master and six devices, with masters, writers and points", quiet, len(DEVICES), SITE)
UNKNOWN: Final = Quiet(
    "modbus_no_facts",
    "a master and six devices of which the site file names the engineering workstation alone",
    quiet,
    len(DEVICES),
    {"modbus": {"engineering": [WORKSTATION]}},
)


@dataclass(frozen=True)
class Attack:
    after_s: float = 900.0
    client: str = INTRUDER
    number: int = 20
    every_s: float = 2.0


Make = Callable[[random.Random, int], dict[str, Any]]


def _attack(make: Make) -> Callable[[list[Record], random.Random, int, Any], Injected]:
    """Transactions of one client with one device, made of (rng, number of the transaction)."""

    def inject(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
        begin = start + round(p.after_s * 1e6)
        server = rng.choice(DEVICES)
        forged = [modbus(begin + round(n * p.every_s * 1e6), p.client, server, **make(rng, n)) for n in range(p.number)]
        both, attack = merged(records, forged)
        return Injected(both, begin, forged[-1].fields["time"], frozenset({server, p.client}), attack)

    return inject


def _reads(rng: random.Random, n: int) -> dict[str, Any]:
    return {"function": 3, "address": 0, "quantity": 40}


def _point_scan(rng: random.Random, n: int) -> dict[str, Any]:
    hole = {"exception": 2} if rng.random() < 0.8 else {}
    return {"function": 3, "address": n * 100, "quantity": 1, **hole}


def _function_scan(rng: random.Random, n: int) -> dict[str, Any]:
    served = n + 1 in (1, 2, 3, 4, 5, 6, 15, 16)
    return {"function": n + 1, "address": None, **({} if served else {"exception": 1})}


def _sweep(rng: random.Random, n: int) -> dict[str, Any]:
    return {"function": 4, "address": 3 * n, "quantity": 3}


def _identify(rng: random.Random, n: int) -> dict[str, Any]:
    return {"function": 43, "address": None, "mei_type": 14}


def _write(rng: random.Random, n: int) -> dict[str, Any]:
    return {"function": 16, "address": 100, "quantity": 1, "request_values": [rng.randrange(HIGHEST)]}


def _beyond(rng: random.Random, n: int) -> dict[str, Any]:
    return {"function": 6, "address": 100 + rng.randrange(12), "request_values": [HIGHEST + rng.randrange(1, 9000)]}


def _elsewhere(rng: random.Random, n: int) -> dict[str, Any]:
    return {"function": 16, "address": rng.randrange(90), "quantity": 2, "request_values": [0, 0]}


def _restart(rng: random.Random, n: int) -> dict[str, Any]:
    return {"function": 8, "address": None, "subfunction": 1}


def _silence(rng: random.Random, n: int) -> dict[str, Any]:
    return {"function": 8, "address": None, "subfunction": 4, "responded": False, "latency_ms": None}


@dataclass(frozen=True)
class Scan(Attack):
    number: int = 100
    every_s: float = 0.3


@dataclass(frozen=True)
class ByMaster(Attack):
    client: str = MASTER
    number: int = 3


@dataclass(frozen=True)
class Once(Attack):
    number: int = 1


QUIET: Final = (KNOWN, UNKNOWN)
SCENARIOS: Final = tuple(
    Scenario(name, threat, says, around, 3600.0, _attack(make), params)
    for name, threat, says, around, make, params in (
        ("modbus_stranger", "SG-17", "a host that is no master reads a block every 2 s", KNOWN, _reads, Attack),
        ("modbus_write_by_stranger", "SG-18", "a host that is no writer sets a set-point", KNOWN, _write, Once),
        (
            "modbus_write_beyond",
            "SG-18",
            "the master's session writes values above their limit",
            KNOWN,
            _beyond,
            ByMaster,
        ),
        ("modbus_write_elsewhere", "SG-18", "the master's session writes outside the map", KNOWN, _elsewhere, ByMaster),
        ("modbus_point_scan", "SG-19", "100 addresses in 30 s, four fifths refused", UNKNOWN, _point_scan, Scan),
        ("modbus_function_scan", "SG-19", "functions 1 to 100 in 30 s", UNKNOWN, _function_scan, Scan),
        ("modbus_sweep", "SG-19", "100 new blocks of a device in 30 s, none refused", UNKNOWN, _sweep, Scan),
        (
            "modbus_identify",
            "SG-19",
            "a host without the engineering role asks who the device is",
            UNKNOWN,
            _identify,
            Once,
        ),
        ("modbus_restart", "SG-20", "a device is told to restart its communication", UNKNOWN, _restart, Once),
        ("modbus_listen_only", "SG-20", "a device is told to fall silent", UNKNOWN, _silence, Once),
    )
)
