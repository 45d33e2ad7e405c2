"""Test frames of an IEC 60870-5-104 station are no longer answered, though its connection seems to live.

A station that does not get TESTFR con within t1 closes the connection. Fires where `tests_min` TESTFR act in the window
got no answer from a station that answered earlier: answers are held back on the way, or the station hangs and its peer
does not notice. Blind spot: where the tap never saw an answer; a line that fails takes one or two test frames. Source:
threat SG-23 of the catalogue; IEC 60870-5-104 clause 5.2 (test procedures; t1 15 s, t3 20 s).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.iec104 import ASKED, ASKER, TESTS, said
from detectors.memory import CountWithin, Derived, Recent, TimeSince
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    tests_min: int = 4  # in the window, none answered
    window_s: float = 120.0
    answered_s: float = 86_400.0  # an answer so long ago shows that the tap sees answers


PAIR = (ASKER, ASKED)
ANSWERS = Derived("answers a test", said(pl.col("control") == "TESTFR con"))


def build(p: Params, site: Site) -> Firing:
    tests = CountWithin(PAIR, seconds=p.window_s, at_most=max(100, p.tests_min), where=TESTS)
    since = TimeSince(PAIR, ANSWERS)
    mute = said(since.col.is_between(p.window_s, p.answered_s))
    return Firing(
        when=TESTS.col & mute & (tests.col >= p.tests_min),
        memories=(tests, since),
        values={"tests": tests.col, "since": since.col, "window": pl.lit(p.window_s)},
        trail=(Recent(PAIR, seconds=p.window_s, at_most=20, where=TESTS),),
    )


def _frames(start: float, count: int, answered: bool) -> list[dict[str, object]]:
    out: list[dict[str, object]] = []
    for i in range(count):
        time = start + 20.0 * i
        out.append(
            {"time": time, "source": "10.0.0.1", "destination": "10.0.0.20", "format": "U", "control": "TESTFR act"}
        )
        if answered:
            ends = {"source": "10.0.0.20", "destination": "10.0.0.1"}
            out.append({"time": time + 0.1, **ends, "format": "U", "control": "TESTFR con"})
    return out


DETECTOR = Detector(
    id="iec104_unanswered",
    version=1,
    threat=smart_grid_substation.SG_23,
    record=IEC104,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.LOW,
    parties=Parties("station", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=900.0,
    says="{destination} has not answered {tests} test frames of {source} for {since} s",
    observed="{tests} test frames in {window} s without an answer",
    expected="an answer within 15 s",
    runbook=(
        "Move to the redundant link; keep the last good values marked as old.",
        "Look for frames that leave the station but do not arrive: capture at both ends.",
        "Ask for the state of the station; restart its link where it hangs.",
    ),
    tolerance="a late frame counts at the pair's clock; a late answer is passed over",
    examples=(
        fires_on("answers stop", _frames(0, 10, True) + _frames(200.0, 10, False)),
        quiet_on("every test is answered", _frames(0, 30, True)),
        quiet_on(
            "two are lost with the line, then it is back",
            [*_frames(0, 10, True), *_frames(200.0, 2, False), *_frames(900.0, 5, True)],
        ),
        quiet_on("a tap that sees one direction", _frames(0, 30, False)),
    ),
)
