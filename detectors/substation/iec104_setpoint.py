"""A set-point or parameter of IEC 60870-5-104 that the site does not allow.

A set-point (types 48 to 50 and 61 to 63) or a parameter (types 110 to 113; cause activation) fires when no entry of the
site file names its source, common address, object address and type, when it executes a select-before-operate point
without a select of the same object within `select_s`, or when its value is outside its limits. Where the site file
lists no commands, every parameter is told (they are loaded at commissioning), and set-points of hosts that are no
masters of the site file. Blind spot: a listed source misused within the limits. Source: threat SG-21 of the catalogue;
IEC 60870-5-101 clauses 7.3.2 and 7.3.5; ATT&CK for ICS T0836.
"""

from dataclasses import dataclass

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.iec104 import PARAMETERS, SETPOINTS, outside
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    select_s: float = 10.0  # from select to execute


def build(p: Params, site: Site) -> Firing:
    return outside(site, (*SETPOINTS, *PARAMETERS), p.select_s)


def _command(time: float, type_id: int = 50, value: float = 110.0, **fields: object) -> dict[str, object]:
    ends = {"source": "10.0.0.1", "destination": "10.0.0.20", "common_address": 3, "object_address": 5001}
    return {"time": time, **ends, "format": "I", "type_id": type_id, "cause": 6, "value": value, **fields}


_ENTRY = {"source": "10.0.0.1", "common_address": 3, "object_address": 5001}
_SITE = {
    "iec104": {
        "commands": [
            {**_ENTRY, "type_id": 50, "low": 0.0, "high": 120.0},
            {**_ENTRY, "type_id": 63, "select_before_operate": True},
        ]
    }
}

DETECTOR = Detector(
    id="iec104_setpoint",
    version=1,
    threat=smart_grid_substation.SG_21.by("T0836"),
    record=IEC104,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    parties=Parties("outstation", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=300.0,
    says="{source} sent type {type_id} with {amount} to {place} of {destination}, {why}",
    observed="type {type_id}, {station}, {place}, {amount}",
    expected="set-points and parameters of iec104.commands in the site file, within their limits",
    runbook=(
        "Read the object back and compare it with the approved set-point list; restore it locally.",
        "Block the source at the substation gateway unless the control centre confirms the change.",
        "Add a planned set-point to the site file under iec104.commands.",
    ),
    tolerance="a late select counts at the clock of its object; one later than its window is not counted",
    examples=(
        fires_on("a set-point too high", [_command(0, value=121.0)], site=_SITE),
        fires_on("a set-point that is no number", [_command(0, value=float("nan"))], site=_SITE),
        fires_on("an object that is not in the list", [_command(0, object_address=5002)], site=_SITE),
        fires_on("executed without a select", [_command(0, 63)], site=_SITE),
        fires_on("a parameter, where the site file lists no commands", [_command(0, 112)]),
        quiet_on(
            "set-points within their limits; select and execute; a confirmation; a switching command",
            [
                _command(0),
                _command(1, 63, select=True),
                _command(3, 63),
                _command(4, cause=7, value=500.0, source="10.0.0.20", destination="10.0.0.1"),
                _command(5, 46, value=1.0),
            ],
            site=_SITE,
        ),
        fires_on(
            "a host that is no master", [_command(0, source="10.0.0.66")], site={"iec104": {"masters": ["10.0.0.1"]}}
        ),
        quiet_on("a set-point, where the site file lists no commands", [_command(0, value=500.0)]),
    ),
)
