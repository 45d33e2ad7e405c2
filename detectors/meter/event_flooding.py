"""Meters raise far more events than faults explain: real alarms drown in them.

Counts the events of one meter and of one transformer within minutes. A power cut is two or three events a meter. Blind spot: a
flood that stays under the counts by taking one event a meter; whether the grid shows a fault is not asked (no feeder
measurements yet). Source: threat SG-08 of the catalogue (NESCOR failure scenario AMI.8); ITU-T X.1331 clause 7.2.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Recent
from detectors.profiles import smart_grid_ami
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import METER_EVENT


@dataclass(frozen=True)
class Params:
    meter_max: int = 15  # events of one meter in the window: fires above
    transformer_max: int = 300  # events of one transformer's meters: fires above
    window_s: float = 300.0


def build(p: Params, site: Site) -> Firing:
    def events(by: str, most: int) -> CountWithin:
        return CountWithin((by,), seconds=p.window_s, at_most=2 * most)

    own, all_ = events("meter", p.meter_max), events("transformer", p.transformer_max)
    return Firing(
        when=(own.col > p.meter_max) | (all_.col > p.transformer_max),
        memories=(own, all_),
        values={
            "own": own.col,
            "all": all_.col,
            "minutes": pl.lit(p.window_s / 60),
            "most": pl.lit(p.meter_max),
            "most_all": pl.lit(p.transformer_max),
        },
        trail=(Recent(("transformer",), seconds=p.window_s, at_most=20),),
    )


def _events(meters: int, each: int, every_s: float, meaning: str = "power_down") -> list[dict[str, object]]:
    return [
        {"time": i * every_s, "meter": f"M{i % meters}", "transformer": "T1", "profile": "dlms", "meaning": meaning}
        for i in range(meters * each)
    ]


DETECTOR = Detector(
    id="event_flooding",
    version=1,
    threat=smart_grid_ami.SG_08,
    record=METER_EVENT,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("transformer", "transformer"),
    dedup=("transformer",),
    episode_s=3600.0,
    says="{all} events of meters of {transformer} in {minutes} min, {own} of them of {meter}, the last {meaning}",
    observed="{own} events of this meter, {all} of its transformer in {minutes} min",
    expected="at most {most} of a meter and {most_all} of a transformer",
    runbook=(
        "Group and rate-limit by event code at the head-end; keep a raw copy.",
        "Give priority to alarms that a second source confirms: readings, feeder measurements, calls of customers.",
        "Look for what the meters have in common: concentrator, firmware, key.",
    ),
    tolerance="a late event counts at the clock of its meter and transformer; one later than the window is not counted",
    examples=(
        fires_on("600 last-gasp events of sixty meters in two minutes", _events(60, 10, 0.2)),
        fires_on("one meter, an event a second", _events(1, 30, 1.0, "battery_low")),
        quiet_on("a power cut of sixty meters, and its end", _events(60, 1, 0.1) + _events(60, 2, 1.0, "power_up")),
        quiet_on("an event a meter and day", _events(5, 20, 20_000.0)),
    ),
)
