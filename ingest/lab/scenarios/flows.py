"""Conversations of a control network: front ends that lose lines, time, a laptop, an asset scanner that everybody answers; scans, and
content that is rewritten on its way."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario, merged
from ingest.source import Record
from schemas.records import FLOW

FRONT_ENDS: Final = ("10.4.0.1", "10.4.0.2")
DEVICES: Final = tuple((f"10.4.1.{10 + n}", (502, 2404, 20000, 102)[n % 4]) for n in range(24))
LAPTOP, STRANGER, TIME_SERVER = "10.4.2.40", "10.4.2.66", "10.4.0.9"


def flow(time: float, source: str, destination: str, port: int, state: str, **fields: object) -> Record:
    """One conversation, time in microseconds since 1970."""
    whole = {"site": "north", "source": source, "destination": destination, "destination_port": port}
    told = {"source_port": 49_152 + round(time) // 1000 % 16_000, "protocol": "tcp", "state": state}
    return Record(FLOW, {"time": round(time), **whole, **told, **fields})


def _line(rng: random.Random, master: str, device: str, port: int, seconds: float) -> Iterator[tuple[float, str]]:
    """A front end's conversation with a device: it ends now and then, and is tried again until the device answers."""
    at = rng.uniform(0, 20)
    while at < seconds:
        yield at, "established"
        at += rng.expovariate(1 / 5400)
        if rng.random() < 0.5:
            yield at, "reset"
        down = rng.choice((2.0, 5.0, 30.0, 600.0, 1800.0))
        back, retry = at + down, rng.choice((5.0, 10.0, 30.0))
        while (at := at + retry) < back:
            yield at, rng.choice(("attempted", "attempted", "rejected"))


def quiet(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """All of it, by time; once, a switch fails and a front end loses all devices together."""
    out: list[Record] = []
    for n, (device, port) in enumerate(DEVICES):
        master = FRONT_ENDS[n % 2]
        out += [
            flow(start + at * 1e6, master, device, port, state)
            for at, state in _line(rng, master, device, port, seconds)
        ]
    if rng.random() < 0.7:
        begin = rng.uniform(0.2, 0.8) * seconds
        for n in range(12):
            for device, port in DEVICES[::2]:
                at = begin + 10 * n + rng.uniform(0, 0.5)
                out.append(flow(start + at * 1e6, FRONT_ENDS[0], device, port, "attempted"))
    hosts = [*FRONT_ENDS, LAPTOP, *(device for device, _ in DEVICES)]
    at = 0.0
    while (at := at + rng.expovariate(1 / 30)) < seconds:
        out.append(flow(start + at * 1e6, rng.choice(hosts), TIME_SERVER, 123, "established", protocol="udp"))
    # An engineer's laptop looks for its servers, fails, and works with three devices.
    came = rng.uniform(0.1, 0.7) * seconds
    for n, port in enumerate((53, 53, 389, 88, 445, 443, 443, 8530, 3128)):
        out.append(flow(start + (came + 2 * n) * 1e6, LAPTOP, f"10.9.0.{n // 2}", port, "attempted"))
    for n, (device, port) in enumerate(rng.sample(DEVICES, 3)):
        for again in range(3):
            when = start + (came + 60 + 300 * n + 20 * again) * 1e6
            out.append(flow(when, LAPTOP, device, (port, 443, 80)[again], "rejected" if again == 1 else "established"))
    out = [record for record in out if record.fields["time"] < start + seconds * 1e6]
    return sorted(out, key=lambda record: record.fields["time"])


NETWORK: Final = Quiet(
    "control_network", "two front ends, 24 devices, a laptop and a time server", quiet, len(DEVICES) + 4
)


@dataclass(frozen=True)
class Scan:
    after_s: float = 1800.0
    hosts: int = 254
    hz: float = 50.0
    ports: tuple[int, ...] = (502, 2404)


def _answer(devices: dict[str, int], host: str, port: int, rng: random.Random) -> str:
    if devices.get(host) == port:
        return "established"
    return "rejected" if host in devices or rng.random() < 0.05 else "attempted"


def scan(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Every host of a network is called at some ports."""
    begin, devices = start + round(p.after_s * 1e6), dict(DEVICES)
    calls = [(f"10.4.1.{n}", port) for port in p.ports for n in range(1, p.hosts + 1)]
    forged = [
        flow(begin + n / p.hz * 1e6, STRANGER, host, port, _answer(devices, host, port, rng))
        for n, (host, port) in enumerate(calls)
    ]
    both, attack = merged(records, forged)
    return Injected(both, begin, forged[-1].fields["time"], frozenset({STRANGER}), attack)


@dataclass(frozen=True)
class FewHosts(Scan):
    hosts: int = 9
    hz: float = 0.5
    ports: tuple[int, ...] = (20000,)


@dataclass(frozen=True)
class PortScan:
    after_s: float = 1800.0
    ports: int = 400
    hz: float = 40.0


def port_scan(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """The ports of one device are called one after the other."""
    begin = start + round(p.after_s * 1e6)
    device, own = rng.choice(DEVICES)
    ports = rng.sample(range(1, 10_000), p.ports)
    forged = [
        flow(begin + n / p.hz * 1e6, STRANGER, device, port, _answer({device: own}, device, port, rng))
        for n, port in enumerate(ports)
    ]
    both, attack = merged(records, forged)
    return Injected(both, begin, forged[-1].fields["time"], frozenset({STRANGER, device}), attack)


@dataclass(frozen=True)
class Rewritten:
    after_s: float = 1800.0
    seconds: float = 60.0
    every_s: float = 4.0


def rewrite(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Somebody between a front end and a device replaces what they say."""
    begin = start + round(p.after_s * 1e6)
    n = rng.randrange(len(DEVICES))
    (device, port), master = DEVICES[n], FRONT_ENDS[n % 2]
    forged = [
        flow(begin + at * p.every_s * 1e6, master, device, port, "inconsistent")
        for at in range(round(p.seconds / p.every_s))
    ]
    both, attack = merged(records, forged)
    return Injected(both, begin, forged[-1].fields["time"], frozenset({master, device}), attack)


QUIET: Final = (NETWORK,)
SCENARIOS: Final = (
    Scenario("ot_scan", "SG-16", "254 hosts are called at ports 502 and 2404, 50 a second", NETWORK, 3600.0, scan, Scan),
    Scenario("ot_scan_small", "SG-16", "nine hosts are called at port 20000 within 18 s", NETWORK, 3600.0, scan, FewHosts),
    Scenario("ot_port_scan", "SG-16", "400 ports of one device within 10 s", NETWORK, 3600.0, port_scan, PortScan),
    Scenario("content_rewritten", "SG-28", "a front end's conversation is rewritten for a minute", NETWORK, 3600.0, rewrite, Rewritten),
)  # fmt: skip
