"""A host that is no outstation of the site reports process values over IEC 60870-5-104.

Fires on every ASDU of process information (types 1 to 40) from a source that the site file does not list as outstation:
the control centre is fed values that no station measured. Blind spot: an attacker who speaks from an enrolled address.
Source: threat SG-28 of the catalogue; published traces of a rogue device on IEC 104 (type 36, cause 3); ATT&CK for ICS
T0856.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Row, fires_on, quiet_on
from detectors.iec104 import REPORTS
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    pass


def build(p: Params, site: Site) -> Firing:
    return Firing(when=REPORTS.expr & ~pl.col("source").is_in(sorted(site.iec104.outstations or ())))


def _report(source: str, type_id: int = 36) -> dict[str, object]:
    body = {"format": "I", "type_id": type_id, "cause": 3, "common_address": 3, "object_address": 700, "value": 1.0}
    return {"time": 0, "source": source, "destination": "10.0.0.1", **body}


_SITE = {"iec104": {"outstations": ["10.0.0.20"]}}

DETECTOR = Detector(
    id="rogue_outstation",
    version=1,
    threat=smart_grid_substation.SG_28,
    record=IEC104,
    kind=Row(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    parties=Parties("station", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=300.0,
    says="{source}, which is no outstation of this site, reports values to {destination} (type {type_id})",
    observed="type {type_id}, common address {common_address}, object {object_address} from {source}",
    expected="process information from the outstations of the site file",
    runbook=(
        "Mark what came from that address as bad data; look which displays and schemes used it.",
        "Find the host of the source address by its switch port and take it off the control network.",
        "If it is a new station, enrol it in the site file under iec104.outstations.",
    ),
    needs=("iec104.outstations",),
    tolerance="none needed: each record is judged alone",
    examples=(
        fires_on("another host reports a measured value", [_report("10.0.0.66")], site=_SITE),
        quiet_on(
            "the station reports; the master commands", [_report("10.0.0.20"), _report("10.0.0.1", 45)], site=_SITE
        ),
    ),
)
