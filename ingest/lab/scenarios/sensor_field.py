"""Readings of a sensor field over a day and a half: weather, sun, fronts, drift, failures; captured nodes that tell something else."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario
from ingest.source import Record
from schemas.records import SENSOR_READING

NODES: Final = 36
SUNLIT: Final = 4  # the first ones stand in the sun
EVERY_S: Final = 600.0
NETWORK: Final = "pan-17"
DAY_S: Final = 86_400.0


def name(node: int) -> str:
    """Name of a node."""
    return f"n{node}"


def quiet(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """Temperature and humidity every ten minutes.

    Nodes differ by their places; a few stand in the sun, with clouds; a front passes over the field; each is warmed now and then for
    a short while; one drifts, one fails for hours, readings get lost, the sink is down for half an hour.
    """
    own = [rng.gauss(0, 0.5) for _ in range(NODES)]
    place = [rng.random() for _ in range(NODES)]
    warm = [rng.uniform(0, 4 * seconds) for _ in range(NODES)]
    drifting, failing = rng.randrange(NODES), rng.randrange(NODES)
    fails, down = rng.uniform(0, seconds), rng.uniform(0, seconds)
    front, falls = rng.uniform(0, seconds), rng.uniform(2, 5)
    clouds = [rng.random() for _ in range(round(seconds / EVERY_S) + 2)]
    records = []
    for node in range(NODES):
        at, weather = rng.uniform(0, EVERY_S), 0.0
        while at < seconds:
            hour = (start / 1e6 + at) % DAY_S / 3600
            weather = 0.9 * weather + rng.gauss(0, 0.05)
            celsius = 14 - 5 * math.cos((hour - 3) * math.pi / 12) + own[node] + weather + rng.gauss(0, 0.08)
            celsius -= falls * (1 + math.tanh((at - front - 2400 * place[node]) / 600)) / 2
            sun = max(0.0, math.sin((hour - 6) * math.pi / 12)) if node < SUNLIT else 0.0
            celsius += 6 * sun * clouds[int(at / EVERY_S)] + (5.0 if warm[node] <= at < warm[node] + 1200 else 0.0)
            celsius += 0.3 * at / DAY_S if node == drifting else 0.0
            percent = min(100.0, max(5.0, 62 - 3 * (celsius - 14) + 3 * own[node] + rng.gauss(0, 0.7)))
            silent = (node == failing and fails <= at < fails + 14_400) or down <= at < down + 1800
            if not silent and rng.random() > 0.02:
                for quantity, value in (("air_temperature", round(celsius, 1)), ("relative_humidity", round(percent))):
                    fields = {"time": start + round(at * 1e6), "network": NETWORK, "node": name(node)}
                    fields |= {"quantity": quantity, "value": float(value), "battery_v": 3.0}
                    records.append(Record(SENSOR_READING, fields))
            at += EVERY_S * rng.uniform(0.97, 1.03)
    records.sort(key=lambda record: record.fields["time"])
    return records


FIELD: Final = Quiet("sensor_field", "36 nodes that measure temperature and humidity", quiet, NODES)


@dataclass(frozen=True)
class Captured:
    after_s: float = 100_800.0
    by: float = 12.0  # degrees that are added
    rise_s: float = 0.0  # within this time; 0: at once


@dataclass(frozen=True)
class Slow(Captured):
    rise_s: float = 10_800.0


Make = Callable[[float, float, random.Random, Any], float]


def _captured(make: Make) -> Callable[[list[Record], random.Random, int, Any], Injected]:
    """One node tells another temperature, made of (true value, seconds since the attack's begin, rng, parameters)."""

    def inject(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
        begin, node = start + round(p.after_s * 1e6), name(rng.randrange(SUNLIT, NODES))
        out, attack = [], []
        for i, record in enumerate(records):
            fields = record.fields
            if fields["node"] == node and fields["quantity"] == "air_temperature" and fields["time"] >= begin:
                value = make(fields["value"], (fields["time"] - begin) / 1e6, rng, p)
                out.append(Record(SENSOR_READING, {**fields, "value": round(value, 1)}))
                attack.append(i)
            else:
                out.append(record)
        return Injected(out, begin, records[-1].fields["time"], frozenset({node}), tuple(attack))

    return inject


def _added(value: float, since: float, rng: random.Random, p: Any) -> float:
    return value + float(p.by) * (min(1.0, since / float(p.rise_s)) if p.rise_s else 1.0)


def _constant(value: float, since: float, rng: random.Random, p: Any) -> float:
    return 14.0


QUIET: Final = (FIELD,)
SCENARIOS: Final = tuple(
    Scenario(title, "USN-03", says, FIELD, 136_800.0, _captured(make), params)
    for title, says, make, params in (
        ("sensor_shifted", "a captured node adds 12 degrees", _added, Captured),
        ("sensor_led_away", "a captured node adds 12 degrees over three hours", _added, Slow),
        (
            "sensor_constant",
            "a captured node tells the usual temperature of the field and nothing else",
            _constant,
            Captured,
        ),
    )
)
