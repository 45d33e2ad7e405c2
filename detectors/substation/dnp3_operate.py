"""A DNP3 control is operated without its select, trips come in a burst, or controls are refused again and again.

- OPERATE without a SELECT of the same points with the same codes by the same master within `select_s`;
- DIRECT OPERATE to an outstation of `dnp3.select_before_operate`; or, in whatever form (with or without acknowledgement), from a master
  that sent this outstation `used_min` controls before and none of that form;
- trips of `trips_min` points within `trips_s`, in one message or in several;
- `refused_min` answers within `refused_s` whose control status is not 0 (no select, not supported, in local mode, ...).

Blind spot: a select that the attacker sends too; pulse and latch without a trip code are no trips. Load shedding by the control centre is
a burst of trips. Source: threat SG-24 of the catalogue; IEEE 1815 clauses 4.4.4 to 4.4.7 (select, operate), A.8.1 (group 12).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.dnp3 import (
    DIRECT_CODE,
    DIRECT_NR_CODE,
    MASTER,
    OPERATE_CODE,
    OUTSTATION,
    SELECT_CODE,
    STATION,
    asks,
    said,
)
from detectors.memory import CountWithin, Derived, DistinctWithin, Last, Nth, Recent, TimeSince
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import DNP3


@dataclass(frozen=True)
class Params:
    select_s: float = 10.0  # a select holds so long
    used_min: int = 5  # controls of other forms, after which a new form is told
    trips_min: int = 3  # points
    trips_s: float = 30.0
    refused_min: int = 5  # answers
    refused_s: float = 60.0


BY = (MASTER, OUTSTATION, STATION)


def _text(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.List(pl.String)).list.join(",").fill_null("")


#: What is controlled and how, as a text.
CONTROLS = Derived("dnp3 controls", pl.concat_str(_text("points"), _text("operations"), _text("trips"), separator="|"))
SELECTS = Derived("dnp3 selects", asks(SELECT_CODE))
OPERATES = Derived("dnp3 operates", asks(OPERATE_CODE))
DIRECT = Derived("dnp3 direct operate", asks(DIRECT_CODE))
DIRECT_NR = Derived("dnp3 direct operate without acknowledgement", asks(DIRECT_NR_CODE))
CONTROL = Derived("dnp3 control", asks(OPERATE_CODE, DIRECT_CODE, DIRECT_NR_CODE))
_TRIPPED = pl.col("trips").list.eval(pl.element() == 2).list.sum().fill_null(0)
TRIP = Derived("dnp3 trip", CONTROL.expr & (_TRIPPED > 0))
REFUSED = Derived("dnp3 refused", said(pl.col("response") & (pl.col("statuses").list.max() > 0)))


def build(p: Params, site: Site) -> Firing:
    selected = Last(BY, CONTROLS, SELECTS)
    since = TimeSince(BY, SELECTS)
    controls = Nth(BY, p.used_min + 1, CONTROL)
    direct, direct_nr = Nth(BY, 2, DIRECT), Nth(BY, 2, DIRECT_NR)
    trips = DistinctWithin((OUTSTATION,), p.trips_s, 10 * p.trips_min, CONTROLS, TRIP)
    refused = CountWithin((MASTER, OUTSTATION), p.refused_s, 10 * p.refused_min, REFUSED)
    held = (selected.col == CONTROLS.expr) & (since.col <= p.select_s)
    unselected = OPERATES.expr & ~held.fill_null(False)
    demanded = pl.col("destination").is_in(sorted(site.dnp3.select_before_operate))
    used = controls.col > p.used_min
    bypass = (DIRECT.expr | DIRECT_NR.expr) & demanded
    odd = used & ((DIRECT.expr & (direct.col == 1)) | (DIRECT_NR.expr & (direct_nr.col == 1)))
    tripped = pl.max_horizontal(_TRIPPED.cast(pl.Int64), trips.col.cast(pl.Int64))
    burst = TRIP.expr & (tripped >= p.trips_min)
    refusals = REFUSED.expr & (refused.col >= p.refused_min)
    why = (
        pl.when(burst)
        .then(pl.format("{} trips {} points within {} s", "source", tripped, pl.lit(p.trips_s)))
        .when(unselected)
        .then(pl.format("{} operates without having selected", "source"))
        .when(bypass)
        .then(pl.format("{} operates directly where a select is demanded", "source"))
        .when(refusals)
        .then(pl.format("{} controls of {} are refused", refused.col, "destination"))
        .otherwise(pl.format("{} operates in a form that it never used", "source"))
    )
    return Firing(
        when=unselected | bypass | odd | burst | refusals,
        memories=(selected, since, controls, direct, direct_nr, trips, refused),
        values={"why": why, "points": pl.concat_str(pl.lit("points "), _text("points"))},
        trail=(Recent((OUTSTATION,), p.trips_s, 20, TRIP), Recent((MASTER, OUTSTATION), p.refused_s, 20, REFUSED)),
    )


def _control(time: float, function: int, point: int = 3, trip: int = 1, **fields: object) -> dict[str, object]:
    ends = {"source": "10.0.0.1", "destination": "10.0.0.20", "link_source": 0, "link_destination": 1}
    what = {"points": [point], "operations": [1], "trips": [trip], "response": False, "from_master": True}
    return {"time": time, **ends, **what, "function": function, **fields}


def _answer(time: float, status: int) -> dict[str, object]:
    ends = {"source": "10.0.0.20", "destination": "10.0.0.1", "link_source": 1, "link_destination": 0}
    return {"time": time, **ends, "function": 129, "response": True, "from_master": False, "statuses": [status]}


_USUAL = [r for i in range(8) for r in (_control(600.0 * i, 3), _control(600.0 * i + 1, 4))]

DETECTOR = Detector(
    id="dnp3_operate",
    version=1,
    threat=smart_grid_substation.SG_24,
    record=DNP3,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    parties=Parties("outstation", "outstation", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=300.0,
    says="{why}: {points} of outstation {outstation}",
    observed="function {function}, {points}, link address {station}",
    expected="a select before every operate, single trips, accepted controls",
    runbook=(
        "Block control functions at the outstation's firewall; keep polling.",
        "Confirm with the operator's log whether a person sent it; verify breaker positions locally.",
        "If direct operation is usual here, take the outstation out of dnp3.select_before_operate.",
    ),
    tolerance="a select that arrives after its operate is not seen: such a pair is told",
    examples=(
        fires_on("an operate without a select", [_control(0, 4)]),
        fires_on("an operate of another point than was selected", [_control(0, 3, 3), _control(1, 4, 4)]),
        fires_on("an operate long after its select", [_control(0, 3), _control(15, 4)]),
        fires_on("direct trips of six points in 4 s", [_control(0.7 * i, 5, i, 2) for i in range(6)]),
        fires_on("one message trips four points", [_control(0, 5, points=[0, 1, 2, 3], operations=[1] * 4, trips=[2] * 4)]),
        fires_on("direct operate without acknowledgement by a master that always selects", [*_USUAL, _control(6000, 6)]),
        fires_on(
            "direct operate where the site demands a select",
            [_control(0, 5)],
            site={"dnp3": {"select_before_operate": ["10.0.0.20"]}},
        ),
        fires_on("controls are refused", [_answer(5.0 * i, 2) for i in range(6)]),
        quiet_on("select, operate and accepted, again and again", [*_USUAL, _answer(4300, 0)]),
        quiet_on("a master that always operates directly", [_control(100.0 * i, 5, i % 4, 2) for i in range(12)]),
        quiet_on("three trips in a minute, one repeated", [_control(t, 5, n, 2) for t, n in ((0, 1), (5, 1), (40, 2), (41, 2))]),
    ),
)  # fmt: skip
