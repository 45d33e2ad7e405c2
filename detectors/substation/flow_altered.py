"""The content of a TCP conversation is replaced: segments are sent again with other bytes than before.

Fires on `segments_min` such segments between two hosts within `window_s`: somebody injects data or stands between the two
and rewrites them. Blind spot: somebody in between whose every copy looks alike from where the tap stands; sources that do
not look into segments. Source: threat SG-28 of the catalogue; RFC 9293 section 3.8.1 (a retransmission carries the same
bytes); ATT&CK for ICS T0830.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, Recent
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import FLOW


@dataclass(frozen=True)
class Params:
    segments_min: int = 2
    window_s: float = 60.0


BY = ("source", "destination", "destination_port")
ALTERED = Derived("flow altered", pl.col("state") == "inconsistent")


def build(p: Params, site: Site) -> Firing:
    segments = CountWithin(BY, p.window_s, 10 * p.segments_min, ALTERED)
    return Firing(
        when=ALTERED.expr & (segments.col >= p.segments_min),
        memories=(segments,),
        values={"segments": segments.col, "window": pl.lit(p.window_s)},
        trail=(Recent(BY, p.window_s, 20, ALTERED),),
    )


def _flow(time: float, state: str) -> dict[str, object]:
    ends = {"source": "10.0.0.1", "destination": "10.0.0.20", "destination_port": 20000}
    return {"time": time, **ends, "protocol": "tcp", "state": state}


DETECTOR = Detector(
    id="flow_altered",
    version=1,
    threat=smart_grid_substation.SG_28,
    record=FLOW,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    parties=Parties("server", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=300.0,
    says="the conversation of {source} with port {destination_port} of {destination} is rewritten on its way",
    observed="{segments} segments within {window} s sent again with other content",
    expected="the same bytes in every copy of a segment",
    runbook=(
        "Compare ARP tables of both ends and of the router with the known MAC addresses; find who stands between.",
        "Rely on no value or state that came over this conversation; switch by telephone until it is clean.",
    ),
    tolerance="late records beyond the window are not counted",
    examples=(
        fires_on("segments come twice with other content", [_flow(0.5 * i, "inconsistent") for i in range(4)]),
        quiet_on(
            "conversations that begin, fail and are reset",
            [_flow(i, state) for i, state in enumerate(("established", "attempted", "rejected", "reset") * 3)],
        ),
        quiet_on("one odd segment in an hour", [_flow(3600.0 * i, "inconsistent") for i in range(3)]),
    ),
)
