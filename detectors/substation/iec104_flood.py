"""A station floods its control centre with spontaneous events over IEC 60870-5-104.

Counts objects with cause 3 of one station to one host. A disturbance brings hundreds within seconds; a hundred a second
that do not end bury what matters and fill the front end. Blind spot: false events at a usual rate. A concentrator of
very many points may need a higher `objects_max`. Source: threat SG-23 of the catalogue; published traces of IEC 104
floods (type 36, cause 3).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.iec104 import SPONTANEOUS
from detectors.memory import CountWithin, Recent
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    objects_max: int = 1500  # in the window: fires above
    window_s: float = 15.0


BY = ("source", "destination")


def build(p: Params, site: Site) -> Firing:
    often = CountWithin(BY, seconds=p.window_s, at_most=2 * p.objects_max, where=SPONTANEOUS)
    return Firing(
        when=SPONTANEOUS.col & (often.col > p.objects_max),
        memories=(often,),
        values={"often": often.col, "window": pl.lit(p.window_s), "most": pl.lit(p.objects_max)},
        trail=(Recent(BY, seconds=p.window_s, at_most=20, where=SPONTANEOUS),),
    )


def _events(count: int, every_s: float, cause: int = 3) -> list[dict[str, object]]:
    ends = {"source": "10.0.0.20", "destination": "10.0.0.1", "format": "I"}
    return [
        {"time": i * every_s, **ends, "type_id": 36, "cause": cause, "common_address": 3, "object_address": i % 50}
        for i in range(count)
    ]


DETECTOR = Detector(
    id="iec104_flood",
    version=1,
    threat=smart_grid_substation.SG_23,
    record=IEC104,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("station", "source", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=600.0,
    says="{source} floods {destination} with events: {often} in {window} s",
    observed="{often} spontaneous objects in {window} s, the last of type {type_id}",
    expected="at most {most}",
    runbook=(
        "Ask the site whether there is a disturbance; look for alarms that the flood may hide.",
        "Stop data transfer of the station and interrogate it instead.",
        "Find out whether the events came from the station at all: port, TTL, numbers of the connection.",
    ),
    tolerance="a late event counts at the clock of its station; one later than the window is not counted",
    examples=(
        fires_on("five hundred a second", _events(2000, 0.002)),
        quiet_on("a disturbance: six hundred events in ten seconds", _events(600, 1 / 60)),
        quiet_on("answers to an interrogation", _events(2000, 0.002, cause=20)),
    ),
)
