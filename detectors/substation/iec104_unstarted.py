"""Values of an IEC 60870-5-104 station come over a connection whose data transfer nobody started.

A station sends I-frames only between STARTDT and STOPDT of a connection. Fires on process information (types 1 to 40)
over a connection that appeared while this pair of hosts was watched for `known_s` already and on which neither STARTDT
act nor its confirmation was seen: somebody speaks from the station's address beside its own connection. Blind spot: an
attacker who opens a proper connection, or puts APDUs into the station's own (`iec104_sequence`). A tap that loses both
frames of the start raises one alert. Source: threat SG-28 of the catalogue; IEC 60870-5-104 clause 5.3; published
traces of events from a forged address.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.iec104 import LINK, REPORTS, said
from detectors.memory import CountWithin, Derived, Least, TimeSince
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    known_s: float = 600.0  # that the pair was watched before the connection appeared
    reports_min: int = 3  # objects in the window
    window_s: float = 600.0


WAY = ("source", "source_port", "destination", "destination_port")
STARTED = Derived("started", said(pl.col("control").is_in(["STARTDT act", "STARTDT con"])))
SECOND = Derived("second", pl.col("time").dt.epoch("us") * 1e-6)


def build(p: Params, site: Site) -> Firing:
    pair, way = Least(("source", "destination"), SECOND), Least(WAY, SECOND)
    started = TimeSince((LINK,), STARTED)
    reports = CountWithin(WAY, seconds=p.window_s, at_most=max(100, p.reports_min), where=REPORTS)
    later = pl.coalesce(way.col, SECOND.col) - pl.coalesce(pair.col, SECOND.col)
    return Firing(
        when=REPORTS.col & (later >= p.known_s) & started.col.is_null() & (reports.col >= p.reports_min),
        memories=(pair, way, started, reports),
        values={"reports": reports.col, "after": later},
    )


def _reports(start: float, count: int, port: int) -> list[dict[str, object]]:
    ends = {"source": "10.0.0.20", "source_port": 2404, "destination": "10.0.0.1", "destination_port": port}
    body = {"format": "I", "type_id": 36, "cause": 3, "common_address": 3, "object_address": 700, "value": 1.0}
    return [{"time": start + 10.0 * i, **ends, **body} for i in range(count)]


_START = {"source": "10.0.0.1", "source_port": 40_001, "destination": "10.0.0.20", "destination_port": 2404}

DETECTOR = Detector(
    id="iec104_unstarted",
    version=1,
    threat=smart_grid_substation.SG_28,
    record=IEC104,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("station", "source", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=900.0,
    says="{source} reports to {destination} over port {destination_port}, where data transfer was never started",
    observed="{reports} objects over ports {source_port} and {destination_port}, {after} s after the hosts were first seen",
    expected="STARTDT before any I-frame",
    runbook=(
        "Mark what came over that connection as bad data; compare it with what the station's own connection says.",
        "Look for the station's address at two switch ports, and for another TTL.",
        "Ask for the station's own list of connections.",
    ),
    tolerance="a late record counts at the clock of its connection",
    examples=(
        fires_on(
            "a second connection from the station's address", _reports(0, 100, 40_000) + _reports(1000, 5, 41_000)
        ),
        quiet_on(
            "a new connection that is started; one from before anybody watched",
            [
                *_reports(0, 100, 40_000),
                {"time": 1000, **_START, "format": "U", "control": "STARTDT act"},
                *_reports(1001, 20, 40_001),
            ],
        ),
    ),
)
