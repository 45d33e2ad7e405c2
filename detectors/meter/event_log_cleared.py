"""A meter's event log is cleared, or its error or alarm register, and no visit was announced.

A visit that the site file announces (`meters.visits`) excuses its transformer or meter. Blind spot: a log that is emptied without
the event that says so, seen only by entry counts, which the record does not carry. Source: threat SG-09 of the catalogue;
DLMS/COSEM event logs 0.0.99.98.0 to .4, events 10, 11 and 255 (IDIS package 2).
"""

from dataclasses import dataclass

import polars as pl

from detectors.announced_work import announced
from detectors.detector import Confidence, Detector, Firing, Parties, Row, fires_on, quiet_on
from detectors.profiles import smart_grid_ami
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import METER_EVENT

MEANINGS = ("log_cleared", "alarm_register_cleared", "error_register_cleared")


@dataclass(frozen=True)
class Params:
    pass


def build(p: Params, site: Site) -> Firing:
    excused, _ = announced(site)
    what = pl.col("meaning").str.replace("_cleared", "").str.replace("_", " ")
    return Firing(when=pl.col("meaning").is_in(MEANINGS) & ~excused, values={"what": what})


def _event(meaning: str, meter: str = "M1") -> dict[str, object]:
    return {"time": 0, "meter": meter, "transformer": "T1", "profile": "dlms", "meaning": meaning}


_VISIT = {
    "meters": {
        "visits": [{"kind": "meter", "name": "M1", "start": "2026-03-01T12:00:00Z", "end": "2026-03-03T13:00:00Z"}]
    }
}

DETECTOR = Detector(
    id="event_log_cleared",
    version=1,
    threat=smart_grid_ami.SG_09,
    record=METER_EVENT,
    kind=Row(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("meter", "meter"),
    dedup=("transformer",),
    episode_s=86_400.0,
    says="the {what} of {meter} at {transformer} was cleared",
    observed="{meaning} (code {code} of {profile})",
    expected="no clearing outside announced visits",
    runbook=(
        "Read all logs of the meter now and store them off the device.",
        "Compare with neighbours behind the same transformer or concentrator: a group means the path, not the meter.",
        "Look for the head-end command or the visit that cleared it; announce visits in the site file (meters.visits).",
    ),
    tolerance="none needed: each record is judged alone",
    examples=(
        fires_on("the log is cleared", [_event("log_cleared")]),
        fires_on(
            "the alarm register of a neighbour of the visited meter",
            [_event("alarm_register_cleared", "M2")],
            site=_VISIT,
        ),
        quiet_on("other events", [_event("power_down"), _event("cover_removed")]),
        quiet_on("during an announced visit", [_event("log_cleared")], site=_VISIT),
    ),
)
