"""One GOOSE message with a state number far ahead: subscribers take all that the publisher sends afterwards for old.

Fires where stNum leaps by more than `leap`. No publisher changes its state so often between two messages.
`goose_forged` tells of such a message too; this says what it was for. Blind spot: smaller leaps, which poison for a
shorter time. Source: threat SG-27 of the catalogue; IEC 61850-8-1 clause 18; ERENO use cases 06 and 07 (high stNum).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Last, Recent
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import GOOSE


@dataclass(frozen=True)
class Params:
    leap: int = 1000  # state numbers


BY = ("control_block",)


def build(p: Params, site: Site) -> Firing:
    before = Last(BY, "st_num")
    # As floats: a hostile number is as long as 64 bits are.
    leap = pl.col("st_num").cast(pl.Float64) - before.col.cast(pl.Float64)
    return Firing(
        when=(leap > p.leap).fill_null(False),
        memories=(before,),
        values={"before": before.col},
        trail=(Recent(BY, seconds=60.0, at_most=5),),
    )


def _goose(time: float, st_num: int) -> dict[str, object]:
    return {"time": time, "control_block": "B1/LLN0$GO$gcb1", "source_mac": "00:30:a7:00:00:01", "st_num": st_num}


DETECTOR = Detector(
    id="goose_poisoned",
    version=1,
    threat=smart_grid_substation.SG_27,
    record=GOOSE,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    parties=Parties("control block", "control_block", source="source_mac", destination="destination_mac"),
    dedup=("control_block",),
    episode_s=300.0,
    says="stNum of {control_block} leaps from {before} to {st_num}: subscribers will take the publisher's own messages for old",
    observed="stNum {st_num} after {before}, from {source_mac}",
    expected="stNum that counts up by one",
    runbook=(
        "Assume that subscribers ignore the publisher: restart it, or them, so that stNum is taken anew.",
        "Find the switch port of the source MAC and block it if it is not the publisher's.",
        "Find out whether a trip was missed since.",
    ),
    tolerance="messages are judged in the order in which the tap saw them; a late one is passed over",
    examples=(
        fires_on("one message with stNum 2^31", [_goose(0, 7), _goose(1, 2**31), _goose(2, 7), _goose(3, 8)]),
        quiet_on("states that follow, lost ones, a restart", [_goose(i, n) for i, n in enumerate((7, 8, 8, 30, 1, 2))]),
    ),
)
