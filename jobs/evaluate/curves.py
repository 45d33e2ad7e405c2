"""ROC and precision-recall curves of what has a score: the learned model, over meter-days of theft on SimBench load."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import polars as pl

#: Meters of which a third is a stranger to the model, days, and days before the theft begins.
METERS, DAYS, THEFT_DAY = 90, 56, 42
#: Points of a drawn curve at most.
POINTS: Final = 60


def curves(seed: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """The curves of the learned model `unusual_reading`, a line an attack: each meter-day is scored by its worst reading.

    Args:
        seed: of the readings and of the theft.
        say: progress.
    """
    from detectors.meter import unusual_reading
    from detectors.scoring import load_model
    from detectors.training.features import features_of
    from detectors.training.readings import DAY, honest_readings
    from ingest.lab.load_profiles import load_profiles
    from ingest.lab.theft import TRANSFORMS
    from jobs.train import WARM_DAYS

    model = load_model("unusual_reading")
    profiles = load_profiles(METERS)
    customers = profiles.customers
    active = [profiles.active[c.profile] for c in customers]
    honest = honest_readings(active, [c.peak_kw for c in customers], DAYS, seed)
    victims = list(range(2, len(customers), 3))

    def worst(readings: Any) -> pl.Series:
        frame = readings.frame(victims).with_columns((pl.col("interval") // DAY).alias("day"))
        features = features_of(unusual_reading.DETECTOR, frame, ("meter", "day"))
        features = features.filter(pl.col("day") >= max(WARM_DAYS, THEFT_DAY))
        scores = pl.Series("score", model.score(features.select(model.features).to_numpy()))
        return (
            features.select("meter", "day")
            .with_columns(scores)
            .group_by("meter", "day")
            .agg(pl.col("score").max())["score"]
        )

    say("curves of unusual_reading: honest meters")
    quiet = worst(honest).to_numpy()
    out = []
    # At the meter a thief changes what the current says too; who forges the reading on its way may not.
    for kind, consistent in (("energy only", False), ("electrically consistent", True)):
        lines = []
        for name, transform in TRANSFORMS.items():
            kwh = honest.kwh.copy()
            begin = THEFT_DAY * DAY
            kwh[victims, begin:] = transform(honest.kwh[victims, begin:], np.random.default_rng(seed), DAY)
            lines.append(_line(name, quiet, worst(honest.with_energy(kwh, consistent)).to_numpy()))
        say(f"curves of unusual_reading, {kind}: AUC {min(x['auc'] for x in lines)} to {max(x['auc'] for x in lines)}")
        title = f"unusual_reading: worst score of a meter-day, {len(quiet)} honest days; theft {kind}"
        out.append({"name": f"unusual_reading_{kind.replace(' ', '_')}", "title": title, "lines": lines})
    return out


def _line(name: str, quiet: Any, attack: Any) -> dict[str, Any]:
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

    truth = np.concatenate([np.zeros(len(quiet)), np.ones(len(attack))])
    score = np.concatenate([quiet, attack])
    false_rate, true_rate, _ = roc_curve(truth, score)
    precision, recall, _ = precision_recall_curve(truth, score)
    grid = np.linspace(0, 1, POINTS)
    return {
        "name": name,
        "auc": round(float(roc_auc_score(truth, score)), 4),
        "average_precision": round(float(average_precision_score(truth, score)), 4),
        "false_positive_rate": [round(float(x), 4) for x in grid],
        "recall": [round(float(x), 4) for x in np.interp(grid, false_rate, true_rate)],
        "recall_axis": [round(float(x), 4) for x in grid],
        "precision": [round(float(x), 4) for x in np.interp(grid, recall[::-1], precision[::-1])],
    }
