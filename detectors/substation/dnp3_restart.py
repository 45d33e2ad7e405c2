"""A DNP3 outstation is told to restart, to stop or initialise its application, or to take on a configuration.

Function codes 13 (cold restart), 14 (warm restart), 15 and 16 (initialise data, application), 18 (stop application) and 31
(activate configuration), whoever sends them. Blind spot: a restart by another protocol or at the device itself. Source:
threat SG-20 of the catalogue; IEEE 1815 clauses 4.4.12 and 4.4.13 (restarts), 4.4.15 to 4.4.17 (applications).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Row, fires_on, quiet_on
from detectors.dnp3 import asks
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import DNP3

TOLD = {
    13: "restart cold",
    14: "restart warm",
    15: "initialise its data",
    16: "initialise an application",
    18: "stop an application",
    31: "activate a configuration",
}


@dataclass(frozen=True)
class Params:
    pass


def build(p: Params, site: Site) -> Firing:
    what = pl.col("function").replace_strict(TOLD, default="", return_dtype=pl.String)
    return Firing(when=asks(*TOLD), values={"what": what})


def _request(time: float, function: int | None, **fields: object) -> dict[str, object]:
    ends = {"source": "10.0.0.1", "destination": "10.0.0.20", "from_master": True, "response": False}
    return {"time": time, **ends, "function": function, **fields}


DETECTOR = Detector(
    id="dnp3_restart",
    version=2,
    threat=smart_grid_substation.SG_20,
    record=DNP3,
    kind=Row(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    parties=Parties("outstation", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=300.0,
    says="{source} tells {destination} to {what}",
    observed="function {function} to link address {link_destination} of {destination}",
    expected="no restart outside announced maintenance",
    runbook=(
        "Ask the control centre and engineering whether the restart was theirs.",
        "Treat the bay as unobserved until the outstation answers; then poll all classes and compare its states.",
        "Find the host of the source address if nobody knows of it.",
    ),
    tolerance="none needed: each record is judged alone",
    examples=(
        fires_on("a cold restart", [_request(0, 13)]),
        fires_on("a warm restart, repeated", [_request(0, 14), _request(20, 14)]),
        fires_on("an application is stopped", [_request(0, 18)]),
        fires_on("a configuration is activated", [_request(0, 31)]),
        quiet_on(
            "polls, its own answer after a restart, a link frame",
            [_request(0, 1), _request(1, 129, response=True, iin1=128), _request(2, None)],
        ),
    ),
)
