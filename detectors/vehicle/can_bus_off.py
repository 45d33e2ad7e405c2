"""A control unit is driven off the CAN bus: a burst of error frames, then one identifier is missing for a while.

An identifier comes back after `missing` learned periods (and `least_s`) in which at least `errors_min` error frames fell within
`window_s`, while the rest of the bus went on. A controller that itself reports bus-off `reports_min` times within `reports_s`
(error class 0x40 of Linux) fires too. Blind spot: loggers that hide error frames; a control unit that does not come back (see
can_suspension); buses with pauses of more than `hole_s`. A loose plug at one control unit looks the same. Source: threat ITS-22 of the
catalogue; ISO 11898-1 (fault confinement: 32 errors in a row lead to bus-off); linux/can/error.h.
"""

from dataclasses import dataclass

import polars as pl

from detectors.can_bus import BUS, DATA, IDENTIFIER, every, frames, merged
from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, Period, Recent, TimeSince
from detectors.profiles import its_vehicle
from detectors.profiles.threat import Severity
from detectors.reasons import reasons
from detectors.site import Site
from schemas.records import CAN_FRAME


@dataclass(frozen=True)
class Params:
    errors_min: int = 16  # error frames in the window
    window_s: float = 0.1
    missing: float = 3.0  # periods of an identifier: absent for longer
    least_s: float = 0.05  # and for at least this long
    hole_s: float = 0.03  # without any data frame: the whole bus was disturbed
    learn: int = 50  # intervals from which a period is learned
    reports_min: int = 2  # reports of bus-off by the controller
    reports_s: float = 600.0


ERROR = Derived("error frame", pl.col("error"))
#: The controller reports bus-off: CAN_ERR_BUSOFF in the identifier of an error frame.
REPORT = Derived("bus-off report", pl.col("error") & (pl.col("can_id") // 0x40 % 2 == 1))


def build(p: Params, site: Site) -> Firing:
    errors = CountWithin(BUS, seconds=p.window_s, at_most=10 * p.errors_min, where=ERROR)
    burst = Derived(f"{p.errors_min} errors in {p.window_s:g}s", ERROR.expr & (errors.col >= p.errors_min), (errors,))
    since = TimeSince(BUS, burst)
    pause = TimeSince(BUS, DATA)
    hole = Derived(f"hole of {p.hole_s:g}s", (pause.col > p.hole_s).fill_null(False), (pause,))
    undisturbed = TimeSince(BUS, hole)
    gap, period = TimeSince(IDENTIFIER), Period(IDENTIFIER, learn=p.learn)
    absent = gap.col > pl.max_horizontal(p.missing * period.col, pl.lit(p.least_s))
    steady = period.col.is_not_null() & ~hole.expr & (undisturbed.col > gap.col).fill_null(True)
    reports = CountWithin(BUS, seconds=p.reports_s, at_most=10 * p.reports_min, where=REPORT)
    fires, why = reasons(
        (
            DATA.expr & steady & absent & (since.col <= gap.col),
            pl.format(
                "identifier {} was absent for {} ms after a burst of error frames", "can_id", (gap.col * 1000).round(1)
            ),
        ),
        (
            REPORT.col & (reports.col >= p.reports_min),
            pl.format("the controller reported bus-off {} times", reports.col),
        ),
    )
    return Firing(
        when=fires,
        memories=(errors, since, undisturbed, gap, period, reports),
        values={"why": why},
        trail=(Recent(BUS, seconds=2.0, at_most=50, where=ERROR),),
    )


def _errors(start: float, number: int, can_id: int = 0x88) -> list[dict[str, object]]:
    return frames([start + 0.001 * i for i in range(number)], can_id, extended=True, error=True)


_BUS = [frames(every(0.01, 0, 3), 0x110), frames(every(0.02, 0.001, 3), 0x1A0), frames(every(0.1, 0.002, 3), 0x410)]
_SILENCED = [f for f in _BUS[1] if not 2.0 < float(str(f["time"])) < 2.24]

DETECTOR = Detector(
    id="can_bus_off",
    version=1,
    threat=its_vehicle.ITS_22,
    record=CAN_FRAME,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.MEDIUM,
    parties=Parties("bus", "channel"),
    dedup=("vehicle", "channel"),
    episode_s=60.0,
    says="{channel} of {vehicle}: {why}",
    observed="{why}",
    expected="no bursts of error frames, every identifier at its period",
    runbook=(
        "Go to the degraded mode of the function that uses the identifier; warn the driver.",
        "Look for wiring faults and loose plugs at the control unit that sends it.",
        "The same identifier again and again, at the same distance in time, is the sign of an attack.",
    ),
    tolerance="late frames are passed over",
    examples=(
        fires_on("32 errors, then 0x1A0 is absent for 240 ms", merged(_BUS[0], _SILENCED, _BUS[2], _errors(2.0, 32))),
        fires_on("the controller reports bus-off twice", merged(*_BUS, _errors(1, 1, 0x40), _errors(2, 1, 0x40))),
        quiet_on("errors that nobody is lost by", merged(*_BUS, _errors(2.0, 32))),
        quiet_on("an absence without errors", merged(_BUS[0], _SILENCED, _BUS[2])),
        quiet_on(
            "the whole bus is disturbed",
            merged(*([f for f in one if not 2 < float(str(f["time"])) < 2.4] for one in _BUS), _errors(2.0, 60)),
        ),
    ),
)
