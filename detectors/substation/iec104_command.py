"""An IEC 60870-5-104 command that the site does not allow.

A process command (types 45 to 51 and 58 to 64, cause activation) fires when no entry of the site file names its
source, common address, object address and type; when it executes a select-before-operate point without a select of
the same object within `select_s`; or when a set-point is outside its limits. Blind spot: a listed source misused
within the limits; a select covers every execute within its time. Source: threat SG-21 of the catalogue; IEC
60870-5-101 clause 7.2.6 (S/E bit).
"""

import math
from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, Recent
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104

#: Process commands: single, double, step, set-points and bit string, without and with time tag.
COMMANDS = (*range(45, 52), *range(58, 65))
#: Of these the set-points: normalised, scaled, short float.
SETPOINTS = (48, 49, 50, 61, 62, 63)


@dataclass(frozen=True)
class Params:
    select_s: float = 10.0  # from select to execute


COMMAND = Derived(
    "command",
    (pl.col("type_id").is_in(COMMANDS) & (pl.col("cause") == 6)).fill_null(False),
)
SELECT = Derived("select command", COMMAND.expr & pl.col("select").fill_null(False))


def build(p: Params, site: Site) -> Firing:
    point = ("source", "destination", "common_address", "object_address")
    selected = CountWithin(point, seconds=p.select_s, at_most=2, where=SELECT)
    # Null in any part gives "": a command without an address is in no list.
    key = pl.concat_str("source", "common_address", "object_address", "type_id", separator="|").fill_null("")
    allowed = {f"{c.source}|{c.common_address}|{c.object_address}|{c.type_id}": c for c in site.iec104.commands or ()}
    listed = key.is_in(list(allowed))
    guarded = key.is_in([k for k, c in allowed.items() if c.select_before_operate])
    low = _limit(key, {k: -math.inf if c.low is None else c.low for k, c in allowed.items()})
    high = _limit(key, {k: math.inf if c.high is None else c.high for k, c in allowed.items()})
    unselected = guarded & ~pl.col("select").fill_null(False) & (selected.col == 0)
    # A value that is no number is within no limits; one that was not decoded is not judged.
    within = (pl.col("value") >= low) & (pl.col("value") <= high) & pl.col("value").is_finite()
    beyond = listed & pl.col("type_id").is_in(SETPOINTS).fill_null(False) & ~within.fill_null(True)
    why = (
        pl.when(~listed)
        .then(pl.lit("which the site file does not list"))
        .when(unselected)
        .then(pl.lit("executed without a select"))
        .otherwise(pl.lit("with a set-point outside its limits"))
    )
    return Firing(
        when=COMMAND.col & (~listed | unselected | beyond),
        memories=(selected,),
        values={
            "why": why,
            "place": pl.format("object {}", "object_address").fill_null("an object that was not decoded"),
            "station": pl.format("common address {}", "common_address").fill_null(
                "a common address that was not decoded"
            ),
            "amount": pl.format("value {}", "value").fill_null("no value decoded"),
        },
        trail=(Recent(point, seconds=60.0, at_most=5, where=COMMAND),),
    )


def _limit(key: pl.Expr, limits: dict[str, float]) -> pl.Expr:
    return key.replace_strict(list(limits), list(limits.values()), default=None, return_dtype=pl.Float64)


def _command(time: float, type_id: int = 46, **fields: object) -> dict[str, object]:
    return {
        "time": time,
        "source": "10.0.0.1",
        "destination": "10.0.0.20",
        "format": "I",
        "type_id": type_id,
        "cause": 6,
        "common_address": 3,
        "object_address": 4001,
        "value": 1.0,
        "select": False,
        **fields,
    }


_ENTRY = {"source": "10.0.0.1", "common_address": 3}
_SITE = {
    "iec104": {
        "commands": [
            {**_ENTRY, "object_address": 4001, "type_id": 46, "select_before_operate": True},
            {**_ENTRY, "object_address": 5001, "type_id": 50, "low": 0.0, "high": 120.0},
        ]
    }
}

DETECTOR = Detector(
    id="iec104_command",
    version=1,
    threat=smart_grid_substation.SG_21,
    record=IEC104,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    entity_kind="outstation",
    entity="destination",
    source="source",
    destination="destination",
    dedup=("source", "destination"),
    episode_s=300.0,
    says="{source} sent command type {type_id} to {place} of {destination}, {why}",
    observed="type {type_id}, {station}, {place}, {amount}",
    expected="commands of iec104.commands in the site file, selected first where it says so, within their limits",
    runbook=(
        "Compare the breaker's state from two paths (104 and GOOSE, or a person on site) before switching back.",
        "Block the source at the substation gateway unless the control centre confirms the command.",
        "Add a planned command to the site file under iec104.commands.",
    ),
    needs=("iec104.commands",),
    tolerance="a late select counts at the clock of its object; one later than its window is not counted",
    examples=(
        fires_on("the historian's host opens a breaker", [_command(0, source="10.0.0.9")], site=_SITE),
        fires_on("an object that is not in the list", [_command(0, object_address=4002)], site=_SITE),
        fires_on("execute long after the select", [_command(0, select=True), _command(15)], site=_SITE),
        fires_on("a set-point too high", [_command(0, 50, object_address=5001, value=121.0)], site=_SITE),
        fires_on(
            "a set-point that is no number", [_command(0, 50, object_address=5001, value=float("nan"))], site=_SITE
        ),
        quiet_on(
            "select, confirmation, execute; a set-point within its limits; the outstation's confirmation",
            [
                _command(0, select=True),
                _command(0.1, source="10.0.0.20", destination="10.0.0.1", cause=7, select=True),
                _command(2),
                _command(3, 50, object_address=5001, value=110.0),
            ],
            site=_SITE,
        ),
    ),
)
