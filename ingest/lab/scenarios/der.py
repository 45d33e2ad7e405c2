"""Distributed resources and chargers: market events, load management, drivers, volt/var control; mass dispatch, switching to and fro."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario, merged
from ingest.source import Record
from schemas.records import CHARGER_STATUS, DER_COMMAND

INVERTERS: Final = tuple(f"INV{n:03d}" for n in range(120))
BATTERIES: Final = tuple(f"BAT{n:02d}" for n in range(8))
CHARGERS: Final = tuple(f"EVSE{n:03d}" for n in range(90))
CAPACITORS, CHANGERS = ("CAP1", "CAP2"), ("OLTC1", "OLTC2")
DAY_S: Final = 86_400.0


def command(time: int, fleet: str, source: str, device: str, what: str, **fields: object) -> Record:
    """One command, time in microseconds since 1970."""
    return Record(
        DER_COMMAND, {"time": time, "fleet": fleet, "source": source, "device": device, "command": what, **fields}
    )


def status(time: int, charger: str, what: str, power_kw: float | None = None) -> Record:
    """One status of a charger."""
    fields = {"time": time, "fleet": "city-chargers", "charger": charger, "connector": 1, "error": None}
    return Record(CHARGER_STATUS, {**fields, "status": what, "power_kw": power_kw})


def _chargers(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """Cars that come and go; half of the sessions are started by an app; some chargers fail, now and then one is serviced."""
    records = []
    for charger in CHARGERS:
        at = rng.uniform(0, 14_400)
        while at < seconds:
            until = at + rng.lognormvariate(8.3, 0.6)
            if rng.random() < 0.5:
                records.append(command(start + round(at * 1e6), "city-chargers", "app", charger, "start"))
            steps = [
                "preparing",
                "charging",
                *(["suspended_ev"] if rng.random() < 0.4 else []),
                "finishing",
                "available",
            ]
            if rng.random() < 0.01:
                steps[-1] = "faulted"
            times = sorted([at + 2, at + 12, until, until + 40] + [rng.uniform(at + 60, until)] * (len(steps) - 4))
            records += [
                status(start + round(t * 1e6), charger, what, 11.0 if what == "charging" else 0.0)
                for t, what in zip(times, steps, strict=True)
            ]
            at = until + 60 + rng.expovariate(1 / 9000)
    return records


def _dispatch(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """Market events that move the fleet, single corrections without one, batteries that follow a plan, volt/var control."""
    records: list[Record] = []
    at = rng.uniform(600, 3600)
    while at < seconds:
        event, level = f"E{rng.randrange(10**6)}", rng.choice((0.0, -2.0, -4.0))
        for device in rng.sample(INVERTERS, rng.randint(30, len(INVERTERS))):
            time = start + round((at + rng.uniform(0, 20)) * 1e6)
            records.append(
                command(time, "solar-west", "aggregator", device, "setpoint", setpoint_kw=level, event=event)
            )
        at += rng.expovariate(1 / 5400)
    at = 0.0
    while (at := at + rng.expovariate(1 / 600)) < seconds:
        time, level = start + round(at * 1e6), -rng.uniform(1, 5)
        records.append(command(time, "solar-west", "service", rng.choice(INVERTERS), "setpoint", setpoint_kw=level))
    for battery in BATTERIES:
        for slot in range(round(seconds / 900)):
            level, plan = 20.0 if slot // 12 % 2 else -20.0, f"plan-{slot // 96}"
            time = start + round((slot * 900 + rng.uniform(0, 60)) * 1e6)
            records.append(
                command(time, "storage", "scheduler", battery, "setpoint", setpoint_kw=level + rng.random(), event=plan)
            )
    for device, words in [*((c, ("close", "open")) for c in CAPACITORS), *((c, ("raise", "lower")) for c in CHANGERS)]:
        at, up = rng.uniform(0, 3600), 0
        while at < seconds:
            records.append(command(start + round(at * 1e6), "F3", "volt-var", device, words[up]))
            up = 1 - up if words[0] == "close" or rng.random() < 0.5 else up
            at += rng.uniform(1200, 5400)
    return records


def quiet(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """Chargers and dispatch, by time."""
    records = [*_chargers(rng, start, seconds), *_dispatch(rng, start, seconds)]
    records.sort(key=lambda record: record.fields["time"])
    return [record for record in records if start <= record.fields["time"] < start + seconds * 1e6]


_FLEETS: Final = {
    "solar-west": {"devices": len(INVERTERS), "power_kw": 5.0 * len(INVERTERS)},
    "city-chargers": {"devices": len(CHARGERS), "power_kw": 11.0 * len(CHARGERS)},
    "storage": {"devices": len(BATTERIES), "power_kw": 50.0 * len(BATTERIES)},
}
RESOURCES: Final = Quiet(
    "der",
    "120 inverters, 8 batteries, 90 chargers, 4 volt/var devices",
    quiet,
    len(INVERTERS) + len(BATTERIES) + len(CHARGERS) + 4,
    {"resources": {"fleets": _FLEETS}},
)


@dataclass(frozen=True)
class Mass:
    after_s: float = 5400.0
    share: float = 0.3  # of the fleet
    seconds: float = 45.0


def dispatch(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """The aggregator's account sets much of a fleet to full feed-in, without a market event."""
    begin = start + round(p.after_s * 1e6)
    chosen = rng.sample(INVERTERS, round(p.share * len(INVERTERS)))
    forged = [
        command(
            begin + round(i / len(chosen) * p.seconds * 1e6),
            "solar-west",
            "aggregator",
            d,
            "setpoint",
            setpoint_kw=-5.0,
        )
        for i, d in enumerate(chosen)
    ]
    both, attack = merged(records, forged)
    return Injected(both, begin, forged[-1].fields["time"], frozenset({"solar-west", "aggregator"}), attack)


def remote_stop(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A stolen account stops many chargers by remote command, and they stop."""
    begin = start + round(p.after_s * 1e6)
    chosen = rng.sample(CHARGERS, round(p.share * len(CHARGERS)))
    times = {c: begin + round(i / len(chosen) * p.seconds * 1e6) for i, c in enumerate(chosen)}
    forged = [command(time, "city-chargers", "partner-7", c, "stop") for c, time in times.items()]
    both, attack = merged(records, forged)
    return Injected(both, begin, max(times.values()), frozenset({"city-chargers", "partner-7"}), attack)


def blackout(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Chargers that charge go out of service at once, and no log shows a command."""
    begin = start + round(p.after_s * 1e6)
    last = {
        r.fields["charger"]: r.fields["status"]
        for r in records
        if r.schema is CHARGER_STATUS and r.fields["time"] < begin
    }
    busy = sorted(c for c, what in last.items() if what != "faulted")
    chosen = rng.sample(busy, min(len(busy), round(p.share * len(CHARGERS))))
    forged = [status(begin + round(rng.uniform(0, 1) * p.seconds * 1e6), c, "unavailable", 0.0) for c in chosen]
    forged.sort(key=lambda r: r.fields["time"])
    end = begin + round(1800e6)
    calm = [
        r
        for r in records
        if r.schema is not CHARGER_STATUS or r.fields["charger"] not in chosen or not begin <= r.fields["time"] < end
    ]
    both, attack = merged(calm, forged)
    return Injected(both, begin, forged[-1].fields["time"], frozenset({"city-chargers"}), attack)


@dataclass(frozen=True)
class Swing:
    after_s: float = 5400.0
    every_s: float = 150.0
    times: int = 12
    kw: float = 50.0  # of a battery; 0: a capacitor bank


def swing(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A capacitor bank is opened and closed, or a battery swung, every few minutes."""
    begin = start + round(p.after_s * 1e6)
    device = rng.choice(BATTERIES if p.kw else CAPACITORS)
    forged = []
    for i in range(p.times):
        time = begin + round(i * p.every_s * 1e6)
        if p.kw:
            level = p.kw if i % 2 else -p.kw
            forged.append(command(time, "storage", "scheduler", device, "setpoint", setpoint_kw=level))
        else:
            forged.append(command(time, "F3", "volt-var", device, ("open", "close")[i % 2]))
    both, attack = merged(records, forged)
    return Injected(both, begin, forged[-1].fields["time"], frozenset({device}), attack)


@dataclass(frozen=True)
class Capacitor(Swing):
    kw: float = 0.0


def _scenario(name: str, says: str, inject: Callable[..., Injected], params: type) -> Scenario:
    return Scenario(name, "SG-32", says, RESOURCES, 10_800.0, inject, params)


QUIET: Final = (RESOURCES,)
SCENARIOS: Final = (
    _scenario(
        "der_mass_dispatch", "30 % of a fleet set to full feed-in within 45 s, without a market event", dispatch, Mass
    ),
    _scenario("charger_remote_stop", "30 % of the chargers stopped by a stolen account within 45 s", remote_stop, Mass),
    _scenario("charger_blackout", "30 % of the chargers go out of service within 45 s", blackout, Mass),
    _scenario("der_battery_swing", "a battery swung between 50 kW in and out every 150 s", swing, Swing),
    _scenario("der_capacitor_switching", "a capacitor bank switched every 150 s", swing, Capacitor),
)
