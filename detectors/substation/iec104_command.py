"""A switching command of IEC 60870-5-104 that the site does not allow.

A single, double, step or bit string command (types 45 to 47, 51, 58 to 60, 64; cause activation) fires when no entry of
the site file names its source, common address, object address and type, or when it executes a select-before-operate
point without a select of the same object within `select_s`. Set-points are `iec104_setpoint`'s. Blind spot: a listed
source misused; a select covers every execute within its time. Source: threat SG-21 of the catalogue; IEC 60870-5-101
clause 7.2.6 (S/E bit).
"""

from dataclasses import dataclass

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.iec104 import SWITCHING, outside
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    select_s: float = 10.0  # from select to execute


def build(p: Params, site: Site) -> Firing:
    return outside(site, SWITCHING, p.select_s)


def _command(time: float, type_id: int = 46, **fields: object) -> dict[str, object]:
    return {
        "time": time,
        "source": "10.0.0.1",
        "destination": "10.0.0.20",
        "format": "I",
        "type_id": type_id,
        "cause": 6,
        "common_address": 3,
        "object_address": 4001,
        "value": 1.0,
        "select": False,
        **fields,
    }


_ENTRY = {"source": "10.0.0.1", "common_address": 3}
_SITE = {"iec104": {"commands": [{**_ENTRY, "object_address": 4001, "type_id": 46, "select_before_operate": True}]}}

DETECTOR = Detector(
    id="iec104_command",
    version=2,
    threat=smart_grid_substation.SG_21,
    record=IEC104,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    parties=Parties("outstation", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=300.0,
    says="{source} sent command type {type_id} to {place} of {destination}, {why}",
    observed="type {type_id}, {station}, {place}, {amount}",
    expected="commands of iec104.commands in the site file, selected first where it says so",
    runbook=(
        "Compare the breaker's state from two paths (104 and GOOSE, or a person on site) before switching back.",
        "Block the source at the substation gateway unless the control centre confirms the command.",
        "Add a planned command to the site file under iec104.commands.",
    ),
    needs=("iec104.commands",),
    tolerance="a late select counts at the clock of its object; one later than its window is not counted",
    examples=(
        fires_on("the historian's host opens a breaker", [_command(0, source="10.0.0.9")], site=_SITE),
        fires_on("an object that is not in the list", [_command(0, object_address=4002)], site=_SITE),
        fires_on("execute long after the select", [_command(0, select=True), _command(15)], site=_SITE),
        quiet_on(
            "select, confirmation, execute; a set-point is not judged here",
            [
                _command(0, select=True),
                _command(0.1, source="10.0.0.20", destination="10.0.0.1", cause=7, select=True),
                _command(2),
                _command(3, 50, object_address=5001, value=500.0),
            ],
            site=_SITE,
        ),
    ),
)
