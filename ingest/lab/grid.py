"""The electrical model that every device of the lab's substation reads: a 20 kV busbar with two feeders.

Load follows a profile; voltage falls with it; current follows from power and voltage, so that S = sqrt(3) U I
everywhere. An open breaker carries nothing. The protection trips a breaker whose current exceeds its pick-up setting,
also when somebody writes a wrong one.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

NOMINAL_KV: Final = 20.0
#: Short-circuit power of the busbar (MVA): how far the voltage falls with load.
_STIFFNESS_MVA: Final = 500.0
_TAN_PHI: Final = 0.30
_STEP_S: Final = 0.5
SETPOINT_RANGE: Final = (1950, 2050)  # 10 V
PICKUP_RANGE: Final = (200, 800)  # A


@dataclass
class _Feeder:
    base_mw: float
    phase: float
    closed: bool = True
    pickup_a: int = 400
    energy_kwh: float = 0.0
    noise: float = 0.0
    trip: bool = False


@dataclass(frozen=True)
class Flow:
    """What a bay measures: kV, A, MW, Mvar."""

    voltage_kv: float
    current_a: float
    active_mw: float
    reactive_mvar: float


class Grid:
    """The model; `advance` moves it, everything else reads or commands it.

    Args:
        seed: of loads and noise.
        changed: called with the number of a feeder whose breaker moved.
    """

    def __init__(self, seed: int, changed: Callable[[int], None] = lambda feeder: None) -> None:
        self._random = random.Random(f"{seed} grid")
        self._feeders = [
            _Feeder(self._random.uniform(5.0, 7.0), self._random.uniform(0, 6.28), energy_kwh=1e5 * (n + 1))
            for n in range(2)
        ]
        self._changed = changed
        self._time_s = 0.0
        self.setpoint = 2000  # busbar voltage that the tap changer keeps, 10 V
        self.frequency_hz = 50.0

    def advance(self, to_s: float) -> None:
        """Let the time since the start pass, in steps of half a second: how often this is called changes nothing."""
        while self._time_s + _STEP_S <= to_s:
            self._time_s += _STEP_S
            self.frequency_hz += 0.1 * (50.0 - self.frequency_hz) + self._random.gauss(0, 0.004)
            for number, feeder in enumerate(self._feeders):
                feeder.noise = 0.9 * feeder.noise + self._random.gauss(0, 0.01)
                feeder.energy_kwh += self.flow(number).active_mw * 1000 * _STEP_S / 3600
        self._protect()

    def _load_mw(self, feeder: _Feeder) -> float:
        if not feeder.closed:
            return 0.0
        return feeder.base_mw * (1 + 0.12 * math.sin(self._time_s / 40 + feeder.phase) + feeder.noise)

    @property
    def voltage_kv(self) -> float:
        """Busbar voltage."""
        total = sum(self._load_mw(feeder) for feeder in self._feeders) * math.hypot(1, _TAN_PHI)
        return self.setpoint / 100 * (1 - total / _STIFFNESS_MVA)

    def flow(self, number: int) -> Flow:
        """What the bay of a feeder measures."""
        feeder, voltage = self._feeders[number], self.voltage_kv
        # Load falls with voltage, a little more than linearly.
        active = self._load_mw(feeder) * (voltage / NOMINAL_KV) ** 1.2
        reactive = active * _TAN_PHI
        current = math.hypot(active, reactive) * 1000 / (math.sqrt(3) * voltage)
        return Flow(voltage, current, active, reactive)

    def closed(self, number: int) -> bool:
        """True where the breaker of a feeder is closed."""
        return self._feeders[number].closed

    def tripped(self, number: int) -> bool:
        """True where the protection opened it."""
        return self._feeders[number].trip

    def energy_kwh(self, number: int) -> int:
        """Energy register of a bay."""
        return int(self._feeders[number].energy_kwh)

    def pickup_a(self, number: int) -> int:
        """Pick-up current of a feeder's protection."""
        return self._feeders[number].pickup_a

    def set_pickup(self, number: int, amperes: int) -> None:
        """Set it; the protection acts at once."""
        self._feeders[number].pickup_a = amperes
        self._protect()

    def switch(self, number: int, closed: bool) -> None:
        """Open or close a breaker."""
        feeder = self._feeders[number]
        feeder.trip = feeder.trip and not closed
        if feeder.closed != closed:
            feeder.closed = closed
            self._changed(number)

    def _protect(self) -> None:
        for number, feeder in enumerate(self._feeders):
            if feeder.closed and self.flow(number).current_a > feeder.pickup_a:
                feeder.trip = True
                self.switch(number, closed=False)
