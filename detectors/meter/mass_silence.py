"""Many meters of one transformer stop reporting, and they did not report an outage.

A meter is silent after `intervals` of its own learned reporting interval. A meter that sent a last gasp (event
power_down) is excused until it reports again. Blind spot: fewer than `least_keys` meters under a transformer; jamming
that begins in an outage, before the meters have reported again, or that lets a share of the readings through; a backhaul
failure looks the same and is told apart by its extent. Source: threat SG-14 of the catalogue (ITU-T X.1331 clause 7.3; RFC 7416).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Parties, Silence, SilenceSettings, fires_on, quiet_on
from detectors.profiles import smart_grid_ami
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import METER_EVENT, METER_READING


@dataclass(frozen=True)
class Params:
    intervals: float = 3.0  # of a meter's learned reporting interval, until it is silent
    least_s: float = 900.0  # but no earlier than this, seconds
    share: float = 0.3  # of a transformer's meters that must be silent
    least_keys: int = 6  # a transformer with fewer meters is not judged


def settings(p: Params, site: Site) -> SilenceSettings:
    return SilenceSettings(p.intervals, p.least_s, p.share, p.least_keys)


def _readings(meters: range, start: int, end: int) -> list[dict[str, object]]:
    return [
        {"time": t, "meter": f"M{m}", "transformer": "T1", "register_kwh": 1000.0 * m + t / 9000}
        for t in range(start, end, 900)
        for m in meters
    ]


def _gasps(meters: range, time: int) -> list[dict[str, object]]:
    return [
        {"record": "meter_event", "time": time, "meter": f"M{m}", "transformer": "T1", "meaning": "power_down"}
        for m in meters
    ]


DETECTOR = Detector(
    id="mass_silence",
    version=1,
    threat=smart_grid_ami.SG_14,
    record=METER_READING,
    kind=Silence(
        key="meter", group="transformer", settings=settings, excuses=(METER_EVENT, pl.col("meaning") == "power_down")
    ),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("transformer", "transformer"),
    dedup=("transformer",),
    episode_s=3600.0,
    says="{silent} of {known} meters of {transformer} are silent and reported no outage",
    observed="{silent} silent of {known} known meters",
    expected="fewer than the share in the detector's parameters, or last gasps of an outage",
    runbook=(
        "Ask the control centre whether the feeder is energised and whether work is going on.",
        "Look at the concentrator and its backhaul first; compare with its neighbours.",
        "If they are healthy, check the radio spectrum near the concentrator for jamming; poll through another path.",
    ),
    tolerance="a late reading is a sign of life at the transformer's clock",
    examples=(
        fires_on(
            "six of ten meters fall silent while the others report",
            [*_readings(range(10), 0, 7200), *_readings(range(6, 10), 7200, 14_400)],
        ),
        fires_on(
            "one last gasp, hours later, shows that all the others are silent",
            [
                *_readings(range(10), 0, 7200),
                *_gasps(range(9, 10), 12_000),
                *_readings(range(10), 12_001, 12_002),
                *_readings(range(9, 10), 12_901, 18_000),
            ],
        ),
        quiet_on(
            "six of ten meters lose power and say so",
            [*_readings(range(10), 0, 7200), *_gasps(range(6), 6400), *_readings(range(6, 10), 7200, 14_400)],
        ),
        quiet_on(
            "two meters are exchanged, and all miss one reading",
            [*_readings(range(10), 0, 7200), *_readings(range(2, 12), 8100, 18_000)],
        ),
    ),
)
