"""Meters on SimBench load profiles under their transformers, as the JSON lines of a head-end.

Time is compressed: every `period_s` of the run each meter reports the next quarter of an hour of the year, with the
run's time. So energy belongs to `interval_s` of simulated time, and the site file of the lab tells the detectors so.
Voltage falls with the load of the transformer, current and power factor follow from power; registers only grow.
"""

import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from ingest.lab.attacks import Injection, Truth, iso, truth_of
from ingest.lab.load_profiles import INTERVAL_S, Profiles
from ingest.lab.pace import Line
from schemas.errors import UsageFault

HEADEND: Final = "headend-1"
NOMINAL_V: Final = 230.0
#: Fall of voltage from no load to the peak of the transformer, share of nominal.
DROP: Final = 0.06
PROFILE: Final = "dlms"
#: Meters that a mass disconnect cuts off.
DISCONNECTED: Final = 30
_REMOTE_DISCONNECT, _REMOTE_CONNECT, _TERMINAL_COVER, _COVER, _COVER_CLOSED = 62, 63, 40, 44, 45
_DAY: Final = 86_400 // INTERVAL_S

Event = dict[str, Any]


@dataclass
class _Meter:
    register_kwh: float
    shift: int  # intervals by which this customer's day is moved
    phase_s: float  # when in the period it reports
    habit: float  # size of this customer, around 1
    factor: float = 1.0  # of the true load that reaches the register
    silent: bool = False


@dataclass
class _Attacks:
    """What goes on at a moment, kept by the generator."""

    waiting: list[Injection]
    running: list[Injection] = field(default_factory=list)


def meter_lines(
    profiles: Profiles, seconds: float, start_us: int, seed: int, plan: list[Injection], period_s: float = 1.0
) -> Iterator[Line[str] | Truth]:
    """The head-end's lines of a run.

    Args:
        profiles: customers and their loads.
        seconds: length of the run.
        start_us: its begin, microseconds since 1970.
        seed: of everything that is drawn.
        plan: attacks.
        period_s: each meter reports once in it.

    Yields:
        JSON lines by time, and truth where an attack begins.

    Raises:
        UsageFault: an attack needs more meters than no other one has touched.
    """
    head_end = _HeadEnd(profiles, start_us, seed, period_s)
    waiting = list(plan)
    for period in range(math.ceil(seconds / period_s)):
        begin = period * period_s
        happening: list[tuple[float, Event]] = []
        while waiting and waiting[0].start_s < begin + period_s:
            injection = waiting.pop(0)
            events, entities = head_end.attack(injection)
            yield truth_of(injection, start_us, entities)
            happening += events
        head_end.plan(happening)
        for at_s, event in head_end.period(period):
            if at_s < seconds:
                yield Line(at_s, json.dumps({"time": iso(start_us + round(at_s * 1e6)), **event}))


class _HeadEnd:
    def __init__(self, profiles: Profiles, start_us: int, seed: int, period_s: float) -> None:
        self._profiles = profiles
        self._random = random.Random(f"{seed} meters")
        self._period_s = period_s
        self._first = self._random.randrange(profiles.length // _DAY - 1) * _DAY + 7 * 4  # seven in the morning
        self._frequency = 50.0
        self._meters = {
            customer.meter: _Meter(
                register_kwh=round(self._random.uniform(500, 40_000), 3),
                shift=self._random.randrange(-3, 4),
                phase_s=(number * 0.618034 % 1.0) * period_s,
                habit=self._random.uniform(0.7, 1.1),
            )
            for number, customer in enumerate(profiles.customers)
        }
        self._order = sorted(profiles.customers, key=lambda c: self._meters[c.meter].phase_s)
        self._peak_kw: dict[str, float] = {}
        for customer in profiles.customers:
            self._peak_kw[customer.transformer] = self._peak_kw.get(customer.transformer, 0.0) + customer.peak_kw
        self._touched: set[str] = set()
        self._planned: list[tuple[float, Event]] = []

    def plan(self, events: list[tuple[float, Event]]) -> None:
        """Take events to come; they appear in their periods."""
        self._planned = sorted([*self._planned, *events], key=lambda event: event[0])

    def period(self, number: int) -> list[tuple[float, Event]]:
        """All that happens in one period, by time."""
        begin, end = number * self._period_s, (number + 1) * self._period_s
        if self._random.random() < 0.08 * self._period_s:
            self.plan([self._routine(begin)])
        out: list[tuple[float, Event]] = []
        self._frequency += 0.2 * (50.0 - self._frequency) + self._random.gauss(0, 0.006)
        interval = self._first + number
        power = {c.meter: self._power(c.meter, c.profile, c.peak_kw, c.peak_kvar, interval) for c in self._order}
        load_kw = dict.fromkeys(self._peak_kw, 0.0)
        for customer in self._order:
            load_kw[customer.transformer] += power[customer.meter][0]
        for customer in self._order:
            meter = self._meters[customer.meter]
            at_s = begin + meter.phase_s
            self._effects_until(at_s, out)
            active, reactive = power[customer.meter]
            active, reactive = active * meter.factor, reactive * meter.factor
            loading = load_kw[customer.transformer] / self._peak_kw[customer.transformer]
            voltage = NOMINAL_V * (1.02 - DROP * loading) + self._random.gauss(0, 0.4)
            energy = round(active * INTERVAL_S / 3600, 3)
            meter.register_kwh = round(meter.register_kwh + energy, 3)
            if meter.silent:
                continue
            apparent = math.hypot(active, reactive)
            reading = {
                "record": "meter_reading",
                "meter": customer.meter,
                "transformer": customer.transformer,
                "register_kwh": meter.register_kwh,
                "interval_kwh": energy,
                "interval_s": INTERVAL_S,
                "voltage_v": round(voltage, 1),
                "current_a": round(apparent * 1000 / voltage, 2),
                "power_factor": round(active / apparent, 3) if apparent > 1e-6 else 1.0,
                "frequency_hz": round(self._frequency, 3),
                "status": 0,
            }
            out.append((at_s, reading))
        self._effects_until(end, out)
        return out

    def _power(self, meter: str, profile: str, peak_kw: float, peak_kvar: float, interval: int) -> tuple[float, float]:
        state = self._meters[meter]
        at = (interval + state.shift) % self._profiles.length
        spread = state.habit * math.exp(self._random.gauss(0, 0.12))
        # A customer draws at least its standby, and never more than its connection.
        active = max(min(float(self._profiles.active[profile][at]) * spread, 1.0) * peak_kw, 0.02)
        reactive = float(self._profiles.reactive[profile][at]) * spread * peak_kvar
        return active, min(max(reactive, 0.0), active)

    def _effects_until(self, end: float, out: list[tuple[float, Event]]) -> None:
        """Let what is planned before `end` happen: to the meters, and as lines."""
        while self._planned and self._planned[0][0] < end:
            at_s, event = self._planned.pop(0)
            effect = event.pop("effect", {})
            meter = self._meters.get(event.get("meter", ""))
            if meter is not None:
                meter.factor = effect.get("factor", meter.factor)
                meter.silent = effect.get("silent", meter.silent)
                meter.register_kwh = round(meter.register_kwh + effect.get("register_kwh", 0.0), 3)
            if "record" in event:
                out.append((at_s, event))

    def _routine(self, begin: float) -> tuple[float, Event]:
        """What an operator does on a quiet day: read one meter, with or without an order; or a meter's clock is set."""
        customer = self._random.choice(self._profiles.customers)
        at_s = begin + self._random.random() * self._period_s
        if self._random.random() < 0.3:
            return at_s, self._event(customer.meter, customer.transformer, 5)
        return at_s, self._command("read", customer.meter, customer.feeder, "svc-reading", "10.20.0.5", None)

    def _event(self, meter: str, transformer: str, code: int, **effect: Any) -> Event:
        return {
            "record": "meter_event",
            "meter": meter,
            "transformer": transformer,
            "profile": PROFILE,
            "code": code,
            "effect": effect,
        }

    def _command(self, command: str, meter: str, feeder: str, operator: str, host: str, order: str | None) -> Event:
        return {
            "record": "headend_command",
            "headend": HEADEND,
            "operator": operator,
            "host": host,
            "meter": meter,
            "feeder": feeder,
            "command": command,
            "work_order": order,
            "result": "done",
        }

    def _require(self, enough: bool, injection: Injection) -> None:
        if not enough:
            raise UsageFault(
                f"too few meters are left for {injection.attack.name}: {len(self._profiles.customers)} in all",
                f"attack at {injection.start_s:g} s",
                "take more meters or fewer attacks: none is attacked twice",
            )

    def attack(self, injection: Injection) -> tuple[list[tuple[float, Event]], dict[str, list[str]]]:
        """The events of an attack, and who takes part."""
        events: list[tuple[float, Event]]
        start, end = injection.start_s, injection.end_s
        free = [customer for customer in self._profiles.customers if customer.meter not in self._touched]
        self._require(len(free) >= (DISCONNECTED if injection.attack.name == "mass_disconnect" else 1), injection)
        if injection.attack.name == "mass_disconnect":
            victims = self._random.sample(free, DISCONNECTED)
            step = (end - start) / len(victims)
            events = []
            for number, victim in enumerate(victims):
                at_s = start + number * step
                order = f"WO-{4000 + number}" if number % 10 == 0 else None
                command = self._command("disconnect", victim.meter, victim.feeder, "j.meyer", "10.20.0.66", order)
                event = self._event(victim.meter, victim.transformer, _REMOTE_DISCONNECT, factor=0.0)
                back = self._event(victim.meter, victim.transformer, _REMOTE_CONNECT, factor=1.0)
                events += [(at_s, command), (at_s + 0.2, event), (end + 15 + 0.1 * number, back)]
            entities = {"headend": [HEADEND], "operator": ["j.meyer"], "meter": [victim.meter for victim in victims]}
        elif injection.attack.name == "register_rollback":
            victim = self._random.choice(free)
            victims = [victim]
            events = [(start, {"meter": victim.meter, "effect": {"register_kwh": -50.0}})]
            entities = {"meter": [victim.meter]}
        elif injection.attack.name == "tamper":
            victim = self._random.choice(free)
            victims = [victim]
            middle = (start + end) / 2
            events = [
                (start, self._event(victim.meter, victim.transformer, _COVER)),
                (middle, self._event(victim.meter, victim.transformer, _TERMINAL_COVER, factor=0.2)),
                (end, self._event(victim.meter, victim.transformer, _COVER_CLOSED)),
            ]
            entities = {"meter": [victim.meter], "transformer": [victim.transformer]}
        else:
            groups: dict[str, list[Any]] = {}
            for customer in free:
                groups.setdefault(customer.transformer, []).append(customer)
            transformer, members = max(groups.items(), key=lambda group: (len(group[1]), group[0]))
            silenced = math.ceil(0.6 * sum(c.transformer == transformer for c in self._profiles.customers))
            self._require(len(members) >= silenced, injection)
            victims = members[:silenced]
            events = [
                (at_s, {"meter": victim.meter, "effect": {"silent": silent}})
                for victim in victims
                for at_s, silent in ((start, True), (end, False))
            ]
            entities = {"transformer": [transformer], "meter": [victim.meter for victim in victims]}
        self._touched |= {victim.meter for victim in victims}
        return sorted(events, key=lambda event: event[0]), entities
