"""A host interrogates a station of IEC 60870-5-104 again and again: it collects the whole process image in a loop.

Counts interrogations and counter interrogations (types 100, 101; cause activation) of one common address by one host.
Link start needs one of each, and a control centre that does not trust its image asks every few minutes. Works without a
site file. Blind spot: a slower loop; an attacker who is content with what is reported spontaneously. Source: threat
SG-19 of the catalogue; IEC 60870-5-101 clause 7.4.5 (station interrogation); ATT&CK for ICS T0802.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.iec104 import INTERROGATES
from detectors.memory import CountWithin, Recent
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    interrogations_min: int = 10  # in the window
    window_s: float = 60.0


BY = ("source", "destination", "common_address")


def build(p: Params, site: Site) -> Firing:
    asked = CountWithin(BY, seconds=p.window_s, at_most=max(1000, p.interrogations_min), where=INTERROGATES)
    return Firing(
        when=INTERROGATES.col & (asked.col >= p.interrogations_min),
        memories=(asked,),
        values={"asked": asked.col, "window": pl.lit(p.window_s), "most": pl.lit(p.interrogations_min - 1)},
        trail=(Recent(BY, seconds=p.window_s, at_most=50, where=INTERROGATES),),
    )


def _asdu(time: float, type_id: int = 100, cause: int = 6, answer: bool = False) -> dict[str, object]:
    ends = ("10.0.0.20", "10.0.0.66") if answer else ("10.0.0.66", "10.0.0.20")
    body = {"format": "I", "type_id": type_id, "cause": cause, "common_address": 3, "object_address": 0}
    return {"time": time, "source": ends[0], "destination": ends[1], **body}


DETECTOR = Detector(
    id="iec104_collection",
    version=1,
    threat=smart_grid_substation.SG_19.by("T0802"),
    record=IEC104,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    parties=Parties("station", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=900.0,
    says="{source} interrogates station {common_address} of {destination} again and again: {asked} times in {window} s",
    observed="{asked} interrogations in {window} s",
    expected="at most {most}",
    runbook=(
        "Identify the host and the tool; ask engineering whether it is planned work.",
        "Watch the same host for commands during the next day: who has the image knows what to switch.",
        "If it is the control centre, look why its image does not stay valid.",
    ),
    tolerance="a late record counts at the clock of its key; one later than the window is not counted",
    examples=(
        fires_on("an interrogation every three seconds", [_asdu(3.0 * i) for i in range(20)]),
        quiet_on(
            "link start, then an interrogation every minute, each answered",
            [
                *(_asdu(0.1 + i, cause=7, answer=True) for i in range(20)),
                *(_asdu(60.0 * i) for i in range(1, 20)),
                *(_asdu(1200.0 + 60.0 * i, 101) for i in range(5)),
            ],
        ),
    ),
)
