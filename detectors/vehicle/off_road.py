"""A station that drives claims places that are on no road that runs its way.

The site file has the lines of all roads within reach of the receivers (`v2x.roads`). A message is off where the nearest one that
runs within 60 degrees of the claimed heading is farther than half a road and the claimed radius; it fires when `messages_min`
more were off than were on.
So an offset that moves a whole track aside shows, which no comparison of the station with itself does. Blind spot: an offset
along the road; stations that stand or crawl. A new road or car park fires for all that drive there. Source: threat ITS-08 of
the catalogue; F2MD PositionPlausibility; ETSI TS 103 759, class 3.
"""

import math
from dataclasses import dataclass

import polars as pl

from detectors import plausibility
from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Cusum, Derived, Recent
from detectors.profiles import its_awareness
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CAM


@dataclass(frozen=True)
class Params:
    half_width_m: float = 6.0  # from the line to the edge of the road
    confidence_m: float = 10.0  # of a position that tells none, and the least that is believed
    confidence_max_m: float = 20.0  # the most that is believed
    moving_ms: float = 2.0  # slower stations may be in a yard
    messages_min: int = 5
    messages_max: int = 10  # off the road beyond which more do not count


def build(p: Params, site: Site) -> Firing:
    assert site.v2x.roads is not None
    claimed = plausibility.radius(p.confidence_m, p.confidence_max_m)
    check = plausibility.off_road(site.v2x.roads, p.half_width_m, p.moving_ms, claimed)
    step = pl.when(check.fails).then(1.0).otherwise(-1.0)
    judged = Derived(f"{check.shared.column}, judged", check.off.is_not_null(), (check.shared,))
    failed = Derived(f"{check.shared.column}, failed", check.fails, (check.shared,))
    off = Cusum(
        plausibility.BY,
        Derived(f"{check.shared.column}, counted", step, (check.shared,)),
        where=judged,
        most=p.messages_max,
    )
    allowed = claimed.expr + p.half_width_m
    return Firing(
        when=check.fails & (off.col >= p.messages_min),
        memories=(off, check.shared),
        values={"far": check.off * allowed, "allowed": allowed},
        trail=(Recent(plausibility.BY, seconds=10.0, at_most=20, where=failed),),
    )


def _drive(
    heading_deg: float, east_m: float = 0.0, seconds: int = 10, speed_ms: float = 12.0
) -> list[dict[str, object]]:
    heading = math.radians(heading_deg)
    return [
        {
            "time": i / 2,
            "station": "A1",
            "message_count": i,
            "latitude": 48.0 + i / 2 * speed_ms * math.cos(heading) / 111_195,
            "longitude": 11.0 + (east_m + i / 2 * speed_ms * math.sin(heading)) / 74_405,
            "position_confidence_m": 3.0,
            "speed_ms": speed_ms,
            "heading_deg": heading_deg,
        }
        for i in range(2 * seconds)
    ]


_SITE = {"v2x": {"roads": [[[47.99, 11.0], [48.01, 11.0]], [[48.0, 10.99], [48.0, 11.01]]]}}

DETECTOR = Detector(
    id="off_road",
    version=1,
    threat=its_awareness.ITS_08,
    record=CAM,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    parties=Parties("station", "station", source="station", destination="receiver"),
    dedup=("station",),
    episode_s=60.0,
    says="station {station} drives {far} m off every road that runs its way",
    observed="{far} m from the nearest road that runs within 60 degrees of its heading",
    expected="at most {allowed} m",
    runbook=(
        "Exclude the station from traffic functions for five minutes.",
        "Compare with the signal strength at two roadside units, and with cameras or loops at the claimed place.",
        "If many stations are off the road, the lines of roads in the site file are old.",
    ),
    needs=("v2x.roads",),
    tolerance="a late message is passed over",
    examples=(
        fires_on("a track 70 m beside the road", _drive(0.0, 70.0), site=_SITE),
        fires_on("across the road", _drive(60.0, -50.0), site=_SITE),
        quiet_on("on the road, on the crossing one, a turn", [*_drive(0.0), *_drive(90.0)], site=_SITE),
        quiet_on(
            "4 m beside the line, and crawling in a yard",
            [*_drive(180.0, 4.0), *_drive(0.0, 70.0, 10, 1.5)],
            site=_SITE,
        ),
    ),
)
