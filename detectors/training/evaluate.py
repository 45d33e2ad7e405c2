"""What a fitted model reaches: false alarms an asset and day, and attacks found by kind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.training.fit import Fitted, worst_of_days
from detectors.training.readings import DAY, Floats, Readings

#: (true energy, generator, intervals a day) -> reported energy, arrays of shape (meters, intervals).
Transform = Callable[[Floats, np.random.Generator, int], Floats]


@dataclass(frozen=True)
class Found:
    """How one attack fared.

    Attributes:
        recall: share of the attacked meters with an alarm while it lasted.
        expected: share that would have an alarm in that time without any attack, by the false alarms measured.
        days: median of days from its begin to the first alarm, of those found.
    """

    recall: float
    expected: float
    days: float | None


def alarms_a_day(fitted: Fitted, features: pl.DataFrame) -> float:
    """Alarms an asset and day."""
    daily = worst_of_days(features, fitted.score(features))
    return float((daily["score"] > fitted.threshold).mean() or 0.0)  # type: ignore[arg-type]


def attacks_found(
    fitted: Fitted,
    honest: Readings,
    meters: Sequence[int],
    first_day: int,
    features: Callable[[pl.DataFrame], pl.DataFrame],
    false_alarms: float,
    seed: int,
    transforms: Mapping[str, Transform],
) -> dict[str, dict[str, Found]]:
    """Attack every meter from `first_day` to the end, in every way, with and without consistent electrical values.

    Args:
        fitted: the model.
        honest: true readings.
        meters: who is attacked; they must be strangers to the model.
        first_day: the days before are true, so that the memories know the meter.
        features: readings -> feature frame with `meter` and `day`.
        false_alarms: an asset and day, measured.
        seed: of what the attacks draw.
        transforms: the attacks, by name.

    Returns:
        "energy only" and "electrically consistent" -> attack -> result.
    """
    start = first_day * DAY
    lasts = honest.kwh.shape[1] // DAY - first_day
    expected = 1.0 - (1.0 - false_alarms) ** lasts
    out: dict[str, dict[str, Found]] = {"energy only": {}, "electrically consistent": {}}
    for kind, found in out.items():
        for name, transform in transforms.items():
            rng = np.random.default_rng(seed)
            kwh = honest.kwh.copy()
            kwh[meters, start:] = transform(honest.kwh[meters, start:], rng, DAY)
            frame = features(honest.with_energy(kwh, kind == "electrically consistent").frame(meters))
            daily = worst_of_days(frame, fitted.score(frame)).filter(
                (pl.col("day") >= first_day) & (pl.col("score") > fitted.threshold)
            )
            first = daily.group_by("meter").agg(pl.col("day").min() - first_day)["day"]
            days = float(first.median()) if len(first) else None  # type: ignore[arg-type]
            found[name] = Found(round(len(first) / len(meters), 3), round(expected, 3), days)
    return out
