"""A GOOSE control block sends far more messages than its retransmissions explain.

After a change of state a publisher repeats the message within milliseconds, then ever more slowly: some ten in the first second.
Hundreds a second over seconds keep subscribers and the process bus busy. Counts messages of one control block, whoever sends
them. Blind spot: a flood spread over made-up control blocks; silence of a publisher. Source: threat SG-27 of the catalogue;
IEC 61850-8-1 clause 18 (retransmission); ERENO use case 07.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Recent
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import GOOSE


@dataclass(frozen=True)
class Params:
    messages_max: int = 500  # in the window: fires above
    window_s: float = 5.0


def build(p: Params, site: Site) -> Firing:
    by = ("control_block",)
    often = CountWithin(by, seconds=p.window_s, at_most=2 * p.messages_max)
    return Firing(
        when=often.col > p.messages_max,
        memories=(often,),
        values={"often": often.col, "window": pl.lit(p.window_s), "most": pl.lit(p.messages_max)},
        trail=(Recent(by, seconds=p.window_s, at_most=20),),
    )


def _stream(seconds: float, hz: float) -> list[dict[str, object]]:
    return [
        {
            "time": i / hz,
            "source_mac": "00:30:a7:00:00:01",
            "control_block": "BAY1CTRL/LLN0$GO$gcb1",
            "st_num": 1,
            "sq_num": i,
        }
        for i in range(int(seconds * hz))
    ]


DETECTOR = Detector(
    id="goose_flooding",
    version=1,
    threat=smart_grid_substation.SG_27,
    record=GOOSE,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    parties=Parties("control block", "control_block", source="source_mac", destination="destination_mac"),
    dedup=("control_block",),
    episode_s=300.0,
    says="{often} GOOSE messages of {control_block} in {window} s, the last of {source_mac}",
    observed="{often} messages in {window} s",
    expected="at most {most}",
    runbook=(
        "Assume interlocking and breaker-failure schemes of that bay are not available; tell protection staff.",
        "Limit multicast on the port that the flood comes from, and find what is connected there.",
        "Restart the publisher so that its state number is taken anew.",
    ),
    tolerance="a late message counts at the control block's clock; one later than the window is not counted",
    examples=(
        fires_on("a thousand messages a second", _stream(1.0, 1000.0)),
        quiet_on("one a second", _stream(120.0, 1.0)),
        quiet_on("a busy publisher: 50 a second", _stream(20.0, 50.0)),
    ),
)
