"""A breaker moves that nobody commanded, or does not move that somebody did, or is open and carries current.

Of the switches of the site file (`iec104.switches`), over IEC 60870-5-104:

- the state changes spontaneously (cause 3) with no command to it, no operation of its protection (its objects, or a new state
  of its GOOSE control block) within the `before_s` before; local operation (cause 12) explains itself;
- a command that was not refused has not moved it within `effect_s`;
- it is open for `open_s` and carries more than `current_share` of its rated current.

Blind spot: a false state that comes with a false command or protection event; a state that was never heard. A recloser
must be among the protection's objects. Where the tap misses commands, every movement is told. Source: threat SG-30 of
the catalogue; IEC 60870-5-101 clause 7.2.3 (causes 3, 6, 7, 11, 12); ATT&CK for ICS T0831.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.facts.substation import Switch
from detectors.grouping import TIME
from detectors.iec104 import ASKED, said
from detectors.memory import Derived, Last, LastOf, TimeSince
from detectors.memory.last_of import seconds_since
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import GOOSE, IEC104


@dataclass(frozen=True)
class Params:
    before_s: float = 15.0  # from command or protection to the state
    effect_s: float = 30.0  # from command to the state: motors of disconnectors are slow
    open_s: float = 5.0
    current_share: float = 0.05  # of the rated current


_KIND, _CAUSE = pl.col("type_id"), pl.col("cause")
_KEY = pl.concat_str(ASKED.expr, "common_address", "object_address", separator="|").fill_null("")
#: 1 closed, 0 open; null for a double point or command in between, and for what has no position.
POSITION = Derived(
    "position",
    pl.when(_KIND.is_in([3, 4, 31, 46, 59]))
    .then(pl.when(pl.col("value") == 1).then(0.0).when(pl.col("value") == 2).then(1.0))
    .when(_KIND.is_in([1, 2, 30, 45, 58]))
    .then((pl.col("value") > 0).cast(pl.Float64)),
)
NEW_STATE = Derived("new state", pl.col("sq_num") == 0)


def _objects(switches: tuple[Switch, ...], role: Callable[[Switch], tuple[int, ...]]) -> dict[str, int]:
    return {f"{s.outstation}|{s.common_address}|{o}": i for i, s in enumerate(switches) for o in role(s)}


def build(p: Params, site: Site) -> Firing:
    switches = site.iec104.switches or ()
    states, commands = _objects(switches, lambda s: (s.state,)), _objects(switches, lambda s: s.commands)
    guards, currents = _objects(switches, lambda s: s.protection), _objects(switches, lambda s: s.currents)
    every = {**guards, **currents, **commands, **states}
    told = partial(pl.Expr.replace_strict, default=None)
    number = Derived("switch", told(_KEY, list(every), list(every.values()), return_dtype=pl.Int64))
    by = (ASKED, number)
    is_state = _KEY.is_in(list(states)) & said(_KIND.is_in([1, 2, 3, 4, 30, 31])) & POSITION.expr.is_not_null()
    is_command = _KEY.is_in(list(commands)) & said(_KIND.is_in([45, 46, 58, 59])) & ~said(pl.col("select"))
    reports = Derived("state of a switch", is_state)
    executes = Derived("executes", is_command & said(_CAUSE == 6) & POSITION.expr.is_not_null())
    refuses = Derived("refuses", is_command & said((_CAUSE == 7) & pl.col("negative")))
    protects = Derived("protection", _KEY.is_in(list(guards)) & said(pl.col("value") > 0))
    commanded, wanted, refused = TimeSince(by, executes), Last(by, POSITION, executes), TimeSince(by, refuses)
    tripped, before = TimeSince(by, protects), Last(by, POSITION, reports)
    moves = Derived("moves", reports.expr & said(POSITION.expr != before.col), (before,))
    moved = TimeSince(by, moves)
    blocks = {i: s.control_block for i, s in enumerate(switches) if s.control_block}
    block = Derived(
        "block of the switch", told(number.expr, list(blocks), list(blocks.values()), return_dtype=pl.String)
    )
    published = LastOf(GOOSE, (block,), TIME, NEW_STATE, there=("control_block",))

    def recent(*ages: pl.Expr) -> pl.Expr:
        return pl.any_horizontal([said(age <= p.before_s) for age in ages])

    alone = moves.col & said(_CAUSE == 3) & ~recent(commanded.col, tripped.col, seconds_since(published).abs())
    due = said(commanded.col.is_between(p.effect_s, 10 * p.effect_s)) & ~executes.col & ~moves.col
    idle = (
        due & said(before.col != wanted.col) & ~said(moved.col <= commanded.col) & ~said(refused.col <= commanded.col)
    )
    rated = told(number.expr, list(range(len(switches))), [s.rated_a for s in switches], return_dtype=pl.Float64)
    flows = said((pl.col("value").abs() > rated * p.current_share) & pl.col("value").is_finite())
    flows &= ~said(pl.col("quality").str.contains("IV"))
    live = _KEY.is_in(list(currents)) & flows & said(before.col == 0.0) & (moved.col.fill_null(p.open_s) >= p.open_s)
    why = (
        pl.when(alone)
        .then(pl.format("changed to {} without command or protection", pl.col("value")))
        .when(idle)
        .then(pl.format("did not move within {} s of a command", commanded.col.round(0)))
        .otherwise(pl.format("is open and carries {} A", pl.col("value")))
    )
    return Firing(
        when=number.col.is_not_null() & (alone | idle | live),
        memories=(commanded, wanted, refused, tripped, before, moved, published),
        values={"why": why},
    )


def _asdu(
    time: float, object_address: int, type_id: int, cause: int, value: float, **more: object
) -> dict[str, object]:
    up = ("10.0.0.20", 2404, "10.0.0.1", 40_000)
    ends = up if cause != 6 else (*up[2:], *up[:2])
    names = ("source", "source_port", "destination", "destination_port")
    body = {"format": "I", "type_id": type_id, "cause": cause, "common_address": 3, "object_address": object_address}
    return {"time": time, **dict(zip(names, ends, strict=True)), **body, "value": value, **more}


_SITE = {
    "iec104": {
        "switches": [
            {
                "outstation": "10.0.0.20",
                "common_address": 3,
                "state": 101,
                "commands": [4001],
                "protection": [301],
                "currents": [701],
                "rated_a": 600.0,
                "control_block": "B1/LLN0$GO$gcb1",
            }
        ]
    }
}
_CLOSED = _asdu(0, 101, 31, 20, 2)
_OPENED = _asdu(61, 101, 31, 3, 1)

DETECTOR = Detector(
    id="switching",
    version=1,
    threat=smart_grid_substation.SG_30,
    record=IEC104,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("station", "asked", source="source", destination="destination"),
    dedup=("asked", "switch"),
    episode_s=300.0,
    says="the switch of object {object_address} of {asked} {why}",
    observed="{why}: object {object_address}, type {type_id}, cause {cause}",
    expected="movements that follow a command or protection, commands that move, no current where it is open",
    runbook=(
        "Ask the site whether it was local switching; if not, lock remote control of the bay.",
        "Take the sequence of events from the relay before it is overwritten; compare it with the control centre's.",
        "Where the state and the current differ, trust neither: ask for a person on site.",
    ),
    needs=("iec104.switches",),
    tolerance="a late record is passed over; GOOSE may be seen after the report that it explains by what its tap is late",
    examples=(
        fires_on("opens by itself", [_CLOSED, _OPENED], site=_SITE),
        fires_on(
            "is told to open, confirms, and stays closed",
            [
                _CLOSED,
                _asdu(60, 4001, 46, 6, 1),
                _asdu(60.1, 4001, 46, 7, 1),
                *(_asdu(70.0 + 10 * i, 701, 36, 3, 300.0) for i in range(5)),
            ],
            site=_SITE,
        ),
        fires_on(
            "is told open while its current flows",
            [_CLOSED, _asdu(60, 4001, 46, 6, 1), _OPENED, *(_asdu(65.0 + 5 * i, 701, 36, 3, 300.0) for i in range(3))],
            site=_SITE,
        ),
        quiet_on(
            "a command that opens it, and one that is refused",
            [
                _CLOSED,
                _asdu(60, 4001, 46, 6, 1),
                _asdu(60.1, 4001, 46, 7, 1),
                _OPENED,
                *(_asdu(62.0 + 5 * i, 701, 36, 3, 0.4) for i in range(20)),
                _asdu(300, 4001, 46, 6, 2),
                _asdu(300.1, 4001, 46, 7, 2, negative=True),
                _asdu(340, 701, 36, 3, 0.4),
            ],
            site=_SITE,
        ),
        quiet_on(
            "its protection opens it; its GOOSE does; somebody on site does; an interrogation after a lost report",
            [
                _CLOSED,
                _asdu(60, 301, 30, 3, 1),
                _OPENED,
                _asdu(100, 101, 31, 12, 2),
                {"record": "goose", "time": 150, "control_block": "B1/LLN0$GO$gcb1", "st_num": 5, "sq_num": 0},
                _asdu(150.1, 101, 31, 3, 1),
                _asdu(200, 101, 31, 20, 2),
            ],
            site=_SITE,
        ),
    ),
)
