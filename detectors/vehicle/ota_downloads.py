"""Downloads of vehicle software crawl or break off in a region.

- Slow: within two hours at least `slow_min` vehicles and `slow_share` of those of a region that download are at a tenth (`slow_rate`) of
  its usual rate for more than half an hour. Usual is the geometric mean of downloads that were completed.
- Broken off: within two hours more than `failed_share` of at least `ended_min` downloads of a region fail, and `usual` times the
  usual share.

Blind spot: single vehicles; a region in which always most of it fails. A mobile network that fails and an image that is broken look the
same. Source: threat ITS-24 of the catalogue; Uptane standard, threat model (drop-request and slow retrieval attacks).
"""

from dataclasses import dataclass
from math import log
from typing import Any

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, DistinctWithin, Ewma, Recent
from detectors.profiles import its_vehicle
from detectors.profiles.threat import Severity
from detectors.reasons import reasons
from detectors.site import Site
from schemas.records import OTA_EVENT


@dataclass(frozen=True)
class Params:
    slow_min: int = 5  # vehicles whose download crawls, in the window
    slow_share: float = 0.15  # of those that download
    slow_rate: float = 0.1  # of the usual rate
    slow_s: float = 1800.0  # that the download takes already
    ended_min: int = 20  # downloads that ended in the window
    failed_share: float = 0.5
    usual: float = 2.0  # and so many times the share that fails as a rule
    learn: int = 30  # downloads of a region from which rate and share are usual
    window_s: float = 7200.0


#: Vehicles and downloads of a region that are counted at most.
MANY = 20_000
REGION = ("backend", "region")
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


def build(p: Params, site: Site) -> Firing:
    usual = Ewma(REGION, value=LOG_RATE, alpha=0.005, least=p.learn, where=LOADED)
    crawls = DOWNLOADS.expr & (pl.col("duration_s") >= p.slow_s) & (LOG_RATE.expr < usual.col + log(p.slow_rate))
    slow = Derived(f"crawls {p.slow_rate:g}, {p.slow_s:g}s, {p.learn}", crawls.fill_null(False), (usual,))
    crawling = DistinctWithin(REGION, p.window_s, MANY, "vehicle", slow)
    loading = DistinctWithin(REGION, p.window_s, MANY, "vehicle", DOWNLOADS)
    ended, failed = (CountWithin(REGION, seconds=p.window_s, at_most=MANY, where=w) for w in (ENDED, FAILED))
    share = Ewma(REGION, value=FAILS, alpha=0.005, least=p.learn, where=ENDED)
    most = pl.max_horizontal(pl.lit(p.failed_share), p.usual * share.col) * ended.col
    fires, why = reasons(
        (
            slow.col & (crawling.col >= p.slow_min) & (crawling.col >= p.slow_share * loading.col),
            pl.format("{} of {} vehicles that download do so at a crawl", crawling.col, loading.col),
        ),
        (
            FAILED.col & (ended.col >= p.ended_min) & share.col.is_not_null() & (failed.col > most),
            pl.format("{} of {} downloads failed", failed.col, ended.col),
        ),
    )
    return Firing(
        when=fires,
        memories=(crawling, loading, ended, failed, share),
        values={"why": why, "where": pl.col("region").fill_null("the server")},
        trail=tuple(Recent(REGION, seconds=p.window_s, at_most=50, where=w) for w in (slow, FAILED)),
    )


def _loads(number: int, hour: float, rate: float, result: str = "done", **fields: Any) -> list[dict[str, object]]:
    start = {"backend": "ota-1", "region": "eu", "event": "download", "result": result, "rate": rate}
    return [
        {"time": 3600.0 * hour + 5 * v, "vehicle": f"v{v}", "duration_s": 600.0, **start, **fields}
        for v in range(number)
    ]


_USUAL = [c for h in (0, 1) for c in _loads(60, h, 2e6)]

DETECTOR = Detector(
    id="ota_downloads",
    version=1,
    threat=its_vehicle.ITS_24,
    record=OTA_EVENT,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("backend", "backend"),
    dedup=("backend", "region"),
    episode_s=21_600.0,
    says="updates do not get through in {where}: {why}",
    observed="{why}",
    expected="downloads at the usual rate of the region, most of which succeed",
    runbook=(*its_vehicle.ITS_24.response, "Ask the mobile operator for failures of the network."),
    tolerance="a late event counts at the clock of its region; it is not compared with what was before",
    examples=(
        fires_on("twelve downloads at a crawl", [*_USUAL, *_loads(12, 3, 1e4, "going_on", duration_s=2400.0)]),
        fires_on("forty downloads fail", [*_USUAL, *_loads(40, 3, 1e6, "failed", error="network")]),
        quiet_on("a vehicle in a garage", [*_USUAL, *_loads(1, 3, 1e4, "going_on", duration_s=7200.0)]),
        quiet_on("full memories", [*_USUAL, *_loads(40, 3, 1e6, "failed", error="space")]),
        quiet_on(
            "some fail, as always", [*_USUAL, *_loads(30, 2, 1e6), *_loads(12, 2.2, 1e6, "failed", error="network")]
        ),
    ),
)
