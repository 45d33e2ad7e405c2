"""Reconnaissance over IEC 60870-5-104: interrogations again and again, unknown addresses, or a sweep over objects.

- Interrogation or counter interrogation (types 100, 101; cause activation) of one common address by one host, at least
  `interrogations_min` in a minute: link start needs one of each.
- Answers with cause 44 to 47 (unknown type, cause, common address or object), `unknown_min` in a minute to one host.
- Commands or reads (types 45 to 64, 102) by one host to `sweep_min` different objects in a minute.

Works without a site file. Blind spot: a scan slower than the windows. A control centre that switches a whole
substation at once looks like a sweep; raise `sweep_min` in the site file. Source: threat SG-19 of the catalogue; IEC
60870-5-101 clause 7.2.3 (causes 44 to 47).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, DistinctWithin, Recent
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    interrogations_min: int = 10  # of one common address by one host in the window
    unknown_min: int = 3  # in the window
    sweep_min: int = 10  # objects in the window
    window_s: float = 60.0


def _said(condition: pl.Expr) -> pl.Expr:
    # S and U frames have neither type nor cause.
    return condition.fill_null(False)


INTERROGATES = Derived("interrogates", _said(pl.col("type_id").is_in([100, 101]) & (pl.col("cause") == 6)))
UNKNOWN = Derived("answered unknown", _said(pl.col("cause").is_between(44, 47)))
ASKS = Derived(
    "asks an object",
    _said((pl.col("type_id").is_between(45, 64) | (pl.col("type_id") == 102)) & pl.col("cause").is_in([5, 6])),
)
OBJECT = Derived("object", pl.col("common_address").cast(pl.Int64) * 2**24 + pl.col("object_address").cast(pl.Int64))


def build(p: Params, site: Site) -> Firing:
    station = ("source", "destination", "common_address")
    asked = CountWithin(station, seconds=p.window_s, at_most=1000, where=INTERROGATES)
    unknown = CountWithin(("destination",), seconds=p.window_s, at_most=1000, where=UNKNOWN)
    objects = DistinctWithin(("source",), seconds=p.window_s, at_most=1000, value=OBJECT, where=ASKS)
    repeats = INTERROGATES.col & (asked.col >= p.interrogations_min)
    gropes = UNKNOWN.col & (unknown.col >= p.unknown_min)
    why = (
        pl.when(repeats)
        .then(pl.format("{} interrogates {} again and again ({} times)", "source", "destination", asked.col))
        .when(gropes)
        .then(pl.format("{} does not know what {} asks for ({} times)", "source", "destination", unknown.col))
        .otherwise(pl.format("{} goes through the objects of {} ({} objects)", "source", "destination", objects.col))
    )
    return Firing(
        when=repeats | gropes | (ASKS.col & (objects.col >= p.sweep_min)),
        memories=(asked, unknown, objects),
        values={"why": why, "window": pl.lit(p.window_s)},
        trail=(
            Recent(station, seconds=p.window_s, at_most=50, where=INTERROGATES),
            Recent(("destination",), seconds=p.window_s, at_most=50, where=UNKNOWN),
            Recent(("source",), seconds=p.window_s, at_most=50, where=ASKS),
        ),
    )


def _apdu(time: float, type_id: int, cause: int, object_address: int = 0, answer: bool = False) -> dict[str, object]:
    ends = ("10.0.0.20", "10.0.0.66") if answer else ("10.0.0.66", "10.0.0.20")
    return {
        "time": time,
        "source": ends[0],
        "destination": ends[1],
        "format": "I",
        "type_id": type_id,
        "cause": cause,
        "common_address": 3,
        "object_address": object_address,
    }


DETECTOR = Detector(
    id="iec104_scan",
    version=1,
    threat=smart_grid_substation.SG_19,
    record=IEC104,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    entity_kind="station",
    entity="destination",
    source="source",
    destination="destination",
    dedup=("source", "destination"),
    episode_s=900.0,
    says="{why} in {window} s",
    observed="{why}, the last with type {type_id} and cause {cause}",
    expected="one interrogation at link start, commands to known objects",
    runbook=(
        "Identify the host and the tool; ask engineering whether it is planned work.",
        "Watch the same host for commands during the next day.",
        "If it is planned, raise the limits in the site file for its time.",
    ),
    needs=(),
    tolerance="a late record counts at the clock of its key; one later than the window is not counted",
    examples=(
        fires_on("an interrogation every two seconds", [_apdu(2.0 * i, 100, 6) for i in range(30)]),
        fires_on("the outstation knows none of the addresses", [_apdu(5.0 * i, 45, 47, i, True) for i in range(5)]),
        fires_on("single commands to twelve objects", [_apdu(1.0 * i, 45, 6, 100 + i) for i in range(12)]),
        quiet_on(
            "link start, then spontaneous values and a command",
            [
                _apdu(0, 100, 6),
                _apdu(1, 100, 7, answer=True),
                _apdu(2, 101, 6),
                *(_apdu(3 + 0.1 * i, 36, 3, i, True) for i in range(100)),
                _apdu(20, 46, 6, 4001),
                _apdu(22, 46, 6, 4001),
            ],
        ),
    ),
)
