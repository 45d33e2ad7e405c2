"""A host that is no master of the site acts as a DNP3 master.

Fires on every request and confirmation, and on every link frame in a master's direction, from a source that the site file does not
list. Blind spot: an attacker who speaks from an enrolled address (see `dnp3_impostor`). Source: threat SG-17 of the
catalogue; IEEE 1815 clauses 4.4 (requests) and 9.2.4 (DIR bit).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Row, fires_on, quiet_on
from detectors.dnp3 import REQUEST
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import DNP3


@dataclass(frozen=True)
class Params:
    pass


def build(p: Params, site: Site) -> Firing:
    masters = sorted(site.dnp3.masters or ())
    as_master = pl.col("from_master") & ~pl.col("response")
    return Firing(
        when=(REQUEST.expr | as_master) & ~pl.col("source").is_in(masters),
        values={"what": pl.format("function {}", "function").fill_null("a link frame")},
    )


_SITE = {"dnp3": {"masters": ["10.0.0.1"]}}
_OUT = {"destination": "10.0.0.20", "destination_port": 20000, "link_destination": 1, "response": False}
_BACK = {"source": "10.0.0.20", "source_port": 20000, "link_source": 1, "from_master": False, "response": True}

DETECTOR = Detector(
    id="rogue_master_dnp3",
    version=1,
    threat=smart_grid_substation.SG_17,
    record=DNP3,
    kind=Row(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    parties=Parties("outstation", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=300.0,
    says="{source}, which is no master of this site, acts as DNP3 master towards {destination} ({what})",
    observed="{what} from {source}, link address {link_source}, to link address {link_destination} of {destination}",
    expected="requests only from the masters of the site file",
    runbook=(
        "Find the host of the source address by its switch port and take it off the control network.",
        "Compare the outstation's states with the control centre's view.",
        "If it is a new master, enrol it in the site file under dnp3.masters.",
    ),
    needs=("dnp3.masters",),
    tolerance="none needed: each record is judged alone",
    examples=(
        fires_on(
            "a stranger reads all classes and confirms what it is told",
            [
                {"time": 0, "source": "10.0.0.66", **_OUT, "from_master": True, "function": 1},
                {"time": 1, "source": "10.0.0.66", **_OUT, "from_master": True, "function": 0},
            ],
            site=_SITE,
        ),
        fires_on(
            "a request that does not claim a master's direction",
            [{"time": 0, "source": "10.0.0.66", **_OUT, "from_master": False, "function": 14}],
            site=_SITE,
        ),
        quiet_on(
            "the master asks, the outstation answers, and confirms on the link",
            [
                {"time": 0, "source": "10.0.0.1", **_OUT, "from_master": True, "function": 1},
                {"time": 1, "destination": "10.0.0.1", **_BACK, "function": 129},
                {"time": 2, "destination": "10.0.0.1", **_BACK, "response": False, "function": None},
                {"time": 3, "destination": "10.0.0.1", **_BACK, "function": 130},
            ],
            site=_SITE,
        ),
    ),
)
