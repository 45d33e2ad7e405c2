"""An IEC 60870-5-104 outstation refuses one host's commands again and again (negative confirmations).

Fires on the third negative confirmation to one host within a minute: somebody tries commands that the outstation does
not accept. Works without a site file. Blind spot: an attacker whose commands are accepted; an interlock that holds
refuses the operator too. Source: threat SG-21 of the catalogue; IEC 60870-5-101 clause 7.2.3 (P/N bit).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, Recent
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    refused_min: int = 3  # in the window
    window_s: float = 60.0


#: Negative activation or deactivation confirmation, or negative termination, of a command.
REFUSED = Derived(
    "command refused",
    (pl.col("negative") & pl.col("type_id").is_between(45, 69) & pl.col("cause").is_in([7, 9, 10])).fill_null(False),
)


def build(p: Params, site: Site) -> Firing:
    refused = CountWithin(("destination",), seconds=p.window_s, at_most=1000, where=REFUSED)
    return Firing(
        when=REFUSED.col & (refused.col >= p.refused_min),
        memories=(refused,),
        values={"refused": refused.col, "window": pl.lit(p.window_s), "most": pl.lit(p.refused_min - 1)},
        trail=(Recent(("destination",), seconds=p.window_s, at_most=50, where=REFUSED),),
    )


def _confirmation(time: float, negative: bool, type_id: int = 45) -> dict[str, object]:
    return {
        "time": time,
        "source": "10.0.0.20",
        "destination": "10.0.0.66",
        "format": "I",
        "type_id": type_id,
        "cause": 7,
        "negative": negative,
        "object_address": 4001,
    }


DETECTOR = Detector(
    id="iec104_refused",
    version=1,
    threat=smart_grid_substation.SG_21,
    record=IEC104,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("outstation", "source", source="destination", destination="source"),
    dedup=("destination",),
    episode_s=900.0,
    says="{source} refused {refused} commands of {destination} in {window} s",
    observed="{refused} negative confirmations, the last of type {type_id}",
    expected="at most {most} in {window} s",
    runbook=(
        "Ask the control centre whether an operator works against an interlock or a local-remote switch.",
        "If nobody does, find the host of the commanding address and take it off the network.",
        "List the commands that were accepted from the same host.",
    ),
    tolerance="a late record counts at the clock of its key; one later than the window is not counted",
    examples=(
        fires_on("three refused commands", [_confirmation(i * 5.0, True) for i in range(3)]),
        quiet_on(
            "two refused, others confirmed, a refused interrogation",
            [*(_confirmation(i * 5.0, i < 2) for i in range(10)), _confirmation(51, True, type_id=100)],
        ),
    ),
)
