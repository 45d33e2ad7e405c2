"""Learned models: loaded once a process, checked by digest, scored over whole batches."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.errors import ConfigFault
from schemas.types import Scalar, Schema

MODELS = Path(__file__).parent / "models"

#: Records scored at once: what the estimator makes of them stays in the processor's cache.
CHUNK = 16_384

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
        fields: field -> type and unit, as they were when it was trained.
        estimator: scikit-learn estimator with `score_samples` (higher is more normal).
    """

    name: str
    digest: str
    features: tuple[str, ...]
    threshold: float
    fields: Mapping[str, str]
    estimator: Any

    def score(self, matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Anomaly score of each row (records, features): higher is more anomalous."""
        from sklearn import config_context

        parts = [matrix[low : low + CHUNK] for low in range(0, len(matrix), CHUNK)]
        # The engine scores finite features alone, so scikit-learn need not look again.
        with config_context(assume_finite=True, skip_parameter_validation=True):
            return -np.concatenate([self.estimator.score_samples(part) for part in parts], dtype=np.float64)


def field_types(schema: Schema, fields: Iterable[str]) -> dict[str, str]:
    """Type and unit of fields of a schema, as a card keeps them."""

    def text(name: str) -> str:
        kind = schema[name].type
        return f"{kind.value if isinstance(kind, Scalar) else kind} {schema[name].unit}".strip()

    return {name: text(name) for name in sorted(fields) if name in schema}


def check_model(model: LoadedModel, schema: Schema, features: Iterable[str]) -> None:
    """That a model fits the detector that uses it.

    Raises:
        ConfigFault: trained on other features, or on fields that have another type or unit now.
    """
    where, again = f"detectors/models/{model.name}.json", f"run `gridwatch train {model.name}`"
    if set(features) != set(model.features):
        raise ConfigFault(f"model {model.name} was trained on other features", where, again)
    now = field_types(schema, model.fields)
    for name, trained in model.fields.items():
        if now.get(name) != trained:
            raise ConfigFault(
                f"model {model.name} was trained on {name} as {trained}, it is {now.get(name, 'gone')}", where, again
            )


@cache
def load_model(name: str, folder: Path | None = None) -> LoadedModel:
    """Load `<name>.skops` and its card `<name>.json`, from our own models unless a folder is named.

    Ours are found inside an archive too: `spark-submit --py-files` imports a wheel as it is.

    Raises:
        ConfigFault: missing, of another digest than its card says, or holding types that are not trusted.
    """
    from skops.io import loads
    from skops.io.exceptions import UntrustedTypesFoundException

    place = folder or files("detectors") / "models"
    card_file, model_file = place / f"{name}.json", place / f"{name}.skops"
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
        estimator = loads(content, trusted=list(TRUSTED))
    except UntrustedTypesFoundException as wrong:
        raise ConfigFault(f"model {name} holds untrusted types: {wrong}", str(model_file), again) from wrong
    return LoadedModel(name, digest, tuple(card["features"]), float(card["threshold"]), card["fields"], estimator)
