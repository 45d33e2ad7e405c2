"""Data transfer of an IEC 60870-5-104 station is stopped by a host that never started it.

Fires on STOPDT act to a station whose data transfer another host started, from a host that started none there and is no
master of the site file. A switch-over stops what its own host started. Blind spot: STOPDT that is put into the master's
own connection (its numbers may tell: `iec104_sequence`). Source: threat SG-23 of the catalogue; IEC 60870-5-104 clause
5.3.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.iec104 import STARTS, said
from detectors.memory import Last, TimeSince
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    pass


def build(p: Params, site: Site) -> Firing:
    starter = Last(("destination",), "source", STARTS)
    own = TimeSince(("source", "destination"), STARTS)
    stranger = ~pl.col("source").is_in(sorted(site.iec104.masters or ()))
    stops = said(pl.col("control") == "STOPDT act")
    return Firing(
        when=stops & stranger & said(starter.col != pl.col("source")) & own.col.is_null(),
        memories=(starter, own),
        values={"starter": starter.col},
    )


def _frame(time: float, source: str, control: str) -> dict[str, object]:
    return {"time": time, "source": source, "destination": "10.0.0.20", "format": "U", "control": control}


DETECTOR = Detector(
    id="iec104_stopped",
    version=1,
    threat=smart_grid_substation.SG_23,
    record=IEC104,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    parties=Parties("station", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=300.0,
    says="{source} stops the data transfer of {destination} that {starter} started",
    observed="STOPDT act from {source}",
    expected="STOPDT from {starter} or no one",
    runbook=(
        "Start data transfer again from the control centre and interrogate; what happened meanwhile is not in its image.",
        "Find the host of the source address and take it off the control network.",
        "If it is a new master, enrol it in the site file under iec104.masters.",
    ),
    tolerance="a late frame is passed over",
    examples=(
        fires_on(
            "another host stops it", [_frame(0, "10.0.0.1", "STARTDT act"), _frame(60, "10.0.0.66", "STOPDT act")]
        ),
        quiet_on(
            "a switch-over to the backup control centre, and back",
            [
                _frame(0, "10.0.0.1", "STARTDT act"),
                _frame(60, "10.0.0.2", "STARTDT act"),
                _frame(61, "10.0.0.1", "STOPDT act"),
                _frame(120, "10.0.0.1", "STARTDT act"),
                _frame(121, "10.0.0.2", "STOPDT act"),
            ],
        ),
        quiet_on("what was started before anybody watched", [_frame(0, "10.0.0.1", "STOPDT act")]),
        quiet_on(
            "an enrolled master that started before anybody watched",
            [_frame(0, "10.0.0.2", "STARTDT act"), _frame(1, "10.0.0.1", "STOPDT act")],
            site={"iec104": {"masters": ["10.0.0.1", "10.0.0.2"]}},
        ),
    ),
)
