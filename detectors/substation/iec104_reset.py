"""An IEC 60870-5-104 outstation is told to reset its process (type 105).

C_RP_NA_1 with cause activation restarts a process of the outstation or empties its event buffer. Blind spot: resets by other protocols;
whether the host may do so is `iec104_command`'s question: a reset is told whoever sends it. Source: threat SG-20 of the
catalogue; IEC 60870-5-101 clause 7.3.4.6 (type 105) and 7.2.6.27 (qualifier of reset process).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Row, fires_on, quiet_on
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    pass


def build(p: Params, site: Site) -> Firing:
    # S and U frames have neither type nor cause.
    told = ((pl.col("type_id") == 105) & (pl.col("cause") == 6)).fill_null(False)
    what = (
        pl.when(pl.col("qualifier") == 2).then(pl.lit("empty its event buffer")).otherwise(pl.lit("reset its process"))
    )
    return Firing(when=told, values={"what": what})


def _apdu(type_id: int | None, cause: int | None, qualifier: int | None = 1) -> dict[str, object]:
    ends = {"source": "10.0.0.66", "destination": "10.0.0.20", "common_address": 3}
    return {"time": 0, **ends, "format": "I", "type_id": type_id, "cause": cause, "qualifier": qualifier}


DETECTOR = Detector(
    id="iec104_reset",
    version=1,
    threat=smart_grid_substation.SG_20,
    record=IEC104,
    kind=Row(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    parties=Parties("station", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=300.0,
    says="{source} tells {destination} to {what}",
    observed="type 105, qualifier {qualifier}, common address {common_address}",
    expected="no reset outside announced maintenance",
    runbook=(
        "Ask the control centre and engineering whether the reset was theirs.",
        "Compare the outstation's states and its event list with the control centre's once it is back.",
        "Find the host of the source address if nobody knows of it.",
    ),
    tolerance="none needed: each record is judged alone",
    examples=(
        fires_on("a general reset", [_apdu(105, 6)]),
        fires_on("the event buffer is emptied", [_apdu(105, 6, 2)]),
        quiet_on("its confirmation, an interrogation, an S frame", [_apdu(105, 7), _apdu(100, 6), _apdu(None, None)]),
    ),
)
