"""Vehicles of a region do not get their updates: metadata that stay old, downloads that crawl or fail.

- Frozen: in a day at least `vehicles_min` vehicles and `share_min` of those of a region that check hold metadata that expired, or
  older ones than others hold, for more than `stale_s` and three checks.
- Slow: within two hours at least `slow_min` vehicles and `slow_share` of those of a region that download are at a tenth (`slow_rate`) of
  its usual rate for more than half an hour. Usual is the geometric mean of downloads that were completed.
- Dropped: within two hours more than `failed_share` of at least `ended_min` downloads of a region fail, and `usual` times the usual share.

Blind spot: single vehicles; requests that never reach the server; regions of more than 20,000 vehicles are judged as if they had so
many. A mobile network that fails and an image that is broken look the same. Source: threat ITS-24 of the catalogue; Uptane standard,
threat model (freeze, drop-request and slow retrieval attacks).
"""

from dataclasses import dataclass
from math import log
from typing import Any

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, DistinctWithin, Ewma, Last, Least, Recent, TimeSince
from detectors.profiles import its_vehicle
from detectors.profiles.threat import Severity
from detectors.reasons import reasons
from detectors.site import Site
from schemas.records import OTA_EVENT


@dataclass(frozen=True)
class Params:
    vehicles_min: int = 3  # with old metadata in a day
    share_min: float = 0.01  # of the vehicles that checked
    stale_s: float = 86_400.0  # without newer metadata
    slow_min: int = 5  # vehicles whose download crawls, in two hours
    slow_share: float = 0.15  # of those that download
    slow_rate: float = 0.1  # of the usual rate
    slow_s: float = 1800.0  # that the download takes already
    ended_min: int = 20  # downloads that ended in two hours
    failed_share: float = 0.5
    usual: float = 2.0  # and so many times the share that fails as a rule


DAY_S, NOW_S = 86_400.0, 7200.0
#: Vehicles and downloads of a region that are counted at most.
MANY = 20_000
REGION, VEHICLE = ("backend", "region"), ("vehicle",)
_VERSION = pl.col("timestamp_version")
CHECKS = Derived("checks", (pl.col("event") == "check") & _VERSION.is_not_null())
DOWNLOADS = Derived("downloads", pl.col("event") == "download")
LOADED = Derived("downloaded", DOWNLOADS.expr & (pl.col("result") == "done"))
#: Downloads that ended: those that the vehicle itself broke off for want of space or while driving say nothing of the way.
ENDED = Derived(
    "download ended",
    DOWNLOADS.expr & (pl.col("result") != "going_on") & ~pl.col("error").is_in(["space", "condition"]).fill_null(False),
)
FAILED = Derived("download failed", ENDED.expr & (pl.col("result") == "failed"))
FAILS = Derived("fails", FAILED.expr.cast(pl.Float64))
LOG_RATE = Derived("logarithm of rate", pl.col("rate").log())
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
    usual = Ewma(REGION, value=LOG_RATE, alpha=0.005, least=30, where=LOADED)
    crawls = DOWNLOADS.expr & (pl.col("duration_s") >= p.slow_s) & (LOG_RATE.expr < usual.col + log(p.slow_rate))
    slow = Derived(f"crawls {p.slow_rate:g}, {p.slow_s:g}s", crawls.fill_null(False), (usual,))
    crawling = DistinctWithin(REGION, NOW_S, MANY, "vehicle", slow)
    loading = DistinctWithin(REGION, NOW_S, MANY, "vehicle", DOWNLOADS)
    ended, failed = (CountWithin(REGION, seconds=NOW_S, at_most=MANY, where=w) for w in (ENDED, FAILED))
    fail = Ewma(REGION, value=FAILS, alpha=0.005, least=30, where=ENDED)
    fires, why = reasons(
        (
            held.col & (holding.col >= p.vehicles_min) & (holding.col >= p.share_min * checking.col),
            pl.format("{} of {} vehicles that checked hold old metadata", holding.col, checking.col),
        ),
        (
            slow.col & (crawling.col >= p.slow_min) & (crawling.col >= p.slow_share * loading.col),
            pl.format("{} of {} vehicles that download do so at a crawl", crawling.col, loading.col),
        ),
        (
            FAILED.col
            & (ended.col >= p.ended_min)
            & (failed.col > pl.max_horizontal(pl.lit(p.failed_share), p.usual * fail.col) * ended.col),
            pl.format("{} of {} downloads failed", failed.col, ended.col),
        ),
    )
    return Firing(
        when=fires,
        memories=(holding, checking, crawling, loading, ended, failed, fail),
        values={"why": why, "where": pl.col("region").fill_null("the server")},
        trail=(
            Recent(REGION, seconds=DAY_S, at_most=50, where=held),
            Recent(REGION, seconds=NOW_S, at_most=50, where=slow),
            Recent(REGION, seconds=NOW_S, at_most=50, where=FAILED),
        ),
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


def _loads(number: int, hour: float, rate: float, result: str = "done", **fields: Any) -> list[dict[str, object]]:
    more: dict[str, Any] = {
        "event": "download",
        "result": result,
        "rate": rate,
        "duration_s": 600.0,
        "timestamp_version": None,
    }
    return _checks(range(number), hour, 0, **{**more, **fields})


_DAYS = [c for h in range(0, 72, 6) for c in _checks(range(40), h, 10 + h // 6)]
_HELD = [c for h in range(24, 72, 6) for c in _checks(range(40, 44), h, 10)]
_USUAL = [c for h in (0, 1) for c in _loads(60, h, 2e6)]

DETECTOR = Detector(
    id="ota_blocked",
    version=1,
    threat=its_vehicle.ITS_24,
    record=OTA_EVENT,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    entity_kind="backend",
    entity="backend",
    source="",
    destination="",
    dedup=("backend", "region"),
    episode_s=86_400.0,
    says="updates do not get through in {where}: {why}",
    observed="{why}",
    expected="new metadata within a day, downloads at the usual rate of the region",
    runbook=(
        "Serve the region from another mirror and extend the campaign's window.",
        "Compare the answer that a test vehicle sees with the server's log to find where it is blocked.",
        "Ask the mobile operator for failures of the network.",
    ),
    needs=(),
    tolerance="a late event counts at the clock of its region; it is not compared with what was before",
    examples=(
        fires_on(
            "four of 44 vehicles are served old metadata for two days",
            sorted([*_DAYS, *_HELD], key=lambda c: float(str(c["time"]))),
        ),
        fires_on("metadata that expired, at five vehicles", _checks(range(5), 1, 7, timestamp_expiry=3000.0)),
        fires_on("twelve downloads at a crawl", [*_USUAL, *_loads(12, 3, 1e4, "going_on", duration_s=2400.0)]),
        fires_on("forty downloads fail", [*_USUAL, *_loads(40, 3, 1e6, "failed", error="network")]),
        quiet_on(
            "updates that get through, one vehicle parked for two days", [*_DAYS, *_checks(range(50, 51), 73, 10)]
        ),
        quiet_on("a vehicle in a garage", [*_USUAL, *_loads(1, 3, 1e4, "going_on", duration_s=7200.0)]),
        quiet_on("full memories", [*_USUAL, *_loads(40, 3, 1e6, "failed", error="space")]),
    ),
)
