"""Two hosts ask one DNP3 outstation by turns under the same link address: one of them is not the master that it says it is.

Fires where a host asks, another one asks under the same link address, and the first asks again, all within `window_s`. A standby that takes
over uses the master's link address too, but then the first is silent; two control centres have link addresses of their own. Blind spot: a
rogue master under a link address of its own or while the master is silent (see `rogue_master_dnp3`, which needs the site file). Source:
threat SG-17 of the catalogue; IEEE 1815 clause 9.2.5 (addresses are unique).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.dnp3 import REQUEST
from detectors.memory import CountWithin, Derived, Last, Recent
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import DNP3


@dataclass(frozen=True)
class Params:
    window_s: float = 60.0


BY = ("destination", "link_destination", "link_source")
ASKS = Derived("dnp3 asks as master", REQUEST.expr & pl.col("from_master"))


def build(p: Params, site: Site) -> Firing:
    before = Last(BY, "source", ASKS)
    own = CountWithin((*BY, "source"), p.window_s, 3, ASKS)
    other = (before.col != pl.col("source")).fill_null(False)
    return Firing(
        when=ASKS.expr & other & (own.col >= 2),
        memories=(before, own),
        values={"other": before.col.fill_null("-"), "window": pl.lit(p.window_s)},
        trail=(Recent(BY, p.window_s, 20, ASKS),),
    )


def _request(time: float, source: str = "10.0.0.1", name: int = 0) -> dict[str, object]:
    ends = {"source": source, "destination": "10.0.0.20", "link_source": name, "link_destination": 1}
    return {"time": time, **ends, "function": 1, "response": False, "from_master": True}


DETECTOR = Detector(
    id="dnp3_two_masters",
    version=1,
    threat=smart_grid_substation.SG_17,
    record=DNP3,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("outstation", "destination", source="source", destination="destination"),
    dedup=("site", "destination", "link_destination", "link_source"),
    episode_s=300.0,
    says="{source} and {other} ask {destination} by turns under the same link address {link_source}",
    observed="requests of two hosts under link address {link_source} within {window} s",
    expected="one host a link address at a time",
    runbook=(
        "Find out which of the two hosts is the control centre's, and take the other off the control network.",
        "Read back all outputs of the outstation against the control centre's view.",
        "If both are the control centre's, list them in the site file under dnp3.masters and accept the alert.",
    ),
    tolerance="a late record is passed over",
    examples=(
        fires_on("a stranger between the master's polls", [_request(0), _request(20), _request(25, "10.0.0.66"), _request(40)]),
        quiet_on(
            "the standby takes over, and back after an hour",
            [_request(0), _request(20), _request(40, "10.0.0.2"), _request(60, "10.0.0.2"), _request(3600), _request(3620)],
        ),
        quiet_on("two control centres", [_request(5.0 * i, f"10.0.0.{1 + i % 2}", i % 2) for i in range(20)]),
    ),
)  # fmt: skip
