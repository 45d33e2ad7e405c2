"""DNP3 messages that no conforming station sends.

A request in an outstation's direction or a response in a master's (DIR bit), a function code that is reserved, or `broken_min` link frames
with a wrong checksum between two hosts within `window_s`: forged or fuzzed messages. Blind spot: forged messages that are well formed; one
or two broken ones, as serial lines behind a terminal server have. Source: threat SG-24 of the catalogue; IEEE 1815 clauses 4.4
(function codes), 9.2.4.1 (DIR bit) and 9.2.4.2 (checksum).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.dnp3 import said
from detectors.memory import CountWithin, Derived, Recent
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import DNP3

#: Function codes: 0 to 33 are requests and confirmations, 129 to 131 responses; the others are reserved.
LAST_REQUEST, RESPONSES = 33, (129, 130, 131)


@dataclass(frozen=True)
class Params:
    broken_min: int = 3  # link frames with a wrong checksum
    window_s: float = 60.0


BROKEN = Derived("dnp3 broken", ~pl.col("checksum_ok"))


def build(p: Params, site: Site) -> Firing:
    by = ("source", "destination")
    broken = CountWithin(by, p.window_s, 10 * p.broken_min, BROKEN)
    function, sound = pl.col("function"), pl.col("checksum_ok")
    request = said(function.is_between(1, LAST_REQUEST))
    response = said(function.is_in(RESPONSES))
    reserved = said(sound & ~function.is_in(RESPONSES) & (function > LAST_REQUEST))
    turned = sound & ((request & ~pl.col("from_master")) | (response & pl.col("from_master")))
    breaks = BROKEN.expr & (broken.col >= p.broken_min)
    why = (
        pl.when(turned & request)
        .then(pl.format("function {}, a request, in an outstation's direction", function))
        .when(turned)
        .then(pl.format("function {}, a response, in a master's direction", function))
        .when(reserved)
        .then(pl.format("function {}, which is reserved", function))
        .otherwise(pl.format("{} frames with a wrong checksum", broken.col))
    )
    return Firing(
        when=turned | reserved | breaks,
        memories=(broken,),
        values={"why": why},
        trail=(Recent(by, p.window_s, 20, BROKEN),),
    )


def _message(time: float, function: int | None, from_master: bool = True, **fields: object) -> dict[str, object]:
    ends = {"source": "10.0.0.1", "destination": "10.0.0.20"}
    what = {"function": function, "from_master": from_master, "checksum_ok": True}
    return {"time": time, **ends, **what, "response": function in RESPONSES, **fields}


DETECTOR = Detector(
    id="dnp3_irregular",
    version=1,
    threat=smart_grid_substation.SG_24,
    record=DNP3,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    parties=Parties("host", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=300.0,
    says="{source} sends {destination} what no DNP3 station sends: {why}",
    observed="{why}",
    expected="requests of masters, responses of outstations, whole frames",
    runbook=(
        "Find out who sent the frames: the address may be forged; look at MAC address and time to live.",
        "Read the states of the outstation concerned: a tolerant one obeys such requests.",
    ),
    tolerance="late records beyond the window are not counted",
    examples=(
        fires_on("a freeze in an outstation's direction", [_message(0, 7, False)]),
        fires_on("a response in a master's direction", [_message(0, 130, True)]),
        fires_on("a reserved function", [_message(0, 77)]),
        fires_on("fuzzed frames", [_message(i, None, checksum_ok=False) for i in range(5)]),
        quiet_on("polls, responses, confirmations both ways, link frames", [
            _message(0, 1), _message(1, 129, False), _message(2, 0), _message(3, 0, False), _message(4, None, False)
        ]),
        quiet_on("a broken frame now and then", [_message(50.0 * i, None, checksum_ok=False) for i in range(5)]),
    ),
)  # fmt: skip
