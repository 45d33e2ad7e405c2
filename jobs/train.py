"""Train the learned detectors: honest meters made from load profiles, or readings of a lake."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from detectors.detector import Detector
from detectors.meter import unusual_reading
from detectors.scoring import MODELS
from detectors.training import evaluate, fit
from detectors.training.features import features_of
from detectors.training.readings import DAY, honest_readings
from schemas.errors import UsageFault

#: Days from a meter's first reading that are not judged: its memories learn.
WARM_DAYS = 28
#: How many meters are attacked, and for how long at most: enough to tell shares by a few per cent.
ATTACKED, ATTACK_DAYS = 48, 42
TRAINED: dict[str, Detector] = {"unusual_reading": unusual_reading.DETECTOR}


def train(
    name: str,
    seed: int,
    budget: float,
    meters: int,
    days: int,
    folder: Path = MODELS,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Train a model on made readings, measure it on other meters in later days, and write it with its card.

    Meters are parted in three: some to learn from, some to set the threshold, some to measure; the first two are seen
    in the first half of the time, the last in the second half.

    Args:
        name: the model.
        seed: of everything that is drawn.
        budget: false alarms an asset and day.
        meters: how many; days: how long.
        folder: where the model goes.
        say: progress.

    Returns:
        The card's facts.

    Raises:
        UsageFault: no such model.
    """
    from ingest.lab.load_profiles import load_profiles
    from ingest.lab.theft import TRANSFORMS

    detector = _detector(name)
    profiles = load_profiles(meters)
    customers = profiles.customers
    honest = honest_readings(
        [profiles.active[c.profile] for c in customers], [c.peak_kw for c in customers], days, seed
    )
    learn, tune, test = (list(range(part, len(customers), 3)) for part in range(3))
    half = WARM_DAYS + (days - WARM_DAYS) // 2

    def features(frame: pl.DataFrame) -> pl.DataFrame:
        day = pl.col("interval") // DAY
        made = features_of(detector, frame.with_columns(day.alias("day")), ("meter", "day"))
        return made.filter(pl.col("day") >= WARM_DAYS)

    say(f"features of {len(customers)} meters, {days} days")
    early = pl.col("day") < half
    fitted = fit.fit(
        features(honest.frame(learn)).filter(early), features(honest.frame(tune)).filter(early), budget, seed
    )
    false_alarms = evaluate.alarms_a_day(fitted, features(honest.frame(test)).filter(~early))
    say(f"false alarms of strangers in later days: {false_alarms:.5f} an asset and day (budget {budget:g})")
    lasts = min(ATTACK_DAYS, days - half)
    victims, until = test[:ATTACKED], honest.until(half + lasts)
    found = evaluate.attacks_found(fitted, until, victims, half, features, false_alarms, seed, TRANSFORMS)
    facts = {
        "trained_on": f"{len(learn)} meters made from SimBench load profiles (detectors/training/readings.py), days "
        f"{WARM_DAYS} to {half}; threshold on {len(tune)} others; measured on {len(test)} others, days {half} to {days}",
        "seed": seed,
        "budget_alarms_per_asset_day": budget,
        "false_alarms_per_asset_day": round(false_alarms, 6),
        "attacked_meters": len(victims),
        "attack_days": lasts,
        "recall": {kind: {a: asdict(f) for a, f in attacks.items()} for kind, attacks in found.items()},
    }
    read = {name for e in _expressions(detector) for name in e.meta.root_names()}
    fit.save(fitted, name, folder, detector.record, read & set(detector.record.names), facts)
    return facts


def _detector(name: str) -> Detector:
    if name not in TRAINED:
        raise UsageFault(f"unknown model {name}", "gridwatch train", f"one of {', '.join(TRAINED)}")
    return TRAINED[name]


def _expressions(detector: Detector) -> list[pl.Expr]:
    from detectors.detector import Model
    from detectors.memory.base import Derived
    from detectors.site import Site

    assert isinstance(detector.kind, Model)
    made = detector.kind.features(detector.params(), Site())
    looked = [v for m in made.memories for v in m.looks_at]
    expressions = [*made.columns.values(), *(v.expr for v in looked if isinstance(v, Derived))]
    return expressions + [pl.col(v) for v in looked if isinstance(v, str)]
