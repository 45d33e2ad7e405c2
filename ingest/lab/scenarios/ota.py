"""Updates over the air of a fleet, and attacks on them.

120 vehicles in two regions check every few hours or are parked for days; a campaign in waves, garages without a network, broken downloads,
full memories, workshops that install by cable. Attacks: an older image, one that nobody approved, old metadata, a slow mirror, a mirror
that breaks off.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario
from ingest.lab.vehicle_fleet import BACKEND, DAY_S, HOUR_S, VEHICLES, by_time, injected, record
from ingest.source import Record
from schemas.records import OTA_EVENT

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
        return record(OTA_EVENT, start, at, **{**own, **fields})

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
    return by_time(out, start + round(seconds * 1e6))


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
        record(OTA_EVENT, start, begin + 60 * i, **own, **more, event=e) for i, e in enumerate(("install", "report"))
    ]
    return injected(records, forged, start, begin, begin + DAY_S, vehicle)


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
                record(
                    OTA_EVENT, start, at, **own, **image, rate=p.rate * rng.uniform(0.5, 2), duration_s=1200.0 * part
                )
            )
    return injected(
        records, sorted(forged, key=lambda r: r.fields["time"]), start, begin, begin + 2 * HOUR_S, BACKEND[OTA_EVENT]
    )


@dataclass(frozen=True)
class Dropped(Slow):
    rate: float = 400_000.0
    result: str = "failed"
    error: str | None = "network"


UPDATES: Final = Quiet(
    "ota_updates",
    "updates over the air of 120 vehicles",
    updates,
    VEHICLES,
    {"vehicles": {"images": [{"image_hash": h, "version": v} for v, h in IMAGES.items()]}},
)
QUIET: Final = (UPDATES,)
SCENARIOS: Final = tuple(
    Scenario(name, threat, says, UPDATES, days * DAY_S, build, params)
    for name, threat, says, days, build, params in (
        ("ota_rollback", "ITS-23", "3.9 runs after 4.1 or 4.2", 1, rollback, Rollback),
        ("ota_implant", "ITS-23", "the right version with a hash that nobody approved", 1, rollback, Implant),
        ("ota_frozen", "ITS-24", "old metadata for 5 % of the vehicles, for two days", 3, frozen, Frozen),
        ("ota_slow", "ITS-24", "a mirror hands out the image at 5 kB/s", 2, slow, Slow),
        ("ota_dropped", "ITS-24", "a region's downloads break off", 2, slow, Dropped),
    )
)
