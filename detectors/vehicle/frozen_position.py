"""A station claims to drive while its position stands still.

Adds up the way that the claimed speed makes while the position takes less than a share of each step; the first step that fits
ends it. Blind spot: a false stop (speed 0 claimed too), which needs the other stations at that place; a position that creeps.
A receiver that keeps its last position in a tunnel is one too. Source: threat ITS-06 of the catalogue; F2MD attack types
ConstPos and ConstPosOffset; ETSI TS 103 759, classes 2 and 5.
"""

from dataclasses import dataclass

import polars as pl

from detectors import plausibility as check
from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Cusum, Derived, Last, Recent
from detectors.profiles import its_awareness
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CAM


@dataclass(frozen=True)
class Params:
    way_m: float = 60.0  # claimed while the position stands: 5 s at 12 m/s
    still_share: float = 0.1  # of the claimed step: less counts as standing
    gap_max_s: float = 3.1  # a longer gap ends it


#: What a step that fits takes from the sum: more than any way that was claimed.
ENDS_M = -1e9


def build(p: Params, site: Site) -> Firing:
    step, speed = check.Before(check.MOVING), Last(check.BY, "speed_ms", check.MOVING)
    claimed = (pl.col("speed_ms") + speed.col) * 0.5 * step.gap.col
    still = step.distance.col <= p.still_share * claimed
    stands = check.MOVING.expr & (step.gap.col < p.gap_max_s) & (claimed > 0) & still
    way = Derived(
        f"claimed while standing within {p.still_share:g}, {p.gap_max_s:g}s",
        pl.when(stands.fill_null(False)).then(claimed).otherwise(ENDS_M),
        (step.gap, step.distance, speed),
    )
    stood = Cusum(check.BY, way, where=check.MOVING)
    return Firing(
        when=check.MOVING.col & (stood.col >= p.way_m),
        memories=(stood,),
        values={"way": stood.col, "most": pl.lit(p.way_m)},
        trail=(Recent(check.BY, seconds=30.0, at_most=20, where=check.MOVING),),
    )


def _drive(
    seconds: float, speed_ms: float, moves: bool, begin: float = 0.0, hz: float = 10.0
) -> list[dict[str, object]]:
    return [
        {
            "time": begin + i / hz,
            "station": "A1",
            "message_count": i % 128,
            "latitude": 48.0 + (i / hz * speed_ms / 111_195 if moves else 0.0),
            "longitude": 11.0,
            "speed_ms": speed_ms,
            "heading_deg": 0.0,
        }
        for i in range(int(seconds * hz))
    ]


DETECTOR = Detector(
    id="frozen_position",
    version=1,
    threat=its_awareness.ITS_06,
    record=CAM,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    parties=Parties("station", "station", source="station", destination="receiver"),
    dedup=("station",),
    episode_s=60.0,
    says="station {station} claims {way} m of driving at one place, heard by {receiver}",
    observed="{way} m claimed while the position stood",
    expected="less than {most} m",
    runbook=(
        "Do not publish a stationary-vehicle warning from this station alone.",
        "Use camera or loop data at the place if there is any.",
        "Send a misbehaviour report with the first and the last message as evidence.",
    ),
    tolerance="a late message is passed over",
    examples=(
        fires_on("12 m/s at one place for eight seconds", _drive(8, 12.0, moves=False)),
        fires_on("the same at one message a second", _drive(8, 12.0, moves=False, hz=1.0)),
        quiet_on("driving", _drive(20, 12.0, moves=True)),
        quiet_on("standing", _drive(20, 0.0, moves=False)),
        quiet_on(
            "a receiver that is stuck for three seconds", _drive(3, 12.0, False) + _drive(5, 12.0, True, begin=3.0)
        ),
    ),
)
