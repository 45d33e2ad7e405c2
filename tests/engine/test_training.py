"""Training: the same seed gives the same model, the budget holds, and a model that does not fit is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from detectors.meter import unusual_reading
from detectors.scoring import MODELS, check_model, load_model
from detectors.training import evaluate, fit
from detectors.training.features import features_of
from detectors.training.readings import DAY, honest_readings
from ingest.lab.theft import TRANSFORMS
from schemas.errors import ConfigFault
from schemas.records import CAM, METER_READING

DAYS, WARM, METERS = 24, 6, 12


@pytest.fixture(scope="module")
def made() -> tuple[fit.Fitted, pl.DataFrame]:
    """A small model and the features of its strangers."""
    hours = np.arange(40 * DAY) % DAY / 4
    profile = 0.1 + 0.3 * np.exp(-((hours - 19) ** 2) / 8) + 0.15 * np.exp(-((hours - 7.5) ** 2) / 3)
    honest = honest_readings([profile] * METERS, [4.0] * METERS, DAYS, seed=3)

    def features(meters: list[int]) -> pl.DataFrame:
        frame = honest.frame(meters).with_columns((pl.col("interval") // DAY).alias("day"))
        return features_of(unusual_reading.DETECTOR, frame, ("meter", "day")).filter(pl.col("day") >= WARM)

    learn, tune, test = (features(list(range(part, METERS, 3))) for part in range(3))
    fitted = fit.fit(learn, tune, budget=0.02, seed=3)
    again = fit.fit(learn, tune, budget=0.02, seed=3)
    assert fitted.threshold == again.threshold and fitted.score(test).equals(again.score(test))
    return fitted, test


def test_features_do_not_hang_on_batches() -> None:
    honest = honest_readings([np.full(40 * DAY, 0.2)] * 3, [4.0] * 3, 3, seed=1)
    frame = honest.frame([0, 1, 2])
    whole = features_of(unusual_reading.DETECTOR, frame, ("meter",))
    assert whole.equals(features_of(unusual_reading.DETECTOR, frame, ("meter",), batch=97))
    assert len(whole) > 400


def test_false_alarms_near_the_budget(made: tuple[fit.Fitted, pl.DataFrame]) -> None:
    fitted, test = made
    # Four strangers for eighteen days: a gross check, the shipped card holds the measured rate.
    assert evaluate.alarms_a_day(fitted, test) <= 0.3


def test_every_falsification_keeps_shape_and_sign() -> None:
    rng = np.random.default_rng(5)
    true = rng.gamma(2.0, 0.1, (6, 7 * DAY))
    for name, transform in TRANSFORMS.items():
        reported = transform(true, np.random.default_rng(5), DAY)
        assert reported.shape == true.shape and (reported >= 0).all() and not np.array_equal(reported, true), name


def test_saved_model_is_the_same(made: tuple[fit.Fitted, pl.DataFrame], tmp_path: Path) -> None:
    fitted, test = made
    fit.save(fitted, "small", tmp_path, METER_READING, {"interval_kwh"}, {"seed": 3})
    loaded = load_model("small", tmp_path)
    matrix = test.select(fitted.features).to_numpy()
    np.testing.assert_allclose(loaded.score(matrix), fitted.score(test).to_numpy(), rtol=1e-9)
    check_model(loaded, METER_READING, fitted.features)
    with pytest.raises(ConfigFault, match="other features"):
        check_model(loaded, METER_READING, fitted.features[1:])
    with pytest.raises(ConfigFault, match="interval_kwh"):
        check_model(loaded, CAM, fitted.features)


@pytest.mark.parametrize("damage", ["card", "model", "gone"])
def test_damaged_model_is_refused(damage: str, tmp_path: Path) -> None:
    for suffix in ("skops", "json"):
        shutil.copy(MODELS / f"unusual_reading.{suffix}", tmp_path)
    card, model = tmp_path / "unusual_reading.json", tmp_path / "unusual_reading.skops"
    if damage == "card":
        card.write_text(json.dumps({**json.loads(card.read_text()), "digest": "0" * 64}))
    elif damage == "model":
        model.write_bytes(model.read_bytes()[:-1])
    else:
        model.unlink()
    with pytest.raises(ConfigFault, match="unusual_reading"):
        load_model("unusual_reading", tmp_path)


def test_shipped_model_is_small_and_says_how_good_it_is() -> None:
    card = json.loads((MODELS / "unusual_reading.json").read_text())
    assert (MODELS / "unusual_reading.skops").stat().st_size < 100_000
    assert card["false_alarms_per_asset_day"] <= 2 * card["budget_alarms_per_asset_day"]
    assert set(card["recall"]["energy only"]) == set(TRANSFORMS)
