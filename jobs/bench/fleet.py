"""A fleet of meters whose readings are consistent: registers only grow, voltage, current and power factor make the power.

Quick enough for millions of readings: a round of the whole fleet is a few array operations. A few registers are set
back, at known readings: the only alerts that this traffic should raise.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Columns = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]

#: Meters under one transformer.
PER_TRANSFORMER: Final = 100
#: Seconds between two readings of a meter.
INTERVAL_S: Final = 900
#: Energy by which a register is set back, kWh.
ROLLBACK_KWH: Final = 50.0
#: Readings to one that is set back.
ONE_IN: Final = 50_000


@dataclass
class Fleet:
    """Meters, each with a register, a load of its own and a moment in the interval at which it is read.

    Args:
        meters: how many.
        start_us: begin of the first interval, microseconds since 1970.
        seed: of everything that is drawn.
        interval_s: seconds between two readings of a meter.
        one_in: readings to one register that is set back.
    """

    meters: int
    start_us: int
    seed: int
    interval_s: int = INTERVAL_S
    one_in: int = ONE_IN
    names: npt.NDArray[np.bytes_] = field(init=False, repr=False)
    transformers: npt.NDArray[np.bytes_] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.seed)
        numbers = np.arange(self.meters)
        self.names = _labels(b"M", numbers)
        self.transformers = _labels(b"T", numbers // PER_TRANSFORMER)
        self._register = self._random.uniform(500.0, 40_000.0, self.meters)
        self._base_kw = self._random.gamma(2.0, 0.25, self.meters) + 0.05
        self._power_factor = self._random.uniform(0.93, 0.99, self.meters)
        self._moment_us = self._random.integers(0, self.interval_s * 1_000_000, self.meters)
        self._order = np.argsort(self._moment_us, kind="stable")
        self._round = 0
        self.set_back: list[str] = []

    def round(self) -> Columns:
        """The next reading of every meter, by time."""
        number, self._round = self._round, self._round + 1
        count = self.meters
        hour = (self.start_us / 3.6e9 + number * self.interval_s / 3600) % 24
        # Little at night, a peak in the evening.
        day = 1.0 + 0.5 * np.sin((hour - 13.0) / 24 * 2 * np.pi)
        power_kw = self._base_kw * day * self._random.uniform(0.85, 1.15, count)
        energy = power_kw * self.interval_s / 3600
        self._register += energy
        if number:
            hit = np.flatnonzero(self._random.random(count) < 1 / self.one_in)
            self._set_back(hit)
        voltage = 232.0 - 4.0 * day + self._random.normal(0.0, 0.6, count)
        factor = np.clip(self._power_factor + self._random.normal(0.0, 0.003, count), 0.0, 1.0)
        o = self._order
        time = self.start_us + number * self.interval_s * 1_000_000 + self._moment_us
        return {
            "time": time[o],
            "meter": self.names[o],
            "transformer": self.transformers[o],
            "register_kwh": self._register[o].copy(),
            "interval_kwh": energy[o],
            "interval_s": np.full(count, self.interval_s),
            "voltage_v": voltage[o],
            "current_a": (power_kw * 1000 / (voltage * factor))[o],
            "power_factor": factor[o],
            "frequency_hz": np.full(count, 50.0 + self._random.normal(0.0, 0.01)),
            "status": np.zeros(count, dtype=np.int64),
        }

    def chunks(self, records: int, size: int) -> Iterator[Columns]:
        """`records` readings in all, in chunks of `size`, the last one of what is left."""
        waiting: list[Columns] = []
        held, left = 0, records
        while left > 0:
            while held < min(size, left):
                waiting.append(self.round())
                held += self.meters
            whole = {name: np.concatenate([columns[name] for columns in waiting]) for name in waiting[0]}
            for at in range(0, held, size):
                upto = at + min(size, left)
                if upto > held:
                    break
                yield {name: values[at:upto] for name, values in whole.items()}
                left -= upto - at
                if not left:
                    return
            rest = held - held % size
            waiting, held = [{name: values[rest:] for name, values in whole.items()}], held - rest

    def _set_back(self, hit: npt.NDArray[np.int64]) -> None:
        self._register[hit] -= ROLLBACK_KWH
        self.set_back += [self.names[i].decode() for i in hit]


def _labels(letter: bytes, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.bytes_]:
    digits = np.char.zfill(numbers.astype("S7"), 7)
    return np.char.add(letter, digits)
