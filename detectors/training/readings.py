"""Readings of honest meters to learn from, made from load profiles: what a head-end of quarter-hourly meters holds.

A customer's mean power of an interval is its profile times its peak, its own habits and a random spread. The electrical
values stand at the end of the interval and so scatter around the mean: a t distribution of 3 degrees of freedom in the
logarithm, whose scale differs from customer to customer (one year-round household measured by UCI: scale .12, see
the model's card). Customers go away for days; readings are lost, one by one and for days.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]

INTERVAL_S = 900
DAY = 86_400 // INTERVAL_S
START = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Readings:
    """Readings, all arrays of shape (meters, intervals).

    Attributes:
        kwh: energy of each interval.
        voltage_v, current_a, power_factor, frequency_hz: at its end.
        present: False where the head-end lost the reading.
    """

    kwh: Floats
    voltage_v: Floats
    current_a: Floats
    power_factor: Floats
    frequency_hz: Floats
    present: npt.NDArray[np.bool_]

    def with_energy(self, kwh: Floats, consistent: bool) -> "Readings":
        """The same meters reporting `kwh`; current follows where the falsification is electrically consistent."""
        if not consistent:
            return replace(self, kwh=kwh)
        return replace(self, kwh=kwh, current_a=self.current_a * (kwh + 1e-6) / (self.kwh + 1e-6))

    def until(self, day: int) -> "Readings":
        """The readings before a day, counted from 0."""
        return Readings(**{f.name: getattr(self, f.name)[:, : day * DAY] for f in fields(self)})

    def frame(self, meters: Sequence[int]) -> pl.DataFrame:
        """Readings of some meters as meter_reading columns, in time order; `interval` counts from 0."""
        chosen = np.asarray(meters)
        shape = (len(chosen), self.kwh.shape[1])
        number = np.broadcast_to(np.arange(shape[1]), shape)
        register = 1000.0 + np.cumsum(np.round(self.kwh[chosen], 3), axis=1)
        columns: dict[str, npt.NDArray[np.generic]] = {
            "meter": np.broadcast_to(chosen[:, None], shape),
            "interval": number,
            "register_kwh": np.round(register, 3),
            "interval_kwh": np.round(self.kwh[chosen], 3),
            "voltage_v": np.round(self.voltage_v[chosen], 1),
            "current_a": np.round(self.current_a[chosen], 2),
            "power_factor": np.round(self.power_factor[chosen], 3),
            "frequency_hz": np.round(self.frequency_hz[chosen], 3),
        }
        keep = self.present[chosen].T.ravel()
        frame = pl.DataFrame({name: np.ascontiguousarray(values.T).ravel()[keep] for name, values in columns.items()})
        return frame.with_columns(
            pl.format("M{}", "meter").alias("meter"),
            pl.format("T{}", pl.col("meter") // 40).alias("transformer"),
            pl.lit(INTERVAL_S, dtype=pl.Int32).alias("interval_s"),
            (pl.lit(START) + pl.duration(seconds=pl.col("interval") * INTERVAL_S))
            .dt.cast_time_unit("us")
            .alias("time"),
        )


def honest_readings(profiles: Sequence[Floats], peaks_kw: Sequence[float], days: int, seed: int) -> Readings:
    """Readings of honest meters.

    Args:
        profiles: load of each customer over a year relative to its peak, quarter-hourly.
        peaks_kw: peak of each customer.
        days: how many days from the beginning of the profiles.
        seed: of everything that is drawn.
    """
    rng = np.random.default_rng(seed)
    meters, n = len(profiles), days * DAY
    shift = rng.integers(-6, 7, meters)
    share = np.stack([np.roll(profile, s)[:n] for profile, s in zip(profiles, shift, strict=True)])
    spread = rng.uniform(0.1, 0.5, (meters, 1))
    power = share * np.asarray(peaks_kw)[:, None] * rng.uniform(0.5, 1.2, (meters, 1))
    power *= np.exp(spread * rng.standard_normal((meters, n)) - spread**2 / 2)
    standby = rng.uniform(0.02, 0.12, (meters, 1))
    # Away from home: an absence of 2 to 16 days, each about twice in 100 days.
    begins = rng.random((meters, n)) < 0.02 / DAY
    away = np.zeros((meters, n), dtype=np.bool_)
    for meter, at in zip(*np.nonzero(begins), strict=True):
        away[meter, at : at + int(rng.integers(2, 17)) * DAY] = True
    power = np.where(away, standby * (1 + 0.2 * rng.standard_normal((meters, n))), power)
    power = np.clip(power, 0.5 * standby, 30.0)
    present = rng.random((meters, n)) > 0.01
    # Communication fails for up to two days, about once in 50 days.
    for meter, at in zip(*np.nonzero(rng.random((meters, n)) < 0.02 / DAY), strict=True):
        present[meter, at : at + int(np.exp(rng.uniform(0.7, np.log(2 * DAY))))] = False
    scatter = rng.uniform(0.01, 0.2, (meters, 1)) * rng.standard_t(3, (meters, n))
    power_factor = np.clip(rng.uniform(0.85, 0.99, (meters, 1)) + 0.02 * rng.standard_normal((meters, n)), 0.3, 1.0)
    hour = np.arange(n) % DAY / 4
    evening = 0.5 - 0.5 * np.cos((hour - 7) / 24 * 2 * np.pi)
    voltage = rng.uniform(226, 236, (meters, 1)) - 4 * evening + 1.2 * rng.standard_normal((meters, n))
    at_end = power * np.exp(np.clip(scatter, -2, 2))
    frequency = np.broadcast_to(50 + 0.02 * rng.standard_normal(n), (meters, n))
    return Readings(
        kwh=power * (INTERVAL_S / 3600),
        voltage_v=voltage,
        current_a=at_end * 1000 / voltage / power_factor,
        power_factor=power_factor,
        frequency_hz=frequency,
        present=present,
    )
