"""Limits, clocks, tariffs or logs of several meters are changed without a work order.

Counts different meters of one operator whose limiter or configuration was written, or whose log was cleared, without a work order,
where most such commands of the operator carry none. Blind spot: forged work orders; fewer meters; what was written, which the
record does not carry; a head-end that keeps no work orders (switch it off there). Source: threat SG-13 of the catalogue;
ITU-T X.1332 (abuse of configuration); DLMS/COSEM classes 8, 20 and 71.
"""

from dataclasses import dataclass

import polars as pl

from detectors.announced_work import WITHOUT_ORDER
from detectors.detector import Confidence, Detector, Firing, Remembering, fires_on, quiet_on
from detectors.memory import Derived, DistinctWithin, Recent
from detectors.profiles import smart_grid_ami
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import HEADEND_COMMAND

COMMANDS = ("limit", "configure", "clear_log")


@dataclass(frozen=True)
class Params:
    meters_min: int = 3  # meters set without a work order
    share_min: float = 0.5  # of the meters that the operator set: fires above
    window_s: float = 86_400.0


BY = ("operator",)
SETS = Derived("sets", pl.col("command").is_in(COMMANDS))
UNORDERED = Derived("sets without work order", pl.col("command").is_in(COMMANDS) & WITHOUT_ORDER)


def build(p: Params, site: Site) -> Firing:
    def meters(where: Derived) -> DistinctWithin:
        return DistinctWithin(BY, seconds=p.window_s, at_most=2 * max(500, p.meters_min), value="meter", where=where)

    every, bare = meters(SETS), meters(UNORDERED)
    return Firing(
        when=UNORDERED.col & (bare.col >= p.meters_min) & (bare.col > p.share_min * every.col),
        memories=(every, bare),
        values={
            "every": every.col,
            "bare": bare.col,
            "hours": pl.lit(p.window_s / 3600),
            "what": pl.col("command").str.replace("_", " "),
        },
        trail=(Recent(BY, seconds=p.window_s, at_most=50, where=UNORDERED),),
    )


def _commands(
    number: int, command: str, work_order: str | None, begin: float = 0.0, every_s: float = 30.0
) -> list[dict[str, object]]:
    return [
        {
            "time": begin + i * every_s,
            "headend": "H1",
            "operator": "eve",
            "meter": f"M{i}",
            "command": command,
            "work_order": work_order,
        }
        for i in range(number)
    ]


DETECTOR = Detector(
    id="unordered_settings",
    version=1,
    threat=smart_grid_ami.SG_13,
    record=HEADEND_COMMAND,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    entity_kind="headend",
    entity="headend",
    source="operator",
    destination="headend",
    dedup=("headend", "operator"),
    episode_s=3600.0,
    says="{operator} on {host} set {every} meters in {hours} h, {bare} without work order; the last command: {what} of {meter}",
    observed="{bare} of {every} meters set without a work order",
    expected="settings with work orders",
    runbook=(
        "Ask the operator by telephone; end the session if the change was not theirs.",
        "Restore calendar and limiter from the configuration store; set the clock anew from a trusted source.",
        "Flag the billing intervals that are affected.",
    ),
    needs=(),
    tolerance="a late command counts at the operator's clock; one later than the window is not counted",
    examples=(
        fires_on("the limiter of thirty meters", _commands(30, "limit", None)),
        fires_on("logs of three meters", _commands(3, "clear_log", "")),
        quiet_on("a roll-out with work orders", _commands(60, "configure", "W1")),
        quiet_on("one meter again and again, reads", _commands(1, "limit", None) * 5 + _commands(50, "read", None)),
        quiet_on(
            "a few of a roll-out lost their order",
            _commands(60, "configure", "W1") + _commands(4, "configure", None, begin=1800.0),
        ),
    ),
)
