"""A DNP3 station is flooded: requests or reports far above what stations send, or its clock or restart flag set again and again.

Counts per pair of hosts: `messages_max` requests, or unsolicited responses, within `window_s`; `clock_max` writes of time or
internal indications (groups 50, 80) within `clock_s`. A fault in the grid makes a burst of events, but in messages of many
events each. Blind spot: a flood below TCP; one spread over many sources. Source: threat SG-23 of the catalogue; IEEE 1815
clause 4.7 (unsolicited responses wait for their confirmation).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.dnp3 import REQUEST, UNSOLICITED, asks
from detectors.memory import CountWithin, Derived, Recent
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import DNP3


@dataclass(frozen=True)
class Params:
    messages_max: int = 100  # in the window: fires above
    window_s: float = 10.0
    clock_max: int = 10  # such writes: fires above
    clock_s: float = 60.0


BY = ("source", "destination")
_GROUPS = pl.col("groups")
SETS_CLOCK = Derived(
    "dnp3 sets clock or flag", asks(2) & (_GROUPS.list.contains(50) | _GROUPS.list.contains(80)).fill_null(False)
)


def build(p: Params, site: Site) -> Firing:
    requests = CountWithin(BY, p.window_s, 10 * p.messages_max, REQUEST)
    reports = CountWithin(BY, p.window_s, 10 * p.messages_max, UNSOLICITED)
    clock = CountWithin(BY, p.clock_s, 10 * p.clock_max, SETS_CLOCK)
    asking = REQUEST.expr & (requests.col > p.messages_max)
    telling = UNSOLICITED.expr & (reports.col > p.messages_max)
    setting = SETS_CLOCK.expr & (clock.col > p.clock_max)
    what = (
        pl.when(asking)
        .then(pl.format("{} requests within {} s", requests.col, pl.lit(p.window_s)))
        .when(telling)
        .then(pl.format("{} unsolicited responses within {} s", reports.col, pl.lit(p.window_s)))
        .otherwise(pl.format("{} settings of clock or restart flag within {} s", clock.col, pl.lit(p.clock_s)))
    )
    return Firing(
        when=asking | telling | setting,
        memories=(requests, reports, clock),
        values={"what": what},
        trail=(Recent(BY, p.window_s, 20, REQUEST), Recent(BY, p.window_s, 20, UNSOLICITED)),
    )


def _message(time: float, function: int, groups: list[int], response: bool = False) -> dict[str, object]:
    ends = {"source": "10.0.0.66", "destination": "10.0.0.20", "groups": groups}
    return {"time": time, **ends, "function": function, "response": response, "from_master": not response}


DETECTOR = Detector(
    id="dnp3_flood",
    version=2,
    threat=smart_grid_substation.SG_23,
    record=DNP3,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    parties=Parties("station", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=300.0,
    says="{source} floods {destination}: {what}",
    observed="{what}",
    expected="polls every few seconds, reports that wait for their confirmation",
    runbook=(
        "Limit or drop the source at the substation's firewall; keep the configured master running.",
        "Check that polls of the other stations are still answered; find the host by its switch port.",
    ),
    tolerance="late records beyond the window are not counted",
    examples=(
        fires_on("twenty writes a second", [_message(0.05 * i, 2, [80]) for i in range(300)]),
        fires_on("forty reports a second", [_message(0.025 * i, 130, [1], True) for i in range(200)]),
        fires_on("the clock is set each second", [_message(i, 2, [50]) for i in range(20)]),
        fires_on("the restart flag is cleared each second", [_message(i, 2, [80]) for i in range(20)]),
        quiet_on("polls every second", [_message(i, 1, [60]) for i in range(120)]),
        quiet_on("a burst of reports after a fault", [_message(0.2 * i, 130, [2], True) for i in range(40)]),
    ),
)
