"""A reading that does not look like those of honest meters (learned): consumption falsified on its way or at the meter.

Six features: whether the interval's energy agrees with voltage, current and power factor, now and over a day; the use
now and over a day against the meter's own last weeks; whether the register moved by the interval's energy; the
voltage against its own day. Energy falsified while the electrical values stay true shows within readings to a day; a
falsification that is electrically consistent shows only as an unusual change of use, which vacancy is too. Blind
spot: consistent under-reporting; slow drift; falsified from the first reading on; a record without energy, interval
or earlier readings, or of an interval above half an hour, is not scored.
Source: threat SG-04 of the catalogue. Numbers: the model's card, `detectors/models/unusual_reading.json`.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Features, Model, Parties, fires_on, quiet_on
from detectors.memory import Derived, Ewma, Last, TimeSince
from detectors.profiles import smart_grid_ami
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import METER_READING


@dataclass(frozen=True)
class Params:
    """None: what the model learned goes with it, its threshold included."""


#: Standby of a connection in kW: below it, ratios say nothing.
FLOOR_KW = 0.02
#: Readings of a day and of four weeks at a quarter of an hour: the memories' horizons.
DAY, WEEKS = 96, 2688
BY = ("meter",)

#: Longer intervals are not scored, seconds: their means differ from the values at their end, and a day has too few of them.
LONGEST_S = 1800
#: Usual intervals since the meter's last reading, from which readings between are taken to be lost.
LOST = 1.5
_HOURS = pl.when(pl.col("interval_s").is_between(1, LONGEST_S)).then(pl.col("interval_s") * (1 / 3600))
POWER = Derived("power", (pl.col("interval_kwh").clip(0) / _HOURS))
_ELECTRICAL = pl.col("voltage_v") * pl.col("current_a") * pl.col("power_factor") * 0.001
_CONSISTENCY = ((POWER.expr + FLOOR_KW) / (_ELECTRICAL.clip(0) + FLOOR_KW)).log().clip(-4, 4)
CONSISTENCY = Derived("consistency", _CONSISTENCY)


def features(p: Params, site: Site) -> Features:
    register = Last(BY, "register_kwh")
    day, weeks = Ewma(BY, POWER, alpha=1 / DAY, least=DAY // 4), Ewma(BY, POWER, alpha=1 / WEEKS, least=DAY // 4)
    agreed = Ewma(BY, CONSISTENCY, alpha=1 / DAY, least=DAY // 4)
    voltage = Ewma(BY, "voltage_v", alpha=1 / DAY, least=DAY // 4)
    gap = TimeSince(BY)
    usual_gap = Ewma(BY, Derived("gap|meter", gap.col, (gap,)), alpha=0.2, least=2)
    # After lost readings the register moved by the energy of several intervals, which may be like no single one of them:
    # then all that is asked is that it moved by this interval's energy at least.
    intervals = (gap.col / usual_gap.col).fill_nan(None).fill_null(1.0)
    grown, own = (pl.col("register_kwh") - register.col).clip(0), pl.col("interval_kwh").clip(0)
    # A reading that is delivered twice moves no register.
    again = ((gap.col <= 0) & (pl.col("register_kwh") == register.col)).fill_null(False)
    moved = pl.when(again).then(own).when(intervals > LOST).then(pl.min_horizontal(grown, own)).otherwise(grown)

    def usual(value: pl.Expr) -> pl.Expr:
        # An absent electrical value, or a mean not known yet, neither accuses nor excuses.
        return value.fill_nan(None).fill_null(0.0)

    return Features(
        columns={
            "consistency": usual(CONSISTENCY.col),
            "consistency_day": usual(agreed.col),
            "use_now": ((POWER.col + FLOOR_KW) / (weeks.col + FLOOR_KW)).log(),
            "use_day": ((day.col + FLOOR_KW) / (weeks.col + FLOOR_KW)).log(),
            "register": ((moved + 0.02) / (pl.col("interval_kwh").clip(0) + 0.02)).log().clip(-4, 4),
            "voltage": usual((pl.col("voltage_v") / voltage.col).clip(0.01, 100).log()),
        },
        memories=(register, gap, usual_gap, day, weeks, agreed, voltage),
        values={
            "power": POWER.col,
            "weeks": weeks.col,
            "off": (usual(CONSISTENCY.col).exp() - 1) * 100,
            "off_day": (usual(agreed.col).exp() - 1) * 100,
        },
    )


def _readings(number: int, factor: float = 1.0, start: int = 0, register: float = 1000.0) -> list[dict[str, object]]:
    """Quarter-hourly readings of a household; energy is multiplied by `factor`, the electrical values are true."""
    out: list[dict[str, object]] = []
    for i in range(start, start + number):
        true_kwh = 0.1 + 0.06 * ((i * 7919) % 13 / 6 - 1) + (0.08 if 24 <= i % DAY < 88 else 0.0)
        kwh = round(true_kwh * factor, 3)
        register += kwh
        out.append(
            {
                "time": 900 * i,
                "meter": "M1",
                "transformer": "T1",
                "register_kwh": register,
                "interval_kwh": kwh,
                "interval_s": 900,
                "voltage_v": 231.0 + (i * 104_729) % 5 / 2,
                "current_a": true_kwh * 4000 / 231.0 / 0.95,
                "power_factor": 0.95,
                "frequency_hz": 50.0,
            }
        )
    return out


DETECTOR = Detector(
    id="unusual_reading",
    version=3,
    threat=smart_grid_ami.SG_04,
    record=METER_READING,
    kind=Model("unusual_reading", features),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.LOW,
    parties=Parties("meter", "meter"),
    dedup=("meter",),
    episode_s=86_400.0,
    says="reading of {meter} is unusual: {power} kW where {weeks} kW are usual, {off} % off its electrical values",
    observed="{power} kW; energy {off} % off voltage, current and power factor, {off_day} % over a day; score {score}",
    expected="about {weeks} kW as in the last weeks, and energy that agrees with the electrical values",
    runbook=(
        "Queue the account for revenue protection; never disconnect on the score alone.",
        "Compare with the balance of the transformer and with the neighbours; ask for vacancy or a new installation.",
        "If the energy disagrees with the electrical values, read the meter on demand and compare with the head-end's data.",
    ),
    tolerance="a late reading moves no memory",
    examples=(
        fires_on(
            "a tenth of the energy reported, electrical values true", _readings(150) + _readings(48, 0.1, 150, 1021.0)
        ),
        quiet_on("two days of a household", _readings(200)),
        quiet_on("the last of them is delivered twice", _readings(200) + _readings(200)[-1:]),
    ),
)
