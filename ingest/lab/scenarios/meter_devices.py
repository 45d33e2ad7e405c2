"""Firmware of meters, and the links of their field network: old, foreign and unordered images; jamming around a concentrator."""

import math
import random
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario, merged
from ingest.source import Record
from schemas.records import CONCENTRATOR_LINK, FIRMWARE_REPORT

METERS: Final = 300
HEADEND: Final = "headend-1"
OLD, RUNS, NEW = "1.0.9", "1.2.0", "1.10.0"
HASHES: Final = {OLD: "09" * 16, RUNS: "20" * 16, NEW: "a0" * 16}
#: Steps of an image transfer that goes well: initiated, verified, activated.
STEPS: Final = (1, 2, 3, 5, 6)


def report(time: int, meter: int, version: str, status: int, campaign: str | None = None, **fields: Any) -> Record:
    """What one device says of its firmware."""
    who = {"time": time, "headend": HEADEND, "device": f"M{meter:05d}", "model": "A100"}
    what = {"version": version, "image_status": status, "image_hash": HASHES[version], "campaign": campaign}
    return Record(FIRMWARE_REPORT, {**who, **what, **fields})


def firmware(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """An inventory of all meters every two hours, and a roll-out in lots; some transfers fail, and are begun again."""
    runs = dict.fromkeys(range(METERS), RUNS)
    records: list[Record] = []

    def says(at: float, meter: int, version: str, status: int, campaign: str | None = None, **fields: Any) -> None:
        if at < seconds:
            records.append(report(start + round(at * 1e6), meter, version, status, campaign, **fields))

    waiting, length = rng.sample(range(METERS), METERS), round(seconds)
    for hour in range(length // 3600 + 1):
        begin = hour * 3600.0
        if hour % 2 == 0:
            for place, meter in enumerate(range(METERS)):
                shown: dict[str, Any] = {} if rng.random() < 0.9 else {"image_hash": None}
                says(begin + place * 1.5, meter, runs[meter], 0, **shown)
        lot, waiting = waiting[:25], waiting[25:]
        for place, meter in enumerate(lot):
            at = begin + 700 + 40.0 * place
            fails = rng.random() < 0.04
            for step in (1, 2, 4) if fails else STEPS:
                says(at, meter, NEW, step, "C7")
                at += rng.uniform(60, 200)
            if fails:
                waiting.append(meter)
            else:
                runs[meter] = NEW
    return sorted(records, key=lambda r: r.fields["time"])


FIRMWARE: Final = Quiet(
    "meter_firmware",
    "inventories and a roll-out at 300 meters",
    firmware,
    METERS,
    {
        "meters": {
            "firmware": [
                {"version": OLD},
                {"version": RUNS, "model": "A100"},
                {"version": NEW, "model": "A100", "image_hash": HASHES[NEW]},
            ]
        }
    },
)


@dataclass(frozen=True)
class Image:
    version: str = OLD
    meters: int = 3
    statuses: tuple[int, ...] = (0,)
    campaign: str | None = None
    image_hash: str | None = None  # instead of the version's own
    seconds: float = 600.0


@dataclass(frozen=True)
class Foreign(Image):
    version: str = NEW
    image_hash: str | None = "ee" * 16


@dataclass(frozen=True)
class Unordered(Image):
    version: str = NEW
    statuses: tuple[int, ...] = STEPS


@dataclass(frozen=True)
class Many(Image):
    version: str = NEW
    meters: int = 260
    statuses: tuple[int, ...] = (6,)
    campaign: str | None = "C7"
    seconds: float = 1500.0


def image(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Firmware on some meters, told by them or brought to them."""
    begin, chosen = start + 9_000_000_000, rng.sample(range(METERS), p.meters)
    extra = {} if p.image_hash is None else {"image_hash": p.image_hash}
    forged = [
        report(
            begin + round((i / p.meters * p.seconds + 60 * step) * 1e6), meter, p.version, status, p.campaign, **extra
        )
        for i, meter in enumerate(chosen)
        for step, status in enumerate(p.statuses)
    ]
    forged.sort(key=lambda r: r.fields["time"])
    # What later inventories say of these meters.
    names = {r.fields["device"] for r in forged}
    shown = {"version": p.version, "image_hash": p.image_hash or HASHES[p.version]}
    rest = [
        Record(FIRMWARE_REPORT, {**r.fields, **shown})
        if r.fields["device"] in names and r.fields["time"] > begin and r.fields["image_status"] == 0
        else r
        for r in records
    ]
    both, _ = merged(rest, forged)
    kept = {id(r) for r in records}
    attack = tuple(i for i, r in enumerate(both) if id(r) not in kept)
    return Injected(both, begin, both[-1].fields["time"], frozenset(names), attack)


NODES: Final = 30
CONCENTRATOR: Final = "DC1"


def links(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """Quarter-hourly reports: noise by day, hour and link, a noisy appliance, bad links, a concentrator that restarts."""
    records: list[Record] = []
    usual = [rng.gauss(-101, 2) for _ in range(NODES)]
    share = [min(0.5, rng.expovariate(1 / 0.04)) for _ in range(NODES)]
    noisy, restart, backhaul = rng.randrange(NODES), rng.randrange(20, 90), rng.randrange(20, 90)
    for interval in range(int(seconds // 900)):
        hour = interval / 4 % 24
        day = 1.5 * math.sin(2 * math.pi * (hour - 9) / 24) + rng.gauss(0, 0.5)
        for node in range(NODES):
            if interval % 96 == backhaul and rng.random() < 0.9:
                continue
            noise, lost = usual[node] + day + rng.gauss(0, 1.5), share[node] * rng.uniform(0.3, 2)
            if node == noisy and 18 <= hour < 22:
                noise, lost = noise + rng.uniform(8, 25), lost + 0.4
            sent = rng.randrange(20, 60)
            gone = sent if interval % 96 == restart else min(sent, round(sent * lost))
            records.append(
                Record(
                    CONCENTRATOR_LINK,
                    {
                        "time": start + (interval + 1) * 900_000_000 - (NODES - node) * 1000,
                        "concentrator": CONCENTRATOR,
                        "node": f"M{node:05d}",
                        "noise_dbm": round(noise, 1),
                        "rssi_dbm": round(rng.gauss(-80, 4), 1),
                        "frames_sent": sent,
                        "frames_lost": gone,
                        "reachable": gone < sent,
                    },
                )
            )
    return records


LINKS: Final = Quiet("meter_links", "links of a concentrator of the meters' field network", links, NODES)


@dataclass(frozen=True)
class Jamming:
    share: float = 0.6  # of the nodes
    rise_db: float = 18.0
    lost: float = 0.8  # of the frames of these
    seconds: float = 2400.0


@dataclass(frozen=True)
class Strong(Jamming):
    share: float = 1.0
    rise_db: float = 35.0
    lost: float = 1.0


def jamming(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Noise rises at many links, and their frames are lost."""
    begin = start + round(rng.uniform(0.5, 0.8) * 86_400e6)
    end = begin + round(p.seconds * 1e6)
    chosen = {f"M{node:05d}" for node in rng.sample(range(NODES), round(p.share * NODES))}
    out, attack = list(records), []
    for i, record in enumerate(records):
        fields = record.fields
        if fields["node"] in chosen and begin <= fields["time"] <= end:
            gone = max(fields["frames_lost"], round(p.lost * fields["frames_sent"]))
            noise = round(fields["noise_dbm"] + rng.gauss(p.rise_db, 2), 1)
            made = {"noise_dbm": noise, "frames_lost": gone, "reachable": gone < fields["frames_sent"]}
            out[i] = Record(CONCENTRATOR_LINK, {**fields, **made})
            attack.append(i)
    return Injected(out, begin, end, frozenset({CONCENTRATOR}), tuple(attack))


QUIET: Final = (FIRMWARE, LINKS)
_LIST: Final[tuple[tuple[str, str, str, Quiet, float, Any, type], ...]] = (
    ("firmware_downgrade", "SG-12", "3 meters report 1.0.9, which is approved, after 1.2.0", FIRMWARE, 6, image, Image),
    (
        "firmware_foreign",
        "SG-12",
        "3 meters report another hash under an approved version",
        FIRMWARE,
        6,
        image,
        Foreign,
    ),
    (
        "firmware_unordered",
        "SG-12",
        "an image is brought to 3 meters outside a roll-out",
        FIRMWARE,
        6,
        image,
        Unordered,
    ),
    ("firmware_at_once", "SG-12", "260 meters activate an image in 25 minutes", FIRMWARE, 6, image, Many),
    ("links_jammed", "SG-14", "noise 18 dB up at 60 % of the links for 40 minutes", LINKS, 24, jamming, Jamming),
    ("links_jammed_strong", "SG-14", "noise 35 dB up, no node answers for 40 minutes", LINKS, 24, jamming, Strong),
)
SCENARIOS: Final = tuple(
    Scenario(name, threat, says, traffic, hours * 3600.0, inject, params)
    for name, threat, says, traffic, hours, inject, params in _LIST
)
