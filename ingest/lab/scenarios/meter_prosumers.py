"""Quiet traffic that looks like theft: solar panels, car chargers, clocks that drift, readings that arrive late or twice."""

import random
from dataclasses import replace
from typing import Final

import numpy as np

from ingest.lab.households import DAY, Street, name_of, readings, street
from ingest.lab.scenarios.scenario import Quiet
from ingest.lab.theft import Floats
from ingest.source import Record
from schemas.records import METER_EVENT

METERS: Final = 10
TRANSFORMER: Final = "T4"
SOLAR, CARS, DRIFTING = (1, 4, 7), (2, 4), (0, 5)
#: A clock is set when it is so wrong, seconds.
WORST_S: Final = 30.0


def solar(draw: np.random.Generator, n: int) -> Floats:
    """Mean power of panels in each quarter of an hour, kW: the sun's height, the day's weather, clouds."""
    hour = np.arange(n) % DAY / 4 + 0.125
    height = np.clip(np.sin(np.pi * (hour - 7.5) / 9), 0, None) * ((hour > 7.5) & (hour < 16.5))
    weather = draw.beta(1.2, 1.2, n // DAY + 1)[np.arange(n) // DAY]
    return np.asarray(draw.uniform(3, 7) * height**1.3 * weather * np.exp(draw.normal(-0.05, 0.3, n)))


def charging(draw: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """Mean power and power at the end of each quarter of an hour of a car charger, kW: most evenings, for hours."""
    mean, end = np.zeros(n), np.zeros(n)
    kw = draw.choice((3.7, 7.4, 11.0))
    for day in range(n // DAY + 1):
        if draw.random() < 0.6:
            begin = day * DAY + draw.normal(74, 6)
            until = begin + draw.uniform(4, 16)
            at = np.arange(n)
            share = np.clip(np.minimum(at + 1, until) - np.maximum(at, begin), 0, 1)
            mean, end = mean + kw * share, end + kw * ((at + 1 > begin) & (at + 1 < until))
    return mean, end


def prosumers(rng: random.Random, made: Street) -> Street:
    """A street some of whose houses have panels, which feed in, or charge a car."""
    draw = np.random.default_rng(rng.getrandbits(64))
    mean, end = made.kwh * 4, made.kw.copy()
    for meter in CARS:
        more, at_end = charging(draw, mean.shape[1])
        mean[meter] += more
        end[meter] += at_end
    for meter in SOLAR:
        made_kw = solar(draw, mean.shape[1])
        mean[meter] -= made_kw
        # What the panels give at the end of the interval differs a little from its mean.
        end[meter] -= made_kw * np.exp(draw.normal(0, 0.05, len(made_kw)))
    # The import register stands still while a house feeds in; its current is then negative.
    return replace(made, kwh=np.round(np.maximum(mean, 0) / 4, 3), kw=end)


def quiet(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """Readings in the order in which they arrive: a few hours late after a lost connection, some of them twice."""
    records = readings(prosumers(rng, street(rng, METERS, seconds)), start, TRANSFORMER)
    pace = {name_of(TRANSFORMER, meter): rng.choice((-1, 1)) * rng.uniform(4, 9) for meter in DRIFTING}  # seconds a day
    period = {meter: WORST_S / abs(per_day) * 86_400e6 for meter, per_day in pace.items()}
    lost: dict[str, int] = {}
    arriving: list[tuple[int, int, Record]] = []
    last = start + round(seconds * 1e6)
    for record in records:
        time, meter = record.fields["time"], record.fields["meter"]
        if rng.random() < 0.0005:
            lost[meter] = time + round(rng.uniform(0.5, 4) * 3600e6)
        arrives = max(time, lost.get(meter, 0)) + round(rng.uniform(1, 60) * 1e6)
        if meter in pace:
            wrong = pace[meter] * ((time - start) % period[meter]) / 86_400e6
            record = Record(record.schema, {**record.fields, "time": time + round(wrong * 1e6)})
        arriving.append((arrives, len(arriving), record))
        if rng.random() < 0.003:
            arriving.append((arrives + round(rng.uniform(60, 3600) * 1e6), len(arriving), record))
    for meter, every in period.items():
        for at in range(start + round(every), last, round(every)):
            who = {"time": at, "meter": meter, "transformer": TRANSFORMER}
            what = {"profile": "dlms", "code": 5, "meaning": "clock_adjusted_new"}
            arriving.append((at, len(arriving), Record(METER_EVENT, {**who, **what})))
    return [record for arrives, _, record in sorted(arriving, key=lambda item: item[:2]) if arrives <= last]


QUIET: Final = (
    Quiet("meter_prosumers", "panels, car chargers, drifting clocks, readings late or twice", quiet, METERS),
)
SCENARIOS: Final = ()
