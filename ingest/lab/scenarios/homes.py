"""Home networks over days: energy devices, televisions, computers; opened ports, strangers, guessed passwords, bots."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario, merged
from ingest.source import Record
from schemas.records import DNS_QUERY, HOME_EVENT, HOME_FLOW

HOMES: Final = 2
DAY_S: Final = 86_400.0
#: The aggregator polls inverters from outside, through ports that the site allows.
AGGREGATOR: Final = "198.51.100.7"
ALLOWED_PORT: Final = 51_820


@dataclass
class _Device:
    """A device: where it calls at which interval (seconds), and how many places people make it call in an hour of use."""

    home: int
    number: int
    kind: str
    cloud: str = ""
    every_s: float = 0.0
    browses: int = 0
    hours: tuple[int, int] = (0, 24)
    mac: str = field(init=False)

    def __post_init__(self) -> None:
        self.mac = f"02:00:5e:{self.home:02x}:00:{self.number:02x}"

    def flow(self, at: float, start: int, peer: str, name: str | None, port: int | None, **more: object) -> Record:
        fields = {"time": start + round(at * 1e6), "home": f"home-{self.home}", "device": self.mac}
        fields |= {"device_kind": self.kind, "direction": "outbound", "peer": peer, "peer_name": name, "port": port}
        return Record(
            HOME_FLOW, {**fields, "protocol": "tcp", "bytes_out": 2400, "bytes_in": 1800, "packets": 24, **more}
        )

    def event(self, at: float, start: int, event: str, requester: str, **more: object) -> Record:
        fields = {"time": start + round(at * 1e6), "home": f"home-{self.home}", "event": event, "device": self.mac}
        return Record(
            HOME_EVENT, {**fields, "device_kind": self.kind, "requester": requester, "result": "success", **more}
        )

    def asks(self, at: float, start: int, name: str, result: str = "noerror") -> Record:
        fields = {"time": start + round(at * 1e6), "home": f"home-{self.home}", "device": self.mac}
        return Record(DNS_QUERY, {**fields, "name": name, "type": "A", "result": result})


def _devices(home: int) -> dict[str, _Device]:
    return {
        "inverter": _Device(home, 1, "inverter", "sun.example", 900.0),
        "charger": _Device(home, 2, "ev_charger", "charge.example", 900.0),
        "battery": _Device(home, 3, "battery", "store.example", 1200.0),
        "camera": _Device(home, 4, "camera", "cam.example", 600.0),
        "plug": _Device(home, 5, "load", "plug.example", 3600.0),
        "television": _Device(home, 6, "media", "tv.example", 1800.0, 60, (18, 23)),
        "console": _Device(home, 7, "media", "play.example", 3600.0, 20, (16, 22)),
        "computer": _Device(home, 8, "computer", "os.example", 7200.0, 60, (9, 22)),
    }


def _address(name: str, moved: int = 0) -> str:
    number = sum(map(ord, name)) + 7 * moved
    return f"93.{184 + number % 8}.{number % 250}.{10 + moved}"


def _calls(rng: random.Random, device: _Device, start: int, seconds: float) -> Iterator[Record]:
    """Its cloud at even intervals, the time, and once an update from new hosts of its vendor and of a content network."""
    at, moves = rng.uniform(0, device.every_s), rng.uniform(0.5, 1.0) * seconds
    update = rng.uniform(0.6, 1.0) * seconds
    while at < seconds:
        moved = at > moves  # the vendor's cloud moves to another provider
        name = f"broker.{device.cloud}"
        yield device.flow(at, start, _address(name, 9 if moved else rng.randrange(2)), name, 8883)
        if rng.random() < device.every_s / 21_600:
            yield device.flow(
                at + 1, start, _address("ntp", rng.randrange(40)), "2.pool.ntp.example", 123, protocol="udp"
            )
            yield device.asks(at + 0.9, start, f"time.{device.cloud}")
        at += device.every_s + rng.gauss(0, 1.0)
    for n in range(rng.randrange(2, 8)):
        yield device.flow(update + 40 * n, start, f"151.{100 + n}.1.1", f"fw{n}.{device.cloud}", 443, bytes_in=10**6)
    yield device.flow(update + 400, start, "151.101.9.9", None, 443, bytes_in=10**7)


def _uses(rng: random.Random, device: _Device, start: int, seconds: float) -> Iterator[Record]:
    """People browse, watch and share files: many places at once, some of which do not answer."""
    for day in range(int(seconds // DAY_S) + 1):
        for hour in range(*device.hours):
            at = day * DAY_S + hour * 3600 + rng.uniform(0, 3000)
            if rng.random() < 0.5 or at > seconds:
                continue
            for n in range(rng.randrange(device.browses)):
                site = f"s{int(rng.paretovariate(0.6)) % 900}.example"
                lost = rng.random() < 0.05
                yield device.asks(at, start, f"www.{site}", "nxdomain" if rng.random() < 0.03 else "noerror")
                yield device.flow(at, start, _address(site), f"www.{site}", 443, bytes_in=0 if lost else 40_000)
                at += rng.expovariate(1 / 1.5) if n % 20 else rng.uniform(5, 60)
            if device.kind == "computer" and rng.random() < 0.1:
                for _ in range(80):  # file sharing
                    peer = f"{rng.randrange(1, 223)}.{rng.randrange(256)}.{rng.randrange(256)}.7"
                    port = rng.choice((6881, rng.randrange(1024, 65_535)))
                    yield device.flow(at, start, peer, None, port, protocol="udp", bytes_in=rng.choice((0, 900)))
                    at += rng.expovariate(1 / 0.4)


def _household(rng: random.Random, home: int, start: int, seconds: float) -> Iterator[Record]:
    """Commands of the family and of the energy manager, log-ins, port maps of a console, an app with an old password."""
    devices = _devices(home)
    ems, anna, ben = "ems-1", "app-anna", "app-ben"
    at = rng.uniform(0, 600)
    while at < seconds:
        yield devices["battery"].event(at, start, "command", ems, command="charge_power")
        if home == 0:
            yield devices["inverter"].flow(at + 5, start, AGGREGATOR, None, ALLOWED_PORT, direction="inbound")
        at += 3600 + rng.uniform(-60, 60)
    yield devices["inverter"].event(
        30.0, start, "port_map_added", "192.168.1.2", external_port=ALLOWED_PORT, internal_port=502
    )
    lease = rng.uniform(0, 3600)
    while lease < seconds:
        yield devices["console"].event(
            lease, start, "port_map_added", "192.168.1.7", external_port=3074, internal_port=3074
        )
        yield devices["plug"].event(lease + 60, start, "login", "192.168.1.40", result="failure")  # an old password
        lease += 3600
    bought = rng.uniform(0.5, 1.0) * seconds  # Ben's telephone
    for day in range(int(seconds // DAY_S) + 1):
        for half_hour in rng.sample(range(35, 47), rng.randrange(1, 4)):
            at = day * DAY_S + (half_hour + rng.uniform(0.1, 1.0)) * 1800
            who = ben if at > bought and rng.random() < 0.6 else anna
            charger = devices["charger"]
            for n in range(rng.choice((0, 0, 0, 1, 3))):
                yield charger.event(at - 60 + 9 * n, start, "login", f"192.168.1.{20 + day}", result="failure")
            yield charger.event(at - 20, start, "login", f"192.168.1.{20 + day}")  # a lease a day
            yield charger.event(at, start, "command", who, command=rng.choice(("charge_limit", "charge_start")))


def quiet(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """Flows, events and questions of some homes."""
    records: list[Record] = []
    for home in range(HOMES):
        for device in _devices(home).values():
            records += _calls(rng, device, start, seconds)
            records += _uses(rng, device, start, seconds) if device.browses else ()
        records += _household(rng, home, start, seconds)
    records.sort(key=lambda record: record.fields["time"])
    return [record for record in records if start <= record.fields["time"] < start + seconds * 1e6]


FACTS: Final = {"homes": {"brokers": ["198.51.100.0/24"], "open_ports": [ALLOWED_PORT]}}
KNOWN: Final = Quiet("homes", "homes with energy devices, the brokers known", quiet, 8 * HOMES, FACTS)
UNKNOWN: Final = Quiet(
    "homes_no_facts",
    "homes of which only the allowed port is known",
    quiet,
    8 * HOMES,
    {"homes": {"open_ports": [ALLOWED_PORT]}},
)
SECONDS: Final = 4 * DAY_S


def _begin(rng: random.Random, hour: float) -> float:
    """On the last day, some time after an hour."""
    return SECONDS - DAY_S + (hour + rng.uniform(0, 1.5)) * 3600


def _put(records: list[Record], forged: list[Record], device: _Device, *more: str) -> Injected:
    forged.sort(key=lambda record: record.fields["time"])
    both, attack = merged(records, forged)
    times = [record.fields["time"] for record in forged]
    return Injected(both, times[0], times[-1], frozenset({device.mac, *more}), attack)


@dataclass(frozen=True)
class Opened:
    external_port: int = 8443
    controls: int = 20
    maps: bool = True
    peer: str = "203.0.113.66"


def opened(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A port is opened to the inverter, and a stranger comes in."""
    inverter, at = _devices(1)["inverter"], _begin(rng, 12)
    forged = [
        inverter.flow(at + 60 + 20 * n, start, p.peer, None, p.external_port, direction="inbound")
        for n in range(p.controls)
    ]
    if p.maps:
        port = {"external_port": p.external_port, "internal_port": 443}
        forged.append(inverter.event(at, start, "port_map_added", "192.168.1.8", **port))
    return _put(records, forged, inverter, p.peer)


@dataclass(frozen=True)
class Reached(Opened):
    maps: bool = False


@dataclass(frozen=True)
class Guessed:
    failures: int = 12
    every_s: float = 15.0


def guessed(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Somebody guesses the charger's password."""
    charger, at = _devices(0)["charger"], _begin(rng, 10)
    forged = [
        charger.event(
            at + n * p.every_s, start, "login", "203.0.113.66", result="failure" if n < p.failures else "success"
        )
        for n in range(p.failures + 1)
    ]
    return _put(records, forged, charger, "203.0.113.66")


@dataclass(frozen=True)
class Stranger:
    commands: int = 3
    hour: float = 3.5


def stranger(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A controller that nobody knows stops the charger at night."""
    charger, at = _devices(0)["charger"], _begin(rng, p.hour)
    forged = [charger.event(at + 60 * n, start, "command", "app-eve", command="charge_stop") for n in range(p.commands)]
    return _put(records, forged, charger, "app-eve")


@dataclass(frozen=True)
class Bot:
    hosts: int = 200
    scan_s: float = 30.0
    beacon_s: float = 60.0
    beacons: int = 60
    jitter: float = 0.02


def bot(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """The camera knocks at the telnet port of many hosts, then calls its master at even intervals."""
    camera, at = _devices(0)["camera"], _begin(rng, 6)
    forged = [
        camera.flow(
            at + n / p.hosts * p.scan_s,
            start,
            f"{rng.randrange(1, 223)}.{rng.randrange(256)}.{rng.randrange(256)}.9",
            None,
            23,
            bytes_in=0,
            bytes_out=60,
        )
        for n in range(p.hosts)
    ]
    forged += [
        camera.flow(
            at + p.scan_s + (n + rng.gauss(0, p.jitter)) * p.beacon_s, start, "203.0.113.66", None, 6667, bytes_in=300
        )
        for n in range(1, p.beacons + 1)
    ]
    return _put(records, forged, camera, "203.0.113.66")


@dataclass(frozen=True)
class Beacon(Bot):
    hosts: int = 0


@dataclass(frozen=True)
class Places:
    places: int = 5
    every_s: float = 1200.0


def places(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """The plug takes part in an attack: it calls several hosts that it never called."""
    plug, at = _devices(1)["plug"], _begin(rng, 6)
    forged = [plug.flow(at + n * p.every_s, start, f"203.0.{n}.66", None, 80, bytes_out=10**6) for n in range(p.places)]
    return _put(records, forged, plug)


@dataclass(frozen=True)
class Seeks:
    names: int = 120
    every_s: float = 3.0


def seeks(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """The camera asks for made-up domains until one exists."""
    camera, at = _devices(1)["camera"], _begin(rng, 6)
    forged = [
        camera.asks(at + n * p.every_s, start, f"{rng.randbytes(6).hex()}.example", "nxdomain") for n in range(p.names)
    ]
    return _put(records, forged, camera)


QUIET: Final = (KNOWN, UNKNOWN)
SCENARIOS: Final = tuple(
    Scenario(name, threat, says, around, SECONDS, inject, params)
    for name, threat, says, around, inject, params in (
        ("home_opened", "HN-01", "port 8443 is opened to an inverter, and a stranger comes in", KNOWN, opened, Opened),
        ("home_reached", "HN-01", "a stranger comes in where no brokers are listed", UNKNOWN, opened, Reached),
        ("home_guessed", "HN-01", "12 failed log-ins at a charger, then one succeeds", KNOWN, guessed, Guessed),
        ("home_stranger", "HN-01", "a new controller stops a charger at night", KNOWN, stranger, Stranger),
        (
            "home_bot",
            "HN-02",
            "a camera knocks at 200 hosts in 30 s, then calls its master every minute",
            KNOWN,
            bot,
            Bot,
        ),
        ("home_beacon", "HN-02", "a camera calls a new host every minute", UNKNOWN, bot, Beacon),
        ("home_new_places", "HN-02", "a plug calls 5 hosts that it never called", KNOWN, places, Places),
        ("home_made_up_names", "HN-02", "a camera asks for 120 domains that do not exist", KNOWN, seeks, Seeks),
    )
)
