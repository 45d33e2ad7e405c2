"""One detector raises far more alerts than usual, over all sites together.

More than `factor` times the mean of the day before, and at least `least` in ten minutes. Somebody may want to drown other alerts,
or hide in them; a fault of many devices looks the same. Blind spot: a storm that grows over a day is usual in the end. A flood
of one detector at one site is collapsed before (detectors/storms.py); `site_alert_storm` looks at one site. Source: ANSI/ISA-18.2
calls more than ten alarms in ten minutes a flood for one operator.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Remembering, fires_on, quiet_on
from detectors.memory import Derived, Recent
from detectors.profiles import correlation
from detectors.profiles.threat import Severity
from detectors.site import Site
from detectors.surge import Surge
from schemas.records import ALERT


@dataclass(frozen=True)
class Params:
    least: int = 30  # alerts now
    factor: float = 10.0  # times the usual number
    now_s: float = 600.0
    usual_s: float = 86_400.0


BY = ("detector",)


def build(p: Params, site: Site) -> Firing:
    surge = Surge(BY, p.now_s, p.usual_s)
    return Firing(
        when=(surge.now.col >= p.least) & (surge.now.col > p.factor * surge.usual),
        memories=(surge.now, surge.past),
        values={"now": surge.now.col, "usual": surge.usual, "minutes": pl.lit(p.now_s / 60)},
        trail=(Recent(BY, seconds=p.now_s, at_most=50, where=Derived("any alert", pl.lit(True))),),
    )


def _alerts(number: int, every_s: float, begin: float = 0.0, other: int = 1) -> list[dict[str, object]]:
    return [
        {
            "time": begin + i * every_s,
            "alert_id": f"a{begin:g}-{i}",
            "detector": "position_jump",
            "site": f"R{i % other}",
            "domain": "vehicle",
        }
        for i in range(number)
    ]


DETECTOR = Detector(
    id="alert_storm",
    version=1,
    threat=correlation.COR_05,
    record=ALERT,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    entity_kind="detector",
    entity="detector",
    source="",
    destination="",
    dedup=("detector",),
    episode_s=3600.0,
    says="{detector} raised {now} alerts in {minutes} min at all sites, the last at {site}",
    observed="{now} alerts in {minutes} min",
    expected="about {usual} in {minutes} min, as in the day before",
    runbook=(
        "Look for the rare alerts beside the storm first: it may be there to hide them.",
        "Find the common cause: one sender, one device, one software version, or the detector's own limits.",
        "Suppress what is explained, with reason, owner and expiry.",
    ),
    needs=(),
    tolerance="an alert that comes late counts at the clock of its detector; one later than the window is not counted",
    examples=(
        fires_on(
            "forty alerts in five minutes after a quiet day",
            [*_alerts(20, 3600), *_alerts(40, 7, begin=72_000, other=8)],
        ),
        quiet_on("ten in five minutes", _alerts(10, 30)),
        quiet_on(
            "a noisy day, then somewhat more", [*_alerts(864, 100, other=3), *_alerts(35, 15, begin=86_400, other=3)]
        ),
    ),
)
