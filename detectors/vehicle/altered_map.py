"""The map of an intersection (MAP) changes otherwise than an update does.

An update raises the revision by one (modulo 128) and changes the lanes. So it fires where lanes change under one revision, where
the revision jumps or goes back (also when a true map follows a false one), and, where the site file plans updates (`map_updates` of
`v2x.intersections`), at every change outside of them. Blind spot: a false map from the first message on; one that poses as the
next update where the site file plans none, until the true one is heard again. Source: threat ITS-14 of the catalogue; SAE J2735
(MAP, DE_MsgCount).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Last
from detectors.memory.recent import REFERENCE
from detectors.profiles import its_messages
from detectors.profiles.threat import Severity
from detectors.reasons import reasons
from detectors.site import Site
from schemas.records import MAP


@dataclass(frozen=True)
class Params:
    lost_max: int = 0  # revisions that may be left out, where the receiver was away for longer


BY = ("receiver",)
REVISION, LANES = Last(BY, "revision"), Last(BY, "lane_hash")


def build(p: Params, site: Site) -> Firing:
    planned = {
        name: facts.map_updates for name, facts in site.v2x.intersections.items() if facts.map_updates is not None
    }
    due = [
        (pl.col("intersection") == name) & pl.col("time").is_between(update.start, update.end)
        for name, updates in planned.items()
        for update in updates
    ]
    outside = pl.col("intersection").is_in(list(planned)) & ~pl.any_horizontal(*due, pl.lit(False))
    step = (pl.col("revision") - REVISION.col) % 128
    lanes = pl.col("lane_hash") != LANES.col
    when, why = reasons(
        (lanes & (step == 0), "other lanes under the same revision"),
        (step > 1 + p.lost_max, pl.format("revision {} after {}", "revision", REVISION.col)),
        ((lanes | (step > 0)) & outside, "a change that is not planned"),
    )
    return Firing(
        when=when, memories=(REVISION, LANES), values={"why": why, "before": REVISION.col}, trail=(Last(BY, REFERENCE),)
    )


def _maps(begin: float, count: int, revision: int, lanes: str) -> list[dict[str, object]]:
    own = {"intersection": "X1", "receiver": "R1", "revision": revision, "lane_hash": lanes}
    return [{**own, "time": begin + i} for i in range(count)]


_UPDATE = {"start": "2026-03-02T12:00:05Z", "end": "2026-03-02T13:00:00Z"}
_SITE = {"v2x": {"intersections": {"X1": {"map_updates": [_UPDATE]}}}}

DETECTOR = Detector(
    id="altered_map",
    version=1,
    threat=its_messages.ITS_14,
    record=MAP,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.MEDIUM,
    parties=Parties("intersection", "intersection", source="certificate", destination="receiver"),
    dedup=("intersection",),
    episode_s=300.0,
    says="the map of {intersection} as {receiver} hears it shows {why}",
    observed="{why}, revision {revision}",
    expected="the lanes of revision {before}, or its successor in a planned update",
    runbook=(
        "Stop the broadcast of the roadside unit; the lamps themselves stay in control.",
        "Compare the map with the one that was released; look for a second sender.",
        "If an update was made, enter it in the site file.",
    ),
    tolerance="messages are judged in the order in which the receiver heard them",
    examples=(
        fires_on("other lanes, same revision", [*_maps(0, 3, 7, "aa"), *_maps(3, 1, 7, "bb")]),
        fires_on(
            "a false update beside the true map", [*_maps(0, 3, 7, "aa"), *_maps(3, 1, 8, "bb"), *_maps(4, 1, 7, "aa")]
        ),
        fires_on("an update that nobody planned", [*_maps(0, 3, 7, "aa"), *_maps(3, 1, 8, "bb")], site=_SITE),
        quiet_on("a planned update, and no site file", [*_maps(0, 9, 127, "aa"), *_maps(9, 3, 0, "bb")], site=_SITE),
        quiet_on(
            "updates where nothing is planned", [*_maps(0, 3, 7, "aa"), *_maps(3, 3, 8, "bb"), *_maps(6, 3, 9, "cc")]
        ),
    ),
)
