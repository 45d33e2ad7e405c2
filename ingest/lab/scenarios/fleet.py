"""A vehicle fleet seen from its back-ends: diagnosis, updates over the air, remote commands; and attacks on them.

Diagnosis: workshops with and without trouble, remote reading while driving, a technician who takes a key of another variant. Updates: 120
vehicles in two regions that check every few hours or are parked for days, a campaign in waves, garages without a network, broken
downloads, full memories, workshops that install by cable. Requests: holders with a car or two, some on a journey, a depot in the
morning, an insurer that reads by night, a recall under an order.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario, merged
from ingest.source import Record
from schemas.records import FLEET_REQUEST, OTA_EVENT, UDS
from schemas.types import Schema

HOUR_S, DAY_S = 3600.0, 86_400.0
VEHICLES: Final = 120
BACKEND: Final = {OTA_EVENT: "ota-1", FLEET_REQUEST: "fleet-1"}
TESTERS: Final = ("workshop-3", "workshop-8", "remote-service")


def _record(schema: Schema, start: int, at: float, **fields: object) -> Record:
    if schema in BACKEND:
        fields["backend"] = BACKEND[schema]
    return Record(schema, {"time": start + round(at * 1e6), **fields})


def _by_time(records: list[Record], end: int) -> list[Record]:
    return sorted((r for r in records if r.fields["time"] < end), key=lambda r: r.fields["time"])


# Diagnosis.
def _visit(rng: random.Random, start: int, at: float, vehicle: str) -> Iterator[Record]:
    """A workshop reads everything of some control units, and flashes one of them."""
    tester, ticket = rng.choice(TESTERS[:2]), f"T{rng.randrange(10_000)}"

    def asks(service: int, ecu: int, **fields: object) -> Record:
        return _record(
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
            out.append(_record(UDS, start, at + n, **who, service=service, speed_ms=speed, **fields))
    return _by_time(out, start + round(seconds * 1e6))


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
        _record(UDS, start, begin + i * p.every_s, **who, service=0x27, subfunction=2, nrc=0x36 if i % 3 == 2 else 0x35)
        for i in range(p.keys)
    ]
    end = begin + p.keys * p.every_s
    forged.append(_record(UDS, start, end, **who, service=0x10, subfunction=2))
    return _injected(records, forged, start, begin, end, "0x5A")


@dataclass(frozen=True)
class Scan:
    identifiers: int = 60
    every_s: float = 0.5


def scan(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A device asks a control unit for one identifier after the other."""
    begin, vehicle = rng.uniform(1200, 2400), f"v{rng.randrange(VEHICLES):03d}"
    who = {"vehicle": vehicle, "channel": "obd", "tester": "0xF1", "ecu": "0x5A", "speed_ms": 0.0}
    forged = [
        _record(UDS, start, begin + i * p.every_s, **who, service=0x22, identifier=0x100 + i,
                nrc=rng.choices((0x31, 0x33, None), (80, 10, 10))[0])
        for i in range(p.identifiers)
    ]  # fmt: skip
    return _injected(records, forged, start, begin, begin + p.identifiers * p.every_s, "0x5A")


def _injected(
    records: list[Record], forged: list[Record], start: int, begin: float, end: float, *entities: str
) -> Injected:
    both, attack = merged(records, forged)
    return Injected(both, start + round(begin * 1e6), start + round(end * 1e6), frozenset(entities), attack)


# Updates over the air.
IMAGES: Final = {"4.1": "a1" * 16, "4.2": "b2" * 16}


@dataclass
class _Vehicle:
    name: str
    region: str
    every_s: float
    counter: int = 41
    version: str = "4.1"

    def says(self, start: int, at: float, event: str, **fields: object) -> Record:
        own = {"vehicle": self.name, "region": self.region, "event": event, "result": "done"}
        return _record(OTA_EVENT, start, at, **{**own, **fields})

    def report(self, start: int, at: float) -> Record:
        return self.says(start, at, "report", ecu="gateway", version=self.version, release_counter=self.counter)


def _checks(start: int, at: float) -> dict[str, object]:
    """Metadata that a vehicle has after a check: a timestamp every 12 hours, valid for two days; the others every few days."""
    number = int((start / 1e6 + at) // (DAY_S / 2))
    expiry = round((number + 4) * DAY_S / 2 * 1e6)
    return {
        "timestamp_version": number,
        "snapshot_version": number // 6,
        "targets_version": number // 10,
        "timestamp_expiry": expiry,
    }


def updates(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """Checks, reports, and a campaign in waves."""
    out: list[Record] = []
    for n in range(VEHICLES):
        vehicle = _Vehicle(f"v{n:03d}", ("north", "south")[n % 2], rng.uniform(4, 9) * HOUR_S)
        wave = rng.uniform(0.05, 0.5) * seconds
        parked = rng.uniform(0, seconds) if rng.random() < 0.2 else seconds
        at = rng.uniform(0, vehicle.every_s)
        while at < seconds:
            if parked < at < parked + 2 * DAY_S:
                at = parked + 2 * DAY_S
            # A cache on the way is a little old now and then.
            out.append(vehicle.says(start, at, "check", **_checks(start, at - (1200 if rng.random() < 0.05 else 0))))
            out.append(vehicle.report(start, at + 2))
            if at > wave and vehicle.version == "4.1":
                out += _update(rng, vehicle, start, at + 60, by_cable=rng.random() < 0.05)
            at += vehicle.every_s * rng.uniform(0.8, 1.2)
    return _by_time(out, start + round(seconds * 1e6))


def _update(rng: random.Random, vehicle: _Vehicle, start: int, at: float, by_cable: bool) -> Iterator[Record]:
    image = {"ecu": "gateway", "version": "4.2", "image_hash": IMAGES["4.2"], "campaign": "C42"}
    if by_cable:
        yield vehicle.says(
            start,
            at,
            "install",
            **{**image, "campaign": None, "work_order": f"W{rng.randrange(999)}"},
            release_counter=42,
        )
    else:
        rate = 10 ** rng.gauss(6.0, 0.4) * (0.02 if rng.random() < 0.03 else 1.0)
        takes = 2e9 / rate
        for part in range(1, int(min(takes, 3 * HOUR_S) // 1200) + 1):
            yield vehicle.says(
                start, at + 1200.0 * part, "download", **image, result="going_on", rate=rate, duration_s=1200.0 * part
            )
        wrong = rng.choices((None, "network", "space", "hash", "condition"), (88, 5, 3, 2, 2))[0]
        end = at + min(takes, 3 * HOUR_S)
        result = "failed" if wrong else "done"
        yield vehicle.says(start, end, "download", **image, result=result, error=wrong, rate=rate, duration_s=end - at)
        if wrong:
            return
        yield vehicle.says(start, end + 300, "install", **image, release_counter=42)
    vehicle.version, vehicle.counter = "4.2", 42


@dataclass(frozen=True)
class Rollback:
    version: str = "3.9"
    counter: int | None = 39
    image_hash: str | None = None
    campaign: str | None = "C42"


def rollback(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A vehicle installs an image that is not the campaign's, with a signature that holds."""
    begin = rng.uniform(0.85, 0.95) * DAY_S
    vehicle = rng.choice(sorted({r.fields["vehicle"] for r in records if r.fields["event"] == "report"}))
    own = {"vehicle": vehicle, "region": "north", "ecu": "gateway", "version": p.version, "result": "done"}
    more = {"release_counter": p.counter, "campaign": p.campaign, "image_hash": p.image_hash}
    forged = [
        _record(OTA_EVENT, start, begin + 60 * i, **own, **more, event=e) for i, e in enumerate(("install", "report"))
    ]
    return _injected(records, forged, start, begin, begin + DAY_S, vehicle)


@dataclass(frozen=True)
class Implant(Rollback):
    version: str = "4.2"
    counter: int | None = 42
    image_hash: str | None = "66" * 16


@dataclass(frozen=True)
class Frozen:
    share: float = 0.05
    days: float = 2.0


def frozen(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A mirror serves some of its vehicles the metadata of the beginning again and again."""
    begin = start + round(rng.uniform(0.4, 0.6) * DAY_S * 1e6)
    # Those that are driven: who does not ask gets nothing old.
    asks = Counter(
        r.fields["vehicle"]
        for r in records
        if r.fields["event"] == "check" and r.fields["time"] > begin and r.fields["region"] == "north"
    )
    driven = sorted(vehicle for vehicle, number in asks.items() if number > 6)
    victims = set(rng.sample(driven, max(4, round(p.share * VEHICLES))))
    old = _checks(start, (begin - start) / 1e6)
    out, attack = list(records), []
    for i, r in enumerate(records):
        f = r.fields
        if f["event"] == "check" and f["vehicle"] in victims and begin <= f["time"] < begin + p.days * DAY_S * 1e6:
            out[i] = Record(OTA_EVENT, {**f, **old})
            attack.append(i)
    end = begin + round(p.days * DAY_S * 1e6)
    return Injected(out, begin, end, frozenset({BACKEND[OTA_EVENT]}), tuple(attack))


@dataclass(frozen=True)
class Slow:
    vehicles: int = 14
    rate: float = 5000.0  # byte/s
    result: str = "going_on"
    error: str | None = None


def slow(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A mirror hands out the image at a crawl, or breaks the downloads off."""
    # After most of the campaign, when the usual rate is known.
    done = [r.fields["time"] for r in records if r.fields["event"] == "download" and r.fields["result"] != "going_on"]
    north = [
        r.fields["time"] for r in records
        if r.fields["event"] == "download" and r.fields["result"] != "going_on" and r.fields["region"] == "north"
    ]  # fmt: skip
    begin = (north[-3] if len(north) > 3 else done[-1]) / 1e6 - start / 1e6 + HOUR_S
    image = {"ecu": "gateway", "version": "4.2", "image_hash": IMAGES["4.2"], "campaign": "C42"}
    forged = []
    for n in range(p.vehicles):
        own = {"vehicle": f"v{200 + n}", "region": "north", "event": "download", "result": p.result, "error": p.error}
        for part in range(2, 6):
            at = begin + rng.uniform(0, 60) + 1200.0 * part
            forged.append(
                _record(
                    OTA_EVENT, start, at, **own, **image, rate=p.rate * rng.uniform(0.5, 2), duration_s=1200.0 * part
                )
            )
    return _injected(
        records, sorted(forged, key=lambda r: r.fields["time"]), start, begin, begin + 2 * HOUR_S, BACKEND[OTA_EVENT]
    )


@dataclass(frozen=True)
class Dropped(Slow):
    rate: float = 400_000.0
    result: str = "failed"
    error: str | None = "network"


# Requests to the back-end.
def _holder(rng: random.Random, n: int, start: int, seconds: float) -> Iterator[Record]:
    """Looks at the car and gives it a command now and then; some are on a journey."""
    cars = [f"v{n:03d}"] + ([f"v{n + 60:03d}"] if n % 5 == 0 else [])
    own = {"account": f"app-{n:03d}", "owned": True}
    abroad = rng.uniform(0, seconds) if n % 9 == 0 else seconds
    at = rng.expovariate(1 / 900.0)
    while at < seconds:
        host = {"host": f"198.51.{n % 50}.{rng.randrange(1, 4)}", "country": "DE" if at < abroad else "AT"}
        yield _record(
            FLEET_REQUEST,
            start,
            at,
            **own,
            **host,
            action="log_on",
            result="done" if rng.random() < 0.97 else "refused",
        )
        for _ in range(rng.randrange(1, 5)):
            at += rng.uniform(2, 40)
            action = rng.choices(
                ("read", "climate", "lock", "unlock", "charge_stop", "signal"), (60, 12, 10, 10, 4, 4)
            )[0]
            if at < abroad or at > abroad + HOUR_S or action == "read":
                result = rng.choices(("done", "failed"), (95, 5))[0]
                yield _record(
                    FLEET_REQUEST,
                    start,
                    at,
                    **own,
                    **host,
                    vehicle=rng.choice(cars),
                    action=action,
                    result=result,
                    records=1,
                )
        at += rng.expovariate(1 / 3600.0)


def requests(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """Holders, a depot, an insurer, a recall; somebody who mistypes the number of a car."""
    out = [r for n in range(60) for r in _holder(rng, n, start, seconds)]
    for hour in range(0, int(seconds // HOUR_S) + 1, 6):
        at = hour * HOUR_S + rng.uniform(0, 600)
        for n in range(40):
            depot = {"account": "depot", "host": "203.0.113.7", "country": "DE", "vehicle": f"d{n:03d}", "owned": True}
            out.append(_record(FLEET_REQUEST, start, at + 9 * n, **depot, action="start", result="done"))
            out.append(_record(FLEET_REQUEST, start, at + 9 * n + 2, **depot, action="read", result="done", records=5))
    for n in range(80):
        recall = {"account": "maker", "host": "203.0.113.9", "country": "DE", "work_order": "R17", "owned": True}
        out.append(
            _record(
                FLEET_REQUEST, start, 2000.0 + 3 * n, **recall, vehicle=f"v{n:03d}", action="configure", result="done"
            )
        )
    insurer = {"account": "insurer", "host": "203.0.113.11", "country": "DE", "owned": True}
    for n in range(45):
        out.append(
            _record(
                FLEET_REQUEST,
                start,
                4000.0 + 2 * n,
                **insurer,
                vehicle=f"v{n:03d}",
                action="read",
                result="done",
                records=200,
            )
        )
    for _ in range(3):
        holder = {"account": "app-007", "host": "198.51.7.1", "country": "DE", "owned": False}
        out.append(
            _record(
                FLEET_REQUEST, start, rng.uniform(0, seconds), **holder, vehicle="v999", action="read", result="refused"
            )
        )
    return _by_time(out, start + round(seconds * 1e6))


@dataclass(frozen=True)
class Unlock:
    vehicles: int = 80
    seconds: float = 180.0
    action: str = "unlock"
    owned: bool | None = None
    records: int | None = None


def unlock(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """One token acts on many vehicles, one after the other."""
    begin, account = rng.uniform(2400, 4800), f"app-{rng.randrange(60):03d}"
    own = {"account": account, "host": "192.0.2.66", "country": "DE", "action": p.action, "owned": p.owned}
    forged = [
        _record(
            FLEET_REQUEST,
            start,
            begin + i * p.seconds / p.vehicles,
            **own,
            vehicle=f"v{i:03d}",
            result="done",
            records=p.records,
        )
        for i in range(p.vehicles)
    ]
    return _injected(records, forged, start, begin, begin + p.seconds, account)


@dataclass(frozen=True)
class Export(Unlock):
    vehicles: int = 400
    seconds: float = 1800.0
    action: str = "read"
    records: int | None = 500


@dataclass(frozen=True)
class Foreign(Unlock):
    vehicles: int = 3
    owned: bool | None = False


DIAGNOSIS: Final = Quiet("vehicle_diagnosis", "workshops and remote diagnosis of 120 vehicles", diagnosis, VEHICLES)
UPDATES: Final = Quiet(
    "ota_updates", "updates over the air of 120 vehicles", updates, VEHICLES,
    {"vehicles": {"images": [{"image_hash": h, "version": v} for v, h in IMAGES.items()]}},
)  # fmt: skip
REQUESTS: Final = Quiet(
    "fleet_requests", "60 holders, a depot, an insurer and a recall", requests, 64,
    {"vehicles": {"accounts": [{"account": "depot", "vehicles": 50}]}},
)  # fmt: skip
QUIET: Final = (DIAGNOSIS, UPDATES, REQUESTS)
SCENARIOS: Final = tuple(
    Scenario(name, threat, says, quiet, seconds, build, params)
    for name, threat, says, quiet, seconds, build, params in (
        (
            "uds_key_tried",
            "ITS-21",
            "ten wrong keys, then a programming session at 15 m/s",
            DIAGNOSIS,
            HOUR_S,
            keys,
            Keys,
        ),
        ("uds_scan", "ITS-21", "sixty identifiers are tried", DIAGNOSIS, HOUR_S, scan, Scan),
        ("ota_rollback", "ITS-23", "3.9 runs after 4.1 or 4.2", UPDATES, DAY_S, rollback, Rollback),
        (
            "ota_implant",
            "ITS-23",
            "the right version with a hash that nobody approved",
            UPDATES,
            DAY_S,
            rollback,
            Implant,
        ),
        (
            "ota_frozen",
            "ITS-24",
            "old metadata for 5 % of the vehicles, for two days",
            UPDATES,
            3 * DAY_S,
            frozen,
            Frozen,
        ),
        ("ota_slow", "ITS-24", "a mirror hands out the image at 5 kB/s", UPDATES, 2 * DAY_S, slow, Slow),
        ("ota_dropped", "ITS-24", "a region's downloads break off", UPDATES, 2 * DAY_S, slow, Dropped),
        (
            "fleet_unlocked",
            "ITS-25",
            "one token unlocks 80 vehicles in three minutes",
            REQUESTS,
            2 * HOUR_S,
            unlock,
            Unlock,
        ),
        (
            "fleet_foreign",
            "ITS-25",
            "a token unlocks three vehicles on which it has no rights",
            REQUESTS,
            2 * HOUR_S,
            unlock,
            Foreign,
        ),
        (
            "fleet_exported",
            "ITS-25",
            "an account reads 400 vehicles in half an hour",
            REQUESTS,
            2 * HOUR_S,
            unlock,
            Export,
        ),
    )
)
