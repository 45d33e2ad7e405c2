"""A host changes many set-points of one IEC 60870-5-104 station at once that it never set before.

Counts set-points (types 48 to 50 and 61 to 63; cause activation) to objects that this host did not set within the last
two weeks, entries of `iec104.commands` apart. Works without a site file; a controller that sets many objects raises one
alert when it is first seen. Blind spot: one or a few set-points: only the site file tells which are allowed
(`iec104_setpoint`). Source: threat SG-21 of the catalogue; IEC 60870-5-101 clause 7.3.2; ATT&CK for ICS T0836.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.iec104 import SETPOINTS, said
from detectors.memory import CountWithin, Derived, Recent, SeenBefore
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    objects_min: int = 5  # in the window
    window_s: float = 60.0
    known_s: float = 14 * 86_400.0  # an object set within this time is no news


BY = ("source", "destination")
PLACE = Derived("station and object", pl.col("common_address").cast(pl.Int64) * 2**24 + pl.col("object_address"))


def build(p: Params, site: Site) -> Firing:
    setpoint = said(pl.col("type_id").is_in(SETPOINTS) & (pl.col("cause") == 6))
    key = pl.concat_str("source", "common_address", "object_address", "type_id", separator="|").fill_null("")
    commands = site.iec104.commands or ()
    listed = [f"{c.source}|{c.common_address}|{c.object_address}|{c.type_id}" for c in commands]
    sets = Derived("set-point", setpoint)
    before = SeenBefore(BY, seconds=p.known_s, at_most=256, value=PLACE, where=sets)
    fresh = Derived("set-point that is news", setpoint & ~before.col.fill_null(True) & ~key.is_in(listed), (before,))
    often = CountWithin(BY, seconds=p.window_s, at_most=max(100, p.objects_min), where=fresh)
    return Firing(
        when=fresh.col & (often.col >= p.objects_min),
        memories=(often,),
        values={"often": often.col, "window": pl.lit(p.window_s), "most": pl.lit(p.objects_min - 1)},
        trail=(Recent(BY, seconds=p.window_s, at_most=50, where=fresh),),
    )


def _command(time: float, object_address: int, type_id: int = 48, cause: int = 6) -> dict[str, object]:
    ends = {"source": "10.0.0.1", "destination": "10.0.0.20", "common_address": 3, "object_address": object_address}
    return {"time": time, **ends, "format": "I", "type_id": type_id, "cause": cause, "value": 0.5}


_SITE = {
    "iec104": {
        "commands": [
            {"source": "10.0.0.1", "common_address": 3, "object_address": 5000 + i, "type_id": 48} for i in range(8)
        ]
    }
}

DETECTOR = Detector(
    id="iec104_setpoint_sweep",
    version=1,
    threat=smart_grid_substation.SG_21.by("T0836"),
    record=IEC104,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.LOW,
    parties=Parties("station", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=3600.0,
    says="{source} sets {often} objects of {destination} in {window} s that it did not set before",
    observed="{often} new set-points in {window} s, the last of type {type_id} to object {object_address}",
    expected="at most {most}",
    runbook=(
        "Ask the control centre whether a new controller or function was taken into service.",
        "Read the objects back and compare them with the approved set-point list.",
        "List the station's set-points in the site file under iec104.commands with their limits.",
    ),
    tolerance="a late command counts at the pair's clock",
    examples=(
        fires_on("five set-points within ten seconds", [_command(2.0 * i, 1000 + 250 * i) for i in range(5)]),
        quiet_on(
            "a controller that repeats its four, and their confirmations",
            [_command(60.0 * i + k, 5000 + k, cause=c) for i in range(5) for k in range(4) for c in (6, 7)],
        ),
        quiet_on("eight that the site file lists", [_command(1.0 * i, 5000 + i) for i in range(8)], site=_SITE),
        quiet_on("switching commands", [_command(2.0 * i, 1000 + i, 45) for i in range(6)]),
    ),
)
