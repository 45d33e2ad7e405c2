"""A station claims a place that is farther from the receiver than the receiver hears.

The site file says where receivers stand and how far they hear (`v2x.receivers`); the radius that the message claims is added, up to
`confidence_max_m`, and a share for days on which radio reaches farther. Blind spot: a false place within the range (see `off_road`); a
receiver that is not in the site file, as a vehicle. Messages that others passed on look so too: a receiver must hand on only what
it heard itself. Source: threat ITS-08 of the catalogue; F2MD RangePlausibility; ETSI TS 103 759, class 3.
"""

from dataclasses import dataclass

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.plausibility import out_of_range, radius
from detectors.profiles import its_awareness
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CAM


@dataclass(frozen=True)
class Params:
    confidence_m: float = 10.0  # of a position that tells none, and the least that is believed
    confidence_max_m: float = 50.0  # the most that is believed
    times: float = 1.2  # of the range, on a day when radio reaches far


def build(p: Params, site: Site) -> Firing:
    check = out_of_range(site.v2x.receivers, radius(p.confidence_m, p.confidence_max_m))
    return Firing(when=(check.off > p.times).fill_null(False), memories=(check.shared,), values={"times": check.off})


_SITE = {"v2x": {"receivers": {"R1": {"latitude": 48.0, "longitude": 11.0, "range_m": 500}}}}


def _at(latitude: float, receiver: str = "R1") -> list[dict[str, object]]:
    place = {"latitude": latitude, "longitude": 11.0, "position_confidence_m": 2.0}
    return [{"time": 0, "station": "A1", "receiver": receiver, **place}]


DETECTOR = Detector(
    id="out_of_range",
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
    says="station {station} claims a place {times} times as far away as {receiver} hears",
    observed="{times} times the range",
    expected="at most the range of the receiver",
    runbook=(
        "Exclude the station from traffic functions for five minutes.",
        "Compare with the signal strength at two roadside units.",
        "If many stations are out of range, look at the receiver's place in the site file and at its antenna.",
    ),
    needs=("v2x.receivers",),
    tolerance="none needed: each record is judged alone",
    examples=(
        fires_on("a kilometre away from a receiver that hears half of that", _at(48.009), site=_SITE),
        quiet_on("400 m away; a receiver whose place is not known", [*_at(48.0036), *_at(49.0, "R2")], site=_SITE),
        quiet_on("a little farther than the range", _at(48.005), site=_SITE),
        quiet_on("a position that is unavailable", _at(90.0000001), site=_SITE),
    ),
)
