"""Vehicles of a region hold old update metadata: they are served them again and again, or get none.

In a day at least `vehicles_min` vehicles and `share_min` of those of a region that check have metadata that expired, or older ones than
others have, for more than `stale_s` and three checks. Blind spot: single vehicles; requests that never reach the server; regions of more
than 20,000 vehicles are judged as if they had so many; a vehicle that claims a version far too high makes all others old. Source: threat
ITS-24 of the catalogue; Uptane standard, threat model (freeze and drop-request attacks).
"""

from dataclasses import dataclass
from typing import Any

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, DistinctWithin, Last, Least, Recent, TimeSince
from detectors.profiles import its_vehicle
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import OTA_EVENT


@dataclass(frozen=True)
class Params:
    vehicles_min: int = 3  # with old metadata in a day
    share_min: float = 0.01  # of the vehicles that checked
    stale_s: float = 86_400.0  # without newer metadata


DAY_S = 86_400.0
#: Vehicles of a region that are counted at most.
MANY = 20_000
REGION, VEHICLE = ("backend", "region"), ("vehicle",)
_VERSION = pl.col("timestamp_version")
CHECKS = Derived("checks", (pl.col("event") == "check") & _VERSION.is_not_null())
#: Least knows the smallest: the newest version is the smallest negative one.
NEGATIVE = Derived("negative timestamp version", -_VERSION)


def build(p: Params, site: Site) -> Firing:
    newest, last = Least(("backend",), NEGATIVE, CHECKS), Last(VEHICLE, "timestamp_version", CHECKS)
    behind = Derived("behind", (CHECKS.expr & (-newest.col > _VERSION)).fill_null(False), (newest,))
    rises = Derived("newer metadata", CHECKS.expr & (last.col < _VERSION).fill_null(True), (last,))
    since = TimeSince(VEHICLE, rises)
    often = CountWithin(VEHICLE, seconds=2 * p.stale_s, at_most=3, where=behind)
    frozen = behind.expr & ~rises.expr & (since.col > p.stale_s) & (often.col >= 3)
    expired = CHECKS.expr & (pl.col("timestamp_expiry") < pl.col("time"))
    held = Derived(
        f"holds old metadata {p.stale_s:g}s",
        frozen.fill_null(False) | expired.fill_null(False),
        (newest, last, since, often),
    )
    holding = DistinctWithin(REGION, DAY_S, MANY, "vehicle", held)
    checking = DistinctWithin(REGION, DAY_S, MANY, "vehicle", CHECKS)
    return Firing(
        when=held.col & (holding.col >= p.vehicles_min) & (holding.col >= p.share_min * checking.col),
        memories=(holding, checking),
        values={
            "why": pl.format("{} of {} vehicles that checked hold old metadata", holding.col, checking.col),
            "where": pl.col("region").fill_null("the server"),
        },
        trail=(Recent(REGION, seconds=DAY_S, at_most=50, where=held),),
    )


def _checks(vehicles: range, hour: float, version: int, region: str = "eu", **fields: Any) -> list[dict[str, object]]:
    return [
        {
            "time": 3600.0 * hour + 5 * v,
            "backend": "ota-1",
            "vehicle": f"v{v}",
            "region": region,
            "event": "check",
            "result": "done",
            "timestamp_version": version,
            **fields,
        }
        for v in vehicles
    ]


_DAYS = [c for h in range(0, 72, 6) for c in _checks(range(40), h, 10 + h // 6)]
_HELD = [c for h in range(24, 72, 6) for c in _checks(range(40, 44), h, 10)]

DETECTOR = Detector(
    id="ota_frozen",
    version=1,
    threat=its_vehicle.ITS_24,
    record=OTA_EVENT,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("backend", "backend"),
    dedup=("backend", "region"),
    episode_s=86_400.0,
    says="updates do not get through in {where}: {why}",
    observed="{why}",
    expected="metadata not older than a day",
    runbook=(*its_vehicle.ITS_24.response, "Ask the mobile operator for failures of the network."),
    tolerance="a late event counts at the clock of its region; it is not compared with what was before",
    examples=(
        fires_on(
            "four of 44 vehicles are served old metadata for two days",
            sorted([*_DAYS, *_HELD], key=lambda c: float(str(c["time"]))),
        ),
        fires_on("metadata that expired, at five vehicles", _checks(range(5), 1, 7, timestamp_expiry=3000.0)),
        quiet_on(
            "updates that get through, one vehicle parked for two days", [*_DAYS, *_checks(range(50, 51), 73, 10)]
        ),
        quiet_on("a cache that is an hour old", [*_DAYS, *_checks(range(40), 73, 20)]),
    ),
)
