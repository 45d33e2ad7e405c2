"""Ways to falsify consumption: (true energy, generator, intervals a day) -> reported energy, arrays of shape (meters, intervals).

The usual set of published work on theft and false data (Zheng et al. 2018 and its successors): zero, scaled, cut,
shifted, averaged, reversed, swapped. Learned detectors are measured with them (`jobs.train`), scenarios carry them out.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Transform = Callable[[Floats, np.random.Generator, int], Floats]


def _scale(e: Floats, rng: np.random.Generator) -> Floats:
    return rng.uniform(0.1, 0.8, (len(e), 1)) * e


def _hours(e: Floats, rng: np.random.Generator, day: int) -> Floats:
    """1 inside a span of at least a third of every day, the same for each meter; else 0."""
    begin = rng.integers(0, day // 2, (len(e), 1))
    length = rng.integers(day // 3, day // 2, (len(e), 1))
    at = np.arange(e.shape[1]) % day
    return np.asarray((at >= begin) & (at < begin + length), dtype=np.float64)


def _random_share(e: Floats, rng: np.random.Generator) -> Floats:
    return rng.uniform(0.1, 0.8, e.shape)


def _mean(e: Floats) -> Floats:
    return np.broadcast_to(e.mean(axis=1, keepdims=True), e.shape).copy()


def _reverse_day(e: Floats, day: int) -> Floats:
    return e.reshape(len(e), -1, day)[:, :, ::-1].reshape(e.shape)


def _shave(e: Floats, day: int) -> Floats:
    days = e.reshape(len(e), -1, day)
    limit = 0.7 * days.max(axis=2, keepdims=True)
    cut = np.minimum(days, limit)
    return np.asarray(cut + (days - cut).mean(axis=2, keepdims=True)).reshape(e.shape)


def _on_off(e: Floats, rng: np.random.Generator) -> Floats:
    on = np.repeat(rng.random((len(e), e.shape[1] // 4 + 1)) < 0.5, 4, axis=1)[:, : e.shape[1]]
    return e * on


def _swap(e: Floats) -> Floats:
    other = np.roll(e, 1, axis=0)
    return np.where(e.mean(axis=1, keepdims=True) > other.mean(axis=1, keepdims=True), other, 0.5 * e)


#: Days must be whole, and at least two meters be there to be swapped.
TRANSFORMS: Final[dict[str, Transform]] = {
    "zero": lambda e, rng, day: np.zeros_like(e),
    "scaled": lambda e, rng, day: _scale(e, rng),
    "zero in hours": lambda e, rng, day: e * (1 - _hours(e, rng, day)),
    "random share": lambda e, rng, day: _random_share(e, rng) * e,
    "scaled in hours": lambda e, rng, day: np.where(_hours(e, rng, day) > 0, _scale(e, rng), e),
    "random share of mean": lambda e, rng, day: _random_share(e, rng) * _mean(e),
    "cut at 0.6 of the peak": lambda e, rng, day: np.minimum(e, 0.6 * e.max(axis=1, keepdims=True)),
    "less a constant": lambda e, rng, day: np.maximum(e - 0.5 * e.mean(axis=1, keepdims=True), 0.0),
    "slow ramp": lambda e, rng, day: e * np.linspace(1.0, 0.3, e.shape[1]),
    "mean": lambda e, rng, day: _mean(e),
    "day reversed": lambda e, rng, day: _reverse_day(e, day),
    "peaks shaved": lambda e, rng, day: _shave(e, day),
    "swapped with a smaller one": lambda e, rng, day: _swap(e),
    "random on and off": lambda e, rng, day: _on_off(e, rng),
}
