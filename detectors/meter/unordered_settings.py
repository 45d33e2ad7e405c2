"""Limits, clocks, tariffs or logs of several meters are changed without a work order, or one clock again and again.

Counts different meters of one operator whose limiter or configuration was written, or whose log was cleared, without a work order,
where most such commands of the operator carry none, or where there are `shifted_min` clocks set by more than `shift_s`. Where the
command tells the clock's old and new value, a correction by less is nobody's concern. A clock set more than `sets_max` times a
day fires by itself. Blind spot: forged work orders; fewer meters; a head-end that keeps no work orders (switch it off there).
Source: threat SG-13 of the catalogue; ITU-T X.1332 (abuse of configuration); DLMS/COSEM classes 8, 20 and 71.
"""

from dataclasses import dataclass

import polars as pl

from detectors.announced_work import WITHOUT_ORDER
from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, DistinctWithin, Recent
from detectors.profiles import smart_grid_ami
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import HEADEND_COMMAND

COMMANDS = ("limit", "configure", "clear_log")


@dataclass(frozen=True)
class Params:
    meters_min: int = 3  # meters set without a work order
    share_min: float = 0.5  # of the meters that the operator set: fires above
    shift_s: float = 60.0  # a clock set by no more is a correction
    shifted_min: int = 20  # clocks that one operator set by more
    sets_max: int = 3  # of one clock: fires above
    window_s: float = 86_400.0


BY = ("operator",)
SETS = Derived("sets", pl.col("command").is_in(COMMANDS))
#: Class 8 of DLMS/COSEM; a command that does not say what it writes sets no clock.
CLOCK = Derived("sets a clock", (pl.col("command") == "configure") & (pl.col("class_id").fill_null(0) == 8))
#: Seconds by which a clock is moved; null where the command does not tell.
_SHIFT = (pl.col("new_value") - pl.col("old_value")).abs()


def build(p: Params, site: Site) -> Firing:
    shifted = Derived(
        f"shifts a clock {p.shift_s:g}", CLOCK.expr & WITHOUT_ORDER & (p.shift_s < _SHIFT).fill_null(False)
    )
    corrects = CLOCK.expr & (p.shift_s >= _SHIFT).fill_null(False)
    unordered = Derived(
        f"sets without work order {p.shift_s:g}", pl.col("command").is_in(COMMANDS) & WITHOUT_ORDER & ~corrects
    )

    def meters(where: Derived) -> DistinctWithin:
        most = 2 * max(500, p.meters_min, p.shifted_min)
        return DistinctWithin(BY, seconds=p.window_s, at_most=most, value="meter", where=where)

    every, bare, clocks = meters(SETS), meters(unordered), meters(shifted)
    own = CountWithin(("meter",), seconds=p.window_s, at_most=2 * p.sets_max + 2, where=CLOCK)
    mostly = (bare.col >= p.meters_min) & (bare.col > p.share_min * every.col)
    many = shifted.col & (clocks.col >= p.shifted_min)
    return Firing(
        when=(unordered.col & (mostly | many)) | (CLOCK.col & (own.col > p.sets_max)),
        memories=(every, bare, clocks, own),
        values={
            "every": every.col,
            "bare": bare.col,
            "own": own.col,
            "hours": pl.lit(p.window_s / 3600),
            "what": pl.col("command").str.replace("_", " "),
            "from": pl.when(CLOCK.col & _SHIFT.is_not_null())
            .then(pl.format(" by {} s", _SHIFT.round(0)))
            .otherwise(pl.lit("")),
        },
        trail=(
            Recent(BY, seconds=p.window_s, at_most=50, where=unordered),
            Recent(("meter",), seconds=p.window_s, at_most=20, where=CLOCK),
        ),
    )


def _commands(
    number: int,
    command: str,
    work_order: str | None,
    begin: float = 0.0,
    every_s: float = 30.0,
    shift_s: float | None = None,
) -> list[dict[str, object]]:
    return [
        {
            "time": begin + i * every_s,
            "headend": "H1",
            "operator": "eve",
            "meter": f"M{i}",
            "command": command,
            "work_order": work_order,
            **({} if shift_s is None else {"class_id": 8, "old_value": 1e9, "new_value": 1e9 + shift_s}),
        }
        for i in range(number)
    ]


DETECTOR = Detector(
    id="unordered_settings",
    version=2,
    threat=smart_grid_ami.SG_13,
    record=HEADEND_COMMAND,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("headend", "headend", source="operator", destination="headend"),
    dedup=("headend", "operator"),
    episode_s=3600.0,
    says="{operator} on {host} set {every} meters in {hours} h, {bare} without work order; the last command: {what} of {meter}{from}",
    observed="{bare} of {every} meters set without a work order; the clock of {meter} set {own} times",
    expected="settings with work orders",
    runbook=(
        "Ask the operator by telephone; end the session if the change was not theirs.",
        "Restore calendar and limiter from the configuration store; set the clock anew from a trusted source.",
        "Flag the billing intervals that are affected.",
    ),
    tolerance="a late command counts at the operator's clock; one later than the window is not counted",
    examples=(
        fires_on("the limiter of thirty meters", _commands(30, "limit", None)),
        fires_on("logs of three meters", _commands(3, "clear_log", "")),
        fires_on("clocks of thirty meters are moved by an hour", _commands(30, "configure", None, shift_s=3600.0)),
        fires_on(
            "the same within a synchronisation of all clocks",
            _commands(400, "configure", None, shift_s=-4.0)
            + _commands(30, "configure", None, begin=15_000.0, shift_s=3600.0),
        ),
        fires_on("a clock is set five times", _commands(1, "configure", "W1", shift_s=5.0) * 5),
        quiet_on(
            "clocks are synchronised, two had lost the time",
            _commands(100, "configure", None, shift_s=-4.0)
            + _commands(2, "configure", None, begin=4000.0, shift_s=90_000.0),
        ),
        quiet_on("a roll-out with work orders", _commands(60, "configure", "W1")),
        quiet_on("one meter again and again, reads", _commands(1, "limit", None) * 5 + _commands(50, "read", None)),
        quiet_on(
            "a few of a roll-out lost their order",
            _commands(60, "configure", "W1") + _commands(4, "configure", None, begin=1800.0),
        ),
    ),
)
