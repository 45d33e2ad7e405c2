"""Theft of energy: falsified readings in every way of `ingest.lab.theft`, slow drift over months, and a bypass that the transformer sees.

Three streams: quarter-hourly readings whose electrical values stay true while energy is falsified on its way (found within a day or
two), daily registers where nothing but the use over months tells, and hourly readings beside the transformer's own.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from ingest.lab.households import DAY, readings, street
from ingest.lab.scenarios.meter_readings import DAY_S, READINGS, last_of
from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario, merged
from ingest.lab.theft import TRANSFORMS, Floats, Transform
from ingest.source import Record
from schemas.records import FEEDER_MEASUREMENT, METER_READING

WEEK_S: Final = 7 * DAY_S


def registers(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """Daily registers of a street over months."""
    return readings(street(rng, 12, seconds, interval_s=86_400), start, "T2", electrical=False)


REGISTERS: Final = Quiet("meter_registers", "daily registers of the meters of one transformer", registers, 12)


def balanced(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """Hourly readings of a street beside the transformer's meter: its loss, and every meter a little wrong."""
    made = street(rng, 10, seconds, interval_s=3600)
    own = readings(made, start, "T3", electrical=False)
    draw = np.random.default_rng(rng.getrandbits(64))
    true = (made.kwh * (1 + draw.normal(0, 0.006, (10, 1)))).sum(axis=0)
    measured = (true + 0.06 + 0.0015 * true**2) * (1 + draw.normal(0, 0.002, len(true)))
    own_meter = [
        Record(
            FEEDER_MEASUREMENT,
            {
                "time": start + (hour + 1) * 3_600_000_000,
                "transformer": "T3",
                "feeder": "F1",
                "energy_kwh": round(float(energy), 3),
                "interval_s": 3600,
            },
        )
        for hour, energy in enumerate(measured)
        if rng.random() > 0.003
    ]
    return merged(own, own_meter)[0]


BALANCED: Final = Quiet("transformer_balance", "hourly readings of a street and of its transformer", balanced, 11)


def meters_of(records: Sequence[Record]) -> list[str]:
    """Meters by what they used, least first."""
    grown: dict[str, list[float]] = {}
    for record in records:
        if record.schema is METER_READING:
            grown.setdefault(record.fields["meter"], []).append(record.fields["register_kwh"])
    return sorted(grown, key=lambda meter: grown[meter][-1] - grown[meter][0])


def energies(records: Sequence[Record], meter: str, begin: int, interval_us: int) -> Floats:
    """Energy of each interval of a meter from `begin` on, kWh; that of lost readings is spread evenly."""
    own = [r.fields for r in records if r.schema is METER_READING and r.fields["meter"] == meter]
    grid = np.arange(begin, last_of(records) + interval_us, interval_us)
    return np.diff(np.interp(grid, [f["time"] for f in own], [f["register_kwh"] for f in own]))


def falsified(
    records: Sequence[Record], meter: str, begin: int, interval_us: int, reported: Floats, consistent: bool = False
) -> tuple[list[Record], tuple[int, ...]]:
    """The readings of a meter report other energy from `begin` on; with `consistent` its current follows."""
    total = np.round(np.cumsum(reported), 3)
    out, attack = list(records), []
    first: float | None = None
    for i, record in enumerate(records):
        fields = record.fields
        if record.schema is not METER_READING or fields["meter"] != meter:
            continue
        at = (fields["time"] - begin) // interval_us - 1
        if at < 0:
            first = fields["register_kwh"]
        elif at < len(reported):
            assert first is not None
            kwh, current = round(float(reported[at]), 3), fields.get("current_a")
            if consistent and current is not None:
                current = round(current * (kwh + 1e-3) / (fields["interval_kwh"] + 1e-3), 2)
            forged = {"interval_kwh": kwh, "register_kwh": round(first + float(total[at]), 3), "current_a": current}
            out[i] = record._replace(fields={**fields, **forged})
            attack.append(i)
    return out, tuple(attack)


@dataclass(frozen=True)
class Theft:
    after_days: int = 4
    consistent: bool = False  # whether the current is falsified too


@dataclass(frozen=True)
class Consistent(Theft):
    consistent: bool = True


def theft(transform: Transform, records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """The meter that uses most reports falsified energy from a midnight on."""
    begin, interval_us, meters = start + round(p.after_days * DAY_S * 1e6), 900_000_000, meters_of(records)
    true = np.stack([energies(records, meter, begin, interval_us) for meter in (meters[-1], meters[0])])
    draw = np.random.default_rng(rng.getrandbits(64))
    reported = transform(true[:, : true.shape[1] // DAY * DAY], draw, DAY)[0]
    both, attack = falsified(records, meters[-1], begin, interval_us, reported, p.consistent)
    # Whose profile is reported instead takes part too: which of the two is the copy, nobody can tell.
    whose = meters[0] if np.array_equal(reported, true[1, : len(reported)]) else meters[-1]
    return Injected(both, begin, last_of(both), frozenset({meters[-1], whose}), attack)


@dataclass(frozen=True)
class Drift:
    share: float = 0.5  # of the use that is reported in the end
    ramp_weeks: float = 3.0
    after_weeks: int = 12


@dataclass(frozen=True)
class Mild(Drift):
    share: float = 0.85


@dataclass(frozen=True)
class Sudden(Drift):
    share: float = 0.0
    ramp_weeks: float = 0.0


def drift(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A meter reports less and less of its use."""
    begin, interval_us = start + round(p.after_weeks * WEEK_S * 1e6), round(DAY_S * 1e6)
    meter = rng.choice(meters_of(records)[3:])
    true = energies(records, meter, begin, interval_us)
    week = (np.arange(len(true)) + 1) / 7
    share = 1 - (1 - p.share) * np.clip(week / max(p.ramp_weeks, 0.1), 0, 1)
    both, attack = falsified(records, meter, begin, interval_us, true * share)
    return Injected(both, begin, last_of(both), frozenset({meter}), attack)


@dataclass(frozen=True)
class Constant:
    share: float = 0.6  # of the mean use that is taken off every day
    after_weeks: int = 12


def constant(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A meter reports every day a constant less, but never less than nothing."""
    begin, interval_us = start + round(p.after_weeks * WEEK_S * 1e6), round(DAY_S * 1e6)
    meter = rng.choice(meters_of(records)[3:])
    true = energies(records, meter, begin, interval_us)
    both, attack = falsified(records, meter, begin, interval_us, np.maximum(true - p.share * true.mean(), 0.0))
    return Injected(both, begin, last_of(both), frozenset({meter}), attack)


@dataclass(frozen=True)
class Bypass:
    share: float = 0.3  # of the use that flows past the meter
    after_days: int = 6


@dataclass(frozen=True)
class Most(Bypass):
    share: float = 0.6


def bypass(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A part of the energy of the meter that uses most flows past it; the transformer goes on measuring it."""
    begin, interval_us = start + round(p.after_days * DAY_S * 1e6), 3_600_000_000
    meter = meters_of(records)[-1]
    true = energies(records, meter, begin, interval_us)
    both, attack = falsified(records, meter, begin, interval_us, true * (1 - p.share))
    return Injected(both, begin, last_of(both), frozenset({meter, "T3"}), attack)


#: Falsifications that leave most intervals as they are: neither the agreement with the electrical values nor the use tells.
HARD: Final = frozenset({"cut at 0.6 of the peak", "peaks shaved"})


def _thefts(
    chosen: Callable[[str], bool], params: type = Theft, kind: str = "theft", values: str = "electrical values true"
) -> tuple[Scenario, ...]:
    return tuple(
        Scenario(
            f"{kind}_{name.replace(' ', '_').replace('.', '')}",
            "SG-04",
            f"energy falsified on its way, {values}: {name}",
            READINGS,
            7 * DAY_S,
            partial(theft, transform),
            params,
        )
        for name, transform in TRANSFORMS.items()
        if chosen(name)
    )


QUIET: Final = (REGISTERS, BALANCED)
SCENARIOS: Final = (
    *_thefts(lambda name: name not in HARD),
    Scenario("theft_drift", "SG-04", "half of the use hidden, over three weeks", REGISTERS, 24 * WEEK_S, drift, Drift),
    Scenario("theft_nothing_left", "SG-04", "registers stand still", REGISTERS, 20 * WEEK_S, drift, Sudden),
    Scenario(
        "theft_constant", "SG-04", "60 % of the mean taken off every day", REGISTERS, 24 * WEEK_S, constant, Constant
    ),
    Scenario(
        "transformer_bypass",
        "SG-05",
        "30 % of the largest customer's energy flows past its meter",
        BALANCED,
        14 * DAY_S,
        bypass,
        Bypass,
    ),
    Scenario(
        "transformer_bypass_most",
        "SG-05",
        "60 % of the largest customer's energy flows past its meter",
        BALANCED,
        14 * DAY_S,
        bypass,
        Most,
    ),
)
#: What no detector here finds honestly: what stays true hides the little that is taken, or the theft is within the slack.
EXPERIMENTS: Final = (
    *_thefts(lambda name: name in HARD),
    *_thefts(
        lambda _: True, Consistent, "consistent_theft", "current falsified with it, which nobody promises to find"
    ),
    Scenario(
        "theft_drift_small",
        "SG-04",
        "15 % of the use hidden, within weekly scatter",
        REGISTERS,
        24 * WEEK_S,
        drift,
        Mild,
    ),
)
