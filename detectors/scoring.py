"""Learned models: loaded once a process, checked by digest, scored over whole batches."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.errors import ConfigFault

MODELS = Path(__file__).parent / "models"

#: Types beyond numpy's and scikit-learn's basic ones that a model file may hold; skops refuses any other.
TRUSTED: tuple[str, ...] = ()


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to score.

    Attributes:
        name: its reference.
        digest: SHA-256 of the model file, as its card says.
        features: feature names, in the order of the matrix.
        threshold: score above which a record is anomalous.
        estimator: scikit-learn estimator with `score_samples` (higher is more normal).
    """

    name: str
    digest: str
    features: tuple[str, ...]
    threshold: float
    estimator: Any

    def score(self, matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Anomaly score of each row (records, features): higher is more anomalous."""
        return -np.asarray(self.estimator.score_samples(matrix), dtype=np.float64)


@cache
def load_model(name: str, folder: Path = MODELS) -> LoadedModel:
    """Load `<name>.skops` and its card `<name>.json`.

    Raises:
        ConfigFault: missing, of another digest than its card says, or holding types that are not trusted.
    """
    from skops.io import load
    from skops.io.exceptions import UntrustedTypesFoundException

    card_file, model_file = folder / f"{name}.json", folder / f"{name}.skops"
    again = f"run `gridwatch train {name}` or restore both files"
    try:
        card = json.loads(card_file.read_text(encoding="utf-8"))
        content = model_file.read_bytes()
    except (OSError, ValueError) as wrong:
        raise ConfigFault(f"model {name} cannot be read: {wrong}", str(card_file), again) from wrong
    digest = hashlib.sha256(content).hexdigest()
    if digest != card.get("digest"):
        raise ConfigFault(f"model {name} is not the one its card describes", str(model_file), again)
    try:
        estimator = load(model_file, trusted=list(TRUSTED))
    except UntrustedTypesFoundException as wrong:
        raise ConfigFault(f"model {name} holds untrusted types: {wrong}", str(model_file), again) from wrong
    return LoadedModel(name, digest, tuple(card["features"]), float(card["threshold"]), estimator)
