"""Commands of a meter head-end: orders of the day as quiet traffic; mass disconnect, load-switch cycling, settings without order."""

import random
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario, merged
from ingest.source import Record
from schemas.records import HEADEND_COMMAND

METERS: Final = 400
HEADEND: Final = "headend-1"


def command(time: int, operator: str, meter: int, what: str, work_order: str | None) -> Record:
    """One command to one meter."""
    return Record(
        HEADEND_COMMAND,
        {
            "time": time,
            "headend": HEADEND,
            "operator": operator,
            "host": "10.1.0.5",
            "meter": f"M{meter:05d}",
            "feeder": f"F{meter % 4}",
            "command": what,
            "work_order": work_order,
            "result": "done",
        },
    )


def quiet(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """Reads on demand, move-outs and move-ins with orders, a configuration roll-out, now and then an order that got lost."""
    records = []
    at = 0.0
    while (at := at + rng.expovariate(1 / 60)) < seconds:
        time, meter = start + round(at * 1e6), rng.randrange(METERS)
        operator = rng.choice(("anna", "ben", "roll-out"))
        what = rng.choices(("read", "disconnect", "connect", "configure"), (70, 4, 6, 20))[0]
        order = None if what == "read" or rng.random() < 0.02 else f"W{rng.randrange(10**6):06d}"
        records.append(command(time, operator, meter, what, order))
    return records


COMMANDS: Final = Quiet(
    "headend_commands",
    "a day's orders of a head-end",
    quiet,
    METERS,
    {"meters": {"feeders": {f"F{i}": 100 for i in range(4)}}},
)


@dataclass(frozen=True)
class MassDisconnect:
    meters: int = 200
    seconds: float = 300.0
    ordered: float = 0.1  # share with a work order


def mass_disconnect(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """One valid account disconnects many meters."""
    begin = start + round(600e6)
    forged = [
        command(
            begin + round(i / p.meters * p.seconds * 1e6),
            "ben",
            meter,
            "disconnect",
            f"W{rng.randrange(10**6):06d}" if rng.random() < p.ordered else None,
        )
        for i, meter in enumerate(rng.sample(range(METERS), p.meters))
    ]
    both, attack = merged(records, forged)
    return Injected(both, begin, begin + round(p.seconds * 1e6), frozenset({"ben", HEADEND}), attack)


@dataclass(frozen=True)
class Cycling:
    share: float = 0.15  # of the feeder's meters
    period_s: float = 120.0
    cycles: int = 5


def cycling(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """The same meters of a feeder are opened and closed together."""
    begin = start + round(600e6)
    feeder = [m for m in range(METERS) if m % 4 == 1]
    chosen = rng.sample(feeder, round(p.share * len(feeder)))
    forged = [
        command(begin + round((half * p.period_s / 2 + rng.random() * 5) * 1e6), "ben", meter, what, None)
        for half in range(2 * p.cycles)
        for meter in chosen
        for what in (("disconnect", "connect")[half % 2],)
    ]
    both, attack = merged(records, sorted(forged, key=lambda r: r.fields["time"]))
    entities = frozenset({"ben", HEADEND, *(f"M{meter:05d}" for meter in chosen)})
    return Injected(both, begin, begin + round(p.cycles * p.period_s * 1e6), entities, attack)


@dataclass(frozen=True)
class Settings:
    meters: int = 30
    every_s: float = 10.0


def settings(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Limiters of many meters are set without a work order."""
    begin = start + round(600e6)
    chosen = rng.sample(range(METERS), p.meters)
    forged = [command(begin + round(i * p.every_s * 1e6), "eve", m, "limit", None) for i, m in enumerate(chosen)]
    both, attack = merged(records, forged)
    return Injected(both, begin, begin + round(p.meters * p.every_s * 1e6), frozenset({"eve", HEADEND}), attack)


QUIET: Final = (COMMANDS,)
SCENARIOS: Final = (
    Scenario(
        "mass_disconnect",
        "SG-01",
        "200 disconnects in 5 minutes under a valid account, a tenth with work orders",
        COMMANDS,
        3600.0,
        mass_disconnect,
        MassDisconnect,
    ),
    Scenario(
        "load_switch_cycling",
        "SG-02",
        "15 % of a feeder toggled every 2 minutes, 5 times",
        COMMANDS,
        3600.0,
        cycling,
        Cycling,
    ),
    Scenario(
        "unordered_settings",
        "SG-13",
        "the limiter of 30 meters set without work order",
        COMMANDS,
        3600.0,
        settings,
        Settings,
    ),
)
