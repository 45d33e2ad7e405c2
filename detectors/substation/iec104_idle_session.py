"""A host keeps a session with an IEC 60870-5-104 station alive that nobody needs: a way in, held open.

A controlling station that starts data transfer interrogates, else it knows nothing of the process. Fires on a host that
is no master of the site file, started data transfer, sent `tests_min` test frames since and has not interrogated. Blind
spot: a session that interrogates; one that was started before anybody watched; standby connections, which do not start
data transfer, are none. Source: threat SG-17 of the catalogue; IEC 60870-5-104 clauses 5.2 and 5.3, IEC 60870-5-101
clause 7.4.5; ATT&CK for ICS T0869.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.iec104 import INTERROGATES, STARTS, TESTS, said
from detectors.memory import CountWithin, Recent, TimeSince
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    tests_min: int = 5  # test frames in the window
    window_s: float = 600.0


BY = ("source", "destination")


def build(p: Params, site: Site) -> Firing:
    started, asked = TimeSince(BY, STARTS), TimeSince(BY, INTERROGATES)
    tests = CountWithin(BY, seconds=p.window_s, at_most=max(100, p.tests_min), where=TESTS)
    stranger = ~pl.col("source").is_in(sorted(site.iec104.masters or ()))
    idle = started.col.is_not_null() & (asked.col.is_null() | said(asked.col > started.col))
    return Firing(
        when=TESTS.col & stranger & idle & (tests.col >= p.tests_min),
        memories=(started, asked, tests),
        values={"tests": tests.col, "started": started.col},
        trail=(Recent(BY, seconds=p.window_s, at_most=20, where=TESTS),),
    )


def _session(interrogates: bool, starts: bool = True) -> list[dict[str, object]]:
    ends = {"source": "10.0.0.66", "destination": "10.0.0.20"}
    first: list[dict[str, object]] = [{"time": 0, **ends, "format": "U", "control": "STARTDT act"}] if starts else []
    if interrogates:
        first.append({"time": 1, **ends, "format": "I", "type_id": 100, "cause": 6})
    return first + [{"time": 10.0 * i, **ends, "format": "U", "control": "TESTFR act"} for i in range(1, 12)]


DETECTOR = Detector(
    id="iec104_idle_session",
    version=1,
    threat=smart_grid_substation.SG_17.by("T0869"),
    record=IEC104,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    parties=Parties("station", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=3600.0,
    says="{source} keeps a session with {destination} open without use: {tests} test frames, no interrogation for {started} s",
    observed="data transfer started {started} s ago, {tests} test frames since, no interrogation",
    expected="an interrogation after the start of data transfer",
    runbook=(
        "Find the host of the source address and who works on it; end its session.",
        "List the commands that it sent, and since when its sessions are seen.",
        "If it is a new master, enrol it in the site file under iec104.masters.",
    ),
    tolerance="a late frame counts at the pair's clock",
    examples=(
        fires_on("a session that only lives", _session(False)),
        quiet_on("a control centre", _session(True)),
        quiet_on("a standby connection", _session(True, starts=False)[1:]),
        quiet_on("an enrolled master", _session(False), site={"iec104": {"masters": ["10.0.0.66"]}}),
    ),
)
