"""A host that is no master of the site acts as a controlling station of IEC 60870-5-104.

Fires on every APDU in control direction from an unlisted source: anything to the outstation's port 2404, and any
command, system command, parameter or file transfer request (types 45 to 127 with cause request, activation or
deactivation) on any port. Blind spot: an attacker who speaks from an enrolled address. Source: threat SG-17 of the
catalogue; IEC 60870-5-104 clause 7 (the controlling station opens the connection).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Row, fires_on, quiet_on
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104

#: Causes of transmission that a controlling station uses: request, activation, deactivation.
CONTROL_CAUSES = (5, 6, 8)


@dataclass(frozen=True)
class Params:
    port: int = 2404  # TCP port of controlled stations


def build(p: Params, site: Site) -> Firing:
    masters = sorted(site.iec104.masters or ())
    # S and U frames have neither type nor cause: the port tells their direction.
    command = (pl.col("type_id").is_between(45, 127) & pl.col("cause").is_in(CONTROL_CAUSES)).fill_null(False)
    control = (pl.col("destination_port") == p.port) | command
    return Firing(
        when=control & ~pl.col("source").is_in(masters),
        values={"what": pl.coalesce("control", pl.format("type {}", "type_id"), pl.format("{} frame", "format"))},
    )


_SITE = {"iec104": {"masters": ["10.0.0.1"]}}
_TO = {"destination": "10.0.0.20", "destination_port": 2404}

DETECTOR = Detector(
    id="rogue_master_iec104",
    version=1,
    threat=smart_grid_substation.SG_17,
    record=IEC104,
    kind=Row(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    parties=Parties("outstation", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=300.0,
    says="{source}, which is no master of this site, acts as IEC 104 master towards {destination} ({what})",
    observed="{what} from {source} to {destination}",
    expected="control direction only from the masters of the site file",
    runbook=(
        "Find the host of the source address by its switch port and take it off the control network.",
        "Compare the outstation's breaker states with the control centre's view.",
        "If it is a new master, enrol it in the site file under iec104.masters.",
    ),
    needs=("iec104.masters",),
    tolerance="none needed: each record is judged alone",
    examples=(
        fires_on(
            "an unknown host starts data transfer and interrogates",
            [
                {"time": 0, "source": "10.0.0.66", **_TO, "format": "U", "control": "STARTDT act"},
                {"time": 1, "source": "10.0.0.66", **_TO, "format": "I", "type_id": 100, "cause": 6},
            ],
            site=_SITE,
        ),
        quiet_on(
            "the master commands, the outstation confirms and reports",
            [
                {"time": 0, "source": "10.0.0.1", **_TO, "format": "I", "type_id": 45, "cause": 6},
                {"time": 1, "source": "10.0.0.20", "source_port": 2404, "format": "I", "type_id": 45, "cause": 7},
                {"time": 2, "source": "10.0.0.20", "source_port": 2404, "format": "I", "type_id": 36, "cause": 3},
            ],
            site=_SITE,
        ),
    ),
)
