"""Half a day of a meter's readings repeats an earlier half-day or a neighbour's, or its energy is frozen while voltage moves.

The energies of each half-day (UTC) are summed with a weight a quarter of an hour, which gives equal sums to equal profiles and to
hardly any others. A sum that the meter had within `keep_days`, or another meter of the transformer within two days, fires
where at least `changes_min` readings of the half-day differ from the one before and are not zero. Frozen is a meter whose energy
normally changes from reading to reading, and now stood at one value for `run_min` readings while its voltage did not. Blind
spot: a replay with noise on it, or by other than whole days; readings a few a day; lost readings make profiles differ; frozen
meters that report no voltage. Source: threat SG-06 of the catalogue; ITU-T X.1311 clause 10.4 (data freshness).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Derived, Ewma, Last, RunLength, SeenBefore, Total
from detectors.memory.recent import REFERENCE
from detectors.profiles import smart_grid_ami
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import METER_READING


@dataclass(frozen=True)
class Params:
    changes_min: int = 10  # readings of the half-day that differ from the one before
    keep_days: int = 30  # for which profiles of a meter are remembered
    run_min: int = 24  # equal readings
    least_kwh: float = 0.002  # below it, readings are equal by their resolution
    usual_changes: float = 0.7  # share of readings that normally differ from the one before


BY, AROUND = ("meter",), ("transformer",)
HALF_DAY_S = 43_200
_KWH = pl.col("interval_kwh").fill_nan(None)
#: The second before the reading: an interval that ends at midnight belongs to the day before.
_SECOND = pl.col("time").dt.epoch("s") - 1
HALF = Derived("half-day", _SECOND // HALF_DAY_S)
#: A weight up to 10,000 for each quarter-hour of the day, as if drawn at random.
_WEIGHT = (_SECOND // 900 % 96 * 618_033_989 + 7) % 999_999_937 * 1e-5
#: Watt-hours, as registers count them, so that sums of equal profiles are equal.
WEIGHED = Derived("weighed energy", (_KWH * 1000).round() * _WEIGHT)
_BEFORE = Last(BY, "interval_kwh")
CHANGED = Derived("energy changed", (_BEFORE.col != _KWH).cast(pl.Float64), (_BEFORE,))
COUNTED = Derived("energy changed, not zero", ((_BEFORE.col != _KWH) & (_KWH > 0)).cast(pl.Float64), (_BEFORE,))
_HALF_BEFORE = Last(BY, HALF)
TURNS = Derived("half-day turns", HALF.expr != _HALF_BEFORE.col, (_HALF_BEFORE,))
SUM, CHANGES = Total(BY, WEIGHED, HALF), Total(BY, COUNTED, HALF)


def build(p: Params, site: Site) -> Firing:
    rich = (CHANGES.col >= p.changes_min).fill_null(False)
    profile = Derived(f"profile of {p.changes_min}", pl.when(rich).then(SUM.col), (SUM, CHANGES))
    own = SeenBefore(BY, seconds=p.keep_days * 86_400.0, at_most=2 * p.keep_days, value=profile)
    others = SeenBefore(AROUND, seconds=2 * 86_400.0, at_most=2000, value=profile)
    run, usual = RunLength(BY, "interval_kwh"), Ewma(BY, CHANGED, alpha=1 / 200, least=48)
    still = RunLength(BY, "voltage_v")
    replayed = own.col.fill_null(False)
    copied = others.col.fill_null(False)
    frozen = (
        (run.col >= p.run_min) & (p.least_kwh <= _KWH) & (usual.col >= p.usual_changes) & (still.col * 4 < p.run_min)
    )
    frozen = frozen.fill_null(False)
    why = (
        pl.when(replayed)
        .then(pl.lit("the last half-day repeats an earlier one"))
        .when(copied)
        .then(pl.lit("the last half-day is that of a neighbour"))
        .otherwise(pl.format("{} readings of {} kWh in a row, while the voltage moves", run.col, "interval_kwh"))
    )
    return Firing(
        when=replayed | copied | frozen,
        memories=(own, others, run, usual, still),
        values={"why": why, "changes": CHANGES.col.fill_null(0), "run": run.col.fill_null(0)},
        trail=(Last(BY, REFERENCE, TURNS),),
    )


def _day(day: int, like: int, meter: str = "M1", step: int = 1800, hours: int = 24) -> list[dict[str, object]]:
    """A day of half-hourly readings; `like` says which profile it has."""
    return [
        {
            "time": day * 86_400 - 43_200 + at + step,
            "meter": meter,
            "transformer": "T1",
            "interval_kwh": 0.1 + 0.001 * ((at // step * 7919 + like * 104_729) % 97),
            "interval_s": step,
            "voltage_v": 230.0 + (at // step * 31 + day) % 7 / 2,
        }
        for at in range(0, hours * 3600, step)
    ]


def _frozen(voltage: bool, meter: str = "M1") -> list[dict[str, object]]:
    return [
        {**r, "interval_kwh": 0.137, "voltage_v": r["voltage_v"] if voltage else 230.0} for r in _day(4, 4, meter)[:30]
    ]


DETECTOR = Detector(
    id="replayed_profile",
    version=1,
    threat=smart_grid_ami.SG_06,
    record=METER_READING,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    parties=Parties("meter", "meter"),
    dedup=("meter",),
    episode_s=86_400.0,
    says="readings of {meter} at {transformer}: {why}",
    observed="{why}; {changes} readings of the half-day differ from the one before",
    expected="profiles that differ from day to day and from meter to meter, as people do",
    runbook=(
        "Mark the intervals as estimated; pull the profile again by a direct read of the meter.",
        "If the direct read differs, treat the concentrator as suspect and renew its keys.",
        "Look at other meters behind the same concentrator.",
    ),
    tolerance="a late reading is passed over; the half-day that lacks it matches no other",
    examples=(
        fires_on("the third day is the first again", [*_day(0, 0), *_day(1, 1), *_day(2, 0), *_day(3, 3, hours=1)]),
        fires_on(
            "a neighbour's day",
            [r for a, b in zip(_day(0, 0), _day(0, 0, "M2"), strict=True) for r in (a, b)]
            + [r for a, b in zip(_day(1, 5), _day(1, 6, "M2"), strict=True) for r in (a, b)],
        ),
        fires_on("fifteen hours at one value", [*_day(0, 0), *_day(1, 1), *_day(2, 2), *_day(3, 3), *_frozen(True)]),
        quiet_on("days of a household", [r for d in range(5) for r in _day(d, d)]),
        quiet_on(
            "a dead premises: zeros day by day", [{**r, "interval_kwh": 0.0} for d in range(6) for r in _day(d, d)]
        ),
        quiet_on(
            "a constant load, and always was", [{**r, "interval_kwh": 0.15} for d in range(6) for r in _day(d, d)]
        ),
        quiet_on("one value while the voltage stands", [*(r for d in range(4) for r in _day(d, d)), *_frozen(False)]),
    ),
)
