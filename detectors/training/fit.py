"""Fit a density to the features of honest meters, and choose the threshold by a budget of false alarms."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from detectors.scoring import field_types
from schemas.types import Schema


@dataclass(frozen=True)
class Fitted:
    """A fitted model.

    Attributes:
        estimator: scikit-learn pipeline with `score_samples`.
        features: feature names, in the order of the matrix.
        threshold: score above which a record is anomalous.
    """

    estimator: Any
    features: tuple[str, ...]
    threshold: float

    def score(self, features: pl.DataFrame) -> pl.Series:
        """Anomaly score of each record: minus the logarithm of the density."""
        return pl.Series("score", -self.estimator.score_samples(features.select(self.features).to_numpy()))


def fit(learn: pl.DataFrame, tune: pl.DataFrame, budget: float, seed: int, components: int = 3) -> Fitted:
    """Fit on some meters, choose the threshold on others.

    Args:
        learn: features of honest records (feature columns beside `meter` and `day`).
        tune: the same of other meters; the threshold is the share `budget` of their days with an alarm.
        budget: false alarms an asset and day.
        seed: of the mixture's start.
        components: Gaussians of the mixture.
    """
    from sklearn.mixture import GaussianMixture
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import RobustScaler

    features = tuple(name for name in learn.columns if name not in ("meter", "day"))
    estimator = make_pipeline(
        RobustScaler(quantile_range=(5.0, 95.0)),
        GaussianMixture(components, reg_covar=1e-3, random_state=seed, max_iter=200),
    )
    estimator.fit(learn.select(features).to_numpy())
    fitted = Fitted(estimator, features, np.inf)
    daily = worst_of_days(tune, fitted.score(tune))
    threshold = float(np.quantile(daily["score"].to_numpy(), 1.0 - budget))
    return Fitted(estimator, features, threshold)


def worst_of_days(features: pl.DataFrame, score: pl.Series) -> pl.DataFrame:
    """The highest score of each meter and day: a day is one alert at most (the detector's episode)."""
    return features.select("meter", "day").with_columns(score).group_by("meter", "day", maintain_order=True).max()


def save(fitted: Fitted, name: str, folder: Path, schema: Schema, fields: set[str], facts: Mapping[str, Any]) -> None:
    """Write `<name>.skops` and its card `<name>.json`.

    Args:
        fitted: the model.
        name: its reference.
        folder: where to.
        schema: record type of its features.
        fields: fields that the features read; the card keeps their types, so that a changed schema is noticed.
        facts: what else the card says: how it was trained and what it reaches.
    """
    from skops.io import dumps

    content = dumps(fitted.estimator)
    card = {
        "name": name,
        "digest": hashlib.sha256(content).hexdigest(),
        "record": schema.name,
        "fields": field_types(schema, fields),
        "features": list(fitted.features),
        "threshold": fitted.threshold,
        **facts,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.skops").write_bytes(content)
    (folder / f"{name}.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
