"""A host that is no client of the site associates with an MMS server, or asks something of it.

Blind spot: an attacker who speaks from an enrolled address. Source: threat SG-17 of the catalogue; IEC 61850-8-1 clause 6 (associations of
clients); ATT&CK for ICS T0848.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Row, fires_on, quiet_on
from detectors.mms import ASKS
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import MMS


@dataclass(frozen=True)
class Params:
    pass


def build(p: Params, site: Site) -> Firing:
    clients = sorted({*(site.mms.clients or ()), *(site.mms.controllers or ())})
    return Firing(
        when=ASKS & ~pl.col("source").is_in(clients),
        values={"what": pl.coalesce(pl.format("request {}", "service"), pl.lit("an association"))},
    )


_SITE = {"mms": {"clients": ["10.0.0.1"]}}
_TO = {"destination": "10.0.0.20", "destination_port": 102, "source_port": 50_000}

DETECTOR = Detector(
    id="rogue_client_mms",
    version=1,
    threat=smart_grid_substation.SG_17,
    record=MMS,
    kind=Row(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    parties=Parties("server", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=300.0,
    says="{source}, which is no client of this site, speaks MMS with {destination} ({what})",
    observed="{what} from {source} to {destination}",
    expected="associations of the clients of the site file",
    runbook=(
        "Find the host of the source address by its switch port and take it off the station bus.",
        "Compare settings and states of the device with the control centre's view.",
        "If it is a new client, enrol it in the site file under mms.clients.",
    ),
    needs=("mms.clients",),
    tolerance="none needed: each record is judged alone",
    examples=(
        fires_on(
            "a stranger associates and browses",
            [
                {"time": 0, "source": "10.0.0.66", **_TO, "pdu": "initiate_request"},
                {"time": 1, "source": "10.0.0.66", **_TO, "pdu": "confirmed_request", "service": "getNameList"},
            ],
            site=_SITE,
        ),
        quiet_on(
            "the client associates and reads, the server answers and reports",
            [
                {"time": 0, "source": "10.0.0.1", **_TO, "pdu": "initiate_request"},
                {"time": 1, "source": "10.0.0.1", **_TO, "pdu": "confirmed_request", "service": "read"},
                {"time": 2, "source": "10.0.0.20", "source_port": 102, "pdu": "confirmed_response", "service": "read"},
                {"time": 3, "source": "10.0.0.20", "source_port": 102, "pdu": "unconfirmed"},
            ],
            site=_SITE,
        ),
    ),
)
