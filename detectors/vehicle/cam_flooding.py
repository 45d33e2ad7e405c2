"""A station sends awareness messages faster than the generation rules allow.

ETSI lets a station send a CAM every 100 ms at most, SAE a BSM every 100 ms; 80 % of that interval is taken as the limit. Where the site
file says that stations follow ETSI's rules (`v2x.rules: etsi`), many messages in a row that came within a second while neither place,
heading nor speed had changed are a flood too, however slow. The same message heard twice (relays, two antennas) counts once: messages
differ in generation time, count or position. Blind spot: a flood whose generation times pretend the allowed rate; a flood under
changing pseudonyms. Source: threat ITS-01 of the catalogue; ETSI EN 302 637-2 clause 6.1.3 (T_GenCamMin); ETSI TS 103 759,
Beacon-IntervalTooSmall.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Derived, DistinctWithin, Memory, Recent
from detectors.plausibility import PLACED, Dynamics
from detectors.profiles import its_awareness
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CAM


@dataclass(frozen=True)
class Params:
    burst_s: float = 1.0
    burst_max: int = 13  # messages in burst_s: 10 Hz over 80 %, and one for the edge of the window
    long_s: float = 5.0
    long_max: int = 60  # messages in long_s: 12 Hz
    early_max: int = 8  # messages in a row that the rules of ETSI do not let through; they let three through


def _e7(name: str) -> pl.Expr:
    return (pl.col(name) * 1e7).round().cast(pl.Int64, strict=False).fill_null(0)


#: One number per message; integer arithmetic wraps, which only mixes further.
MESSAGE = Derived(
    "message",
    pl.col("time").dt.epoch("us") * 1_000_003
    + _e7("latitude") * 8191
    + _e7("longitude") * 131
    + pl.col("message_count").cast(pl.Int64).fill_null(0),
)


def build(p: Params, site: Site) -> Firing:
    by = ("station",)
    burst = DistinctWithin(by, seconds=p.burst_s, at_most=2 * p.burst_max, value=MESSAGE)
    rate = DistinctWithin(by, seconds=p.long_s, at_most=2 * p.long_max, value=MESSAGE)
    fires = (burst.col > p.burst_max) | (rate.col > p.long_max)
    memories: list[Memory] = [burst, rate]
    early: pl.Expr = pl.lit(0)
    if site.v2x.rules == "etsi":
        run = Dynamics().early
        early = run.col.clip(0).cast(pl.Int64)
        fires, memories = fires | (PLACED.expr & (run.col > p.early_max)), [*memories, run]
    seconds = {"burst_s": pl.lit(p.burst_s), "long_s": pl.lit(p.long_s)}
    return Firing(
        when=fires,
        memories=tuple(memories),
        values={"burst": burst.col, "rate": rate.col, "early": early, **seconds},
        trail=(Recent(by, seconds=p.burst_s, at_most=30),),
    )


def _messages(rate_hz: float, seconds: float, copies: int = 1) -> list[dict[str, object]]:
    return [
        {
            "time": i / rate_hz,
            "station": "A1",
            "message_count": i % 128,
            "latitude": 48.0 + 4e-5 * i,
            "longitude": 11.0,
            "speed_ms": 14.0,
        }
        for i in range(int(rate_hz * seconds))
        for _ in range(copies)
    ]


def _standing(rate_hz: float, seconds: float, begin: float = 0.0) -> list[dict[str, object]]:
    still: dict[str, object] = {
        "station": "A1",
        "latitude": 48.0,
        "longitude": 11.0,
        "speed_ms": 0.0,
        "heading_deg": 0.0,
    }
    return [{"time": begin + i / rate_hz, "message_count": i % 128, **still} for i in range(int(rate_hz * seconds))]


_ETSI = {"v2x": {"rules": "etsi"}}

DETECTOR = Detector(
    id="cam_flooding",
    version=2,
    threat=its_awareness.ITS_01,
    record=CAM,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    parties=Parties("station", "station", source="station", destination="receiver"),
    dedup=("station",),
    episode_s=60.0,
    says="station {station} sent {burst} messages in {burst_s} s, heard by {receiver}",
    observed="{burst} messages in {burst_s} s, {rate} in {long_s} s, {early} in a row with nothing new",
    expected="at most 10 messages a second, and one while nothing changes where ETSI's rules hold",
    runbook=(
        "Drop the certificate's messages above the rate limit at the roadside unit.",
        "Send a misbehaviour report with two messages as evidence.",
        "Compare the channel load at the neighbouring units.",
    ),
    tolerance="a late message counts at the station's clock; one later than the window is not counted",
    examples=(
        fires_on("one station at 25 Hz", _messages(25, 4)),
        fires_on("standing at 5 Hz where ETSI's rules hold", _standing(5, 6), site=_ETSI),
        quiet_on("standing at 5 Hz, a BSM is sent so", _standing(5, 6)),
        quiet_on("10 Hz, every message heard twice", _messages(10, 6, copies=2)),
        quiet_on("fast only while it drives", [*_messages(3, 6), *_standing(1, 9, 6.0)], site=_ETSI),
        quiet_on("1 Hz", _messages(1, 20)),
    ),
)
