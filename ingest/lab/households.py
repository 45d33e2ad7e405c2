"""Honest households without load profiles at hand: what they draw, made from habits, appliances, absences and weather.

A house has its standby, a refrigerator, a morning and an evening, appliances that are switched on when people are at home, weekends,
and weeks of more and of less; weather is the same for all. It is away for days now and then. No year of measured profiles is
needed (`ingest.lab.load_profiles` has those), so scenarios of any length are made in milliseconds.
"""

import math
import random
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ingest.lab.theft import Floats
from ingest.source import Record
from schemas.records import METER_READING

#: Quarters of an hour of a day.
DAY: Final = 96
QUARTER_S: Final = 900


@dataclass(frozen=True)
class Street:
    """Readings of the meters of one transformer: arrays of shape (meters, intervals).

    Args:
        interval_s: length of an interval.
        kwh: energy of each interval.
        kw: power at its end.
        voltage_v, power_factor: at its end.
        read: False where the head-end lost the reading.
        register_kwh: registers at the begin.
    """

    interval_s: int
    kwh: Floats
    kw: Floats
    voltage_v: Floats
    power_factor: Floats
    read: np.ndarray
    register_kwh: Floats


def power(rng: np.random.Generator, meters: int, days: int) -> Floats:
    """Mean power of each quarter of an hour, kW, shape (meters, days * 96)."""
    n = days * DAY
    hour, day = np.arange(n) % DAY / 4, np.arange(n) // DAY
    weekend = day % 7 >= 5
    size = rng.uniform(0.6, 1.6, (meters, 1))
    wake, home = rng.normal(7, 0.7, (meters, 1)), rng.normal(18.8, 0.9, (meters, 1))
    awake = 0.35 * np.exp(-((hour - wake - 1.5 * weekend) ** 2) / 2) + 0.7 * np.exp(-((hour - home) ** 2) / 6)
    awake += np.where((hour > 8) & (hour < 22), np.where(weekend, 0.3, 0.12), 0.0)
    weather = 1 + 0.15 * np.sin(2 * np.pi * (np.arange(days) + rng.uniform(0, 365)) / 365)
    weather = (weather * np.exp(_slow(rng, days, 0.06, 0.8)))[day]
    weeks = np.exp(rng.normal(0, 0.07, (meters, days // 7 + 1)))[:, day // 7]
    lights = size * awake * weather * weeks * np.exp(rng.normal(-0.08, 0.4, (meters, n)))
    starts = rng.random((meters, n)) < 0.09 * awake * size
    appliances = np.zeros((meters, n))
    for lasts in range(1, 5):
        chosen = np.where(starts & (rng.random((meters, n)) < 0.5), rng.uniform(0.4, 1.8, (meters, n)), 0.0)
        for later in range(lasts):
            appliances[:, later:] += chosen[:, : n - later]
        starts &= chosen == 0
    standby = rng.uniform(0.04, 0.12, (meters, 1)) * (1 + 0.06 * rng.standard_normal((meters, n)))
    cold = (
        0.05
        * (1 + np.sin(np.arange(n) * rng.uniform(1.8, 3.2, (meters, 1))))
        * np.exp(0.1 * rng.standard_normal((meters, n)))
    )
    away = np.zeros((meters, n), dtype=np.bool_)
    for meter, at in zip(*np.nonzero(rng.random((meters, days)) < 0.008), strict=True):
        away[meter, at * DAY + 40 : (at + int(rng.integers(2, 15))) * DAY + 60] = True
    return np.asarray(np.maximum(standby + cold + np.where(away, 0.0, 0.5 * lights + appliances), 0.01))


def _slow(rng: np.random.Generator, n: int, scale: float, memory: float) -> Floats:
    out = np.zeros(n)
    for i in range(1, n):
        out[i] = memory * out[i - 1] + rng.normal(0, scale)
    return out


def street(rng: random.Random, meters: int, seconds: float, interval_s: int = QUARTER_S) -> Street:
    """Meters of one transformer for a time that begins at midnight."""
    draw = np.random.default_rng(rng.getrandbits(64))
    n, each = int(seconds // interval_s), interval_s // QUARTER_S
    kw = power(draw, meters, max(1, math.ceil(seconds / 86_400)))[:, : n * each].reshape(meters, n, each)
    kwh = np.round(kw.sum(axis=2) * (QUARTER_S / 3600), 3)
    at_end = kw[:, :, -1] * np.exp(draw.normal(0, 0.07, (meters, n)))
    # Voltage sinks with the load of the transformer.
    load = kw[:, :, -1].mean(axis=0)
    voltage = draw.uniform(229, 236, (meters, 1)) - 3.0 * load + draw.normal(0, 0.8, (meters, n))
    factor = np.clip(draw.uniform(0.88, 0.98, (meters, 1)) + draw.normal(0, 0.015, (meters, n)), 0.5, 1.0)
    read = draw.random((meters, n)) > 0.004
    for meter, at in zip(*np.nonzero(draw.random((meters, n)) < 0.02 * interval_s / 86_400), strict=True):
        read[meter, at : at + int(draw.integers(1, max(2, 43_200 // interval_s)))] = False
    return Street(interval_s, kwh, at_end, voltage, factor, read, np.round(draw.uniform(500, 40_000, meters), 3))


def readings(made: Street, start: int, transformer: str, electrical: bool = True) -> list[Record]:
    """The records of a street by time, from the registers at its begin on.

    Args:
        made: the street.
        start: microseconds since 1970.
        transformer: its name; meters are named after it.
        electrical: whether readings carry voltage, current and power factor.
    """
    register = np.round(made.register_kwh[:, None] + np.cumsum(made.kwh, axis=1), 3)
    out = [
        _reading(start, transformer, meter, float(made.register_kwh[meter])) for meter in range(len(made.register_kwh))
    ]
    for i in range(made.kwh.shape[1]):
        time = start + (i + 1) * made.interval_s * 1_000_000
        for meter in np.flatnonzero(made.read[:, i]).tolist():
            fields: dict[str, Any] = {"interval_kwh": float(made.kwh[meter, i]), "interval_s": made.interval_s}
            if electrical:
                voltage, factor = made.voltage_v[meter, i], made.power_factor[meter, i]
                current = made.kw[meter, i] * 1000 / voltage / factor
                fields |= {"voltage_v": round(float(voltage), 1), "current_a": round(float(current), 2)}
                fields |= {"power_factor": round(float(factor), 3), "status": 0}
            out.append(_reading(time, transformer, meter, float(register[meter, i]), **fields))
    return out


def name_of(transformer: str, meter: int) -> str:
    """Name of a meter."""
    return f"M{transformer[1:]}-{meter:02d}"


def _reading(time: int, transformer: str, meter: int, register_kwh: float, **fields: Any) -> Record:
    who = {"time": time, "meter": name_of(transformer, meter), "transformer": transformer}
    return Record(METER_READING, {**who, "register_kwh": register_kwh, **fields})
