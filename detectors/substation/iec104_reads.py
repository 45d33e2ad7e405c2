"""A host reads single objects of an IEC 60870-5-104 station all the time: it watches the state of the process.

Counts reads (type 102, cause request) by one host from one station. Stations report by themselves; a control centre
reads an object now and then. Works without a site file. Blind spot: slower reading; stations that are polled by reads
from the start: raise `reads_min` in the site file. Source: threat SG-19 of the catalogue; IEC 60870-5-101 clause 7.4.3
(read procedure); ATT&CK for ICS T0801.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.iec104 import READS
from detectors.memory import CountWithin, Recent
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    reads_min: int = 30  # in the window
    window_s: float = 60.0


BY = ("source", "destination")


def build(p: Params, site: Site) -> Firing:
    reads = CountWithin(BY, seconds=p.window_s, at_most=max(1000, p.reads_min), where=READS)
    return Firing(
        when=READS.col & (reads.col >= p.reads_min),
        memories=(reads,),
        values={"reads": reads.col, "window": pl.lit(p.window_s), "most": pl.lit(p.reads_min - 1)},
        trail=(Recent(BY, seconds=p.window_s, at_most=50, where=READS),),
    )


def _read(time: float, object_address: int, type_id: int = 102) -> dict[str, object]:
    ends = {"source": "10.0.0.66", "destination": "10.0.0.20", "format": "I", "common_address": 3}
    return {"time": time, **ends, "type_id": type_id, "cause": 5, "object_address": object_address}


DETECTOR = Detector(
    id="iec104_reads",
    version=1,
    threat=smart_grid_substation.SG_19.by("T0801"),
    record=IEC104,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    parties=Parties("station", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=900.0,
    says="{source} reads objects of {destination} all the time: {reads} reads in {window} s",
    observed="{reads} reads in {window} s, the last of object {object_address}",
    expected="at most {most}",
    runbook=(
        "Identify the host and the tool; ask engineering whether it is planned work.",
        "List which objects are read: they tell what is of interest to whoever reads.",
        "Watch the same host for commands during the next day.",
    ),
    tolerance="a late record counts at the clock of its key; one later than the window is not counted",
    examples=(
        fires_on("five objects every two seconds", [_read(2.0 * (i // 5), 100 * (i % 5)) for i in range(60)]),
        quiet_on(
            "an object now and then; values that answer",
            [_read(10.0 * i, 7) for i in range(60)] + [_read(600 + i, 7, 13) for i in range(60)],
        ),
    ),
)
