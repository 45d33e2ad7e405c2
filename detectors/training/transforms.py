"""Ways to falsify consumption: (true energy, generator) -> reported energy, arrays of shape (meters, intervals).

The usual set of published work on theft and false data (Zheng et al. 2018 and its successors): zero, scaled, cut,
shifted, averaged, reversed, swapped.
"""

from collections.abc import Callable

import numpy as np

from detectors.training.readings import DAY, Floats

Transform = Callable[[Floats, np.random.Generator], Floats]


def _scale(e: Floats, rng: np.random.Generator) -> Floats:
    return rng.uniform(0.1, 0.8, (len(e), 1)) * e


def _hours(e: Floats, rng: np.random.Generator) -> Floats:
    """True inside a span of at least a third of every day, the same for each meter."""
    begin = rng.integers(0, DAY // 2, (len(e), 1))
    length = rng.integers(DAY // 3, DAY // 2, (len(e), 1))
    at = np.arange(e.shape[1]) % DAY
    return np.asarray((at >= begin) & (at < begin + length), dtype=np.float64)


def _random_share(e: Floats, rng: np.random.Generator) -> Floats:
    return rng.uniform(0.1, 0.8, e.shape)


def _mean(e: Floats) -> Floats:
    return np.broadcast_to(e.mean(axis=1, keepdims=True), e.shape).copy()


def _days(e: Floats) -> Floats:
    return e.reshape(len(e), -1, DAY)


def _reverse_day(e: Floats) -> Floats:
    return _days(e)[:, :, ::-1].reshape(e.shape)


def _shave(e: Floats) -> Floats:
    days = _days(e)
    limit = 0.7 * days.max(axis=2, keepdims=True)
    cut = np.minimum(days, limit)
    return np.asarray(cut + (days - cut).mean(axis=2, keepdims=True)).reshape(e.shape)


def _on_off(e: Floats, rng: np.random.Generator) -> Floats:
    on = np.repeat(rng.random((len(e), e.shape[1] // 4 + 1)) < 0.5, 4, axis=1)[:, : e.shape[1]]
    return e * on


TRANSFORMS: dict[str, Transform] = {
    "zero": lambda e, rng: np.zeros_like(e),
    "scaled": lambda e, rng: _scale(e, rng),
    "zero in hours": lambda e, rng: e * (1 - _hours(e, rng)),
    "random share": lambda e, rng: _random_share(e, rng) * e,
    "scaled in hours": lambda e, rng: np.where(_hours(e, rng) > 0, _scale(e, rng), e),
    "random share of mean": lambda e, rng: _random_share(e, rng) * _mean(e),
    "cut at 0.6 of the peak": lambda e, rng: np.minimum(e, 0.6 * e.max(axis=1, keepdims=True)),
    "less a constant": lambda e, rng: np.maximum(e - 0.5 * e.mean(axis=1, keepdims=True), 0.0),
    "slow ramp": lambda e, rng: e * np.linspace(1.0, 0.3, e.shape[1]),
    "mean": lambda e, rng: _mean(e),
    "day reversed": lambda e, rng: _reverse_day(e),
    "peaks shaved": lambda e, rng: _shave(e),
    "swapped with a smaller one": lambda e, rng: np.where(
        e.mean(axis=1, keepdims=True) > np.roll(e, 1, axis=0).mean(axis=1, keepdims=True),
        np.roll(e, 1, axis=0),
        0.5 * e,
    ),
    "random on and off": lambda e, rng: _on_off(e, rng),
}
