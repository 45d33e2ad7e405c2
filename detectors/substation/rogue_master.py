"""A host that is no master of the site takes part in Modbus.

Fires on every transaction whose client is not enrolled. Blind spot: an attacker who speaks from an enrolled address.
Source: threat SG-17 of the catalogue; the same rule in the Quickdraw signatures (unauthorised client).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Row, fires_on, quiet_on
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import MODBUS


@dataclass(frozen=True)
class Params:
    pass


def build(p: Params, site: Site) -> Firing:
    enrolled = {*(site.modbus.masters or ()), *site.modbus.engineering}
    return Firing(when=~pl.col("client").is_in(sorted(enrolled)))


_SITE = {"modbus": {"masters": ["10.0.0.1"]}}

DETECTOR = Detector(
    id="rogue_master",
    version=1,
    threat=smart_grid_substation.SG_17,
    record=MODBUS,
    kind=Row(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    parties=Parties("server", "server", source="client", destination="server"),
    dedup=("client", "server"),
    episode_s=300.0,
    says="{client}, which is no master of this site, speaks Modbus to {server} (function {function})",
    observed="function {function} from {client} to {server}, unit {unit}",
    expected="Modbus only from the masters of the site file",
    runbook=(
        "Find the host of the source address by its switch port and take it off the control network.",
        "Check the outstation for changed coils and registers since the first alert.",
        "If it is a new master, enrol it in the site file under modbus.masters.",
    ),
    needs=("modbus.masters",),
    tolerance="none needed: each record is judged alone",
    examples=(
        fires_on("an unknown client reads", [{"time": 0, "client": "10.0.0.66", "function": 3}], site=_SITE),
        quiet_on("the master reads", [{"time": 0, "client": "10.0.0.1", "function": 3}], site=_SITE),
    ),
)
