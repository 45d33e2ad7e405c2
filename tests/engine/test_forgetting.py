"""What the engine forgets, and when."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from detectors.catalog import DETECTORS
from detectors.engine import Engine
from detectors.episodes import EPISODES, SCHEMA
from detectors.forgetting import HEARD, SILENT_US, SLACK_US, forget_episodes, forget_keys, forget_localities, hear
from detectors.grouping import CLOCK
from detectors.key_tables import TIME
from detectors.local import frame, make_engine
from detectors.site import Site
from schemas.records import CAM
from schemas.types import Domain
from tests.engine.examples import filled

LIFETIME = 1_000_000
NOW = 10 * SILENT_US


def keys(*rows: tuple[str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"site": pl.String, "key": pl.String, CLOCK: pl.Int64}, orient="row")


def heard(*rows: tuple[str, int, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"locality": pl.String, "clock": pl.Int64, HEARD: pl.Int64}, orient="row")


def test_a_key_is_forgotten_by_the_newest_record_of_its_locality() -> None:
    old = NOW - LIFETIME - SLACK_US
    rows = keys(("a", "new", NOW), ("a", "old", old), ("a", "kept", old + 1))
    assert forget_keys(rows, heard(("a", NOW, NOW)), LIFETIME)["key"].to_list() == ["new", "kept"]


@pytest.mark.parametrize(("silent", "kept"), [(SILENT_US, ["new", "late"]), (SILENT_US + LIFETIME, ["new"])])
def test_a_locality_whose_clock_is_late_keeps_its_keys_while_it_is_heard(silent: int, kept: list[str]) -> None:
    late = NOW - 3 * SILENT_US
    rows = keys(("a", "new", NOW), ("b", "late", late), ("b", "gone", late - LIFETIME - SLACK_US))
    told = heard(("a", NOW, NOW), ("b", late, NOW - silent))
    assert forget_keys(rows, told, LIFETIME)["key"].to_list() == kept


def test_a_locality_that_nobody_heard_from_is_forgotten() -> None:
    told = heard(("a", NOW, NOW), ("b", NOW, NOW - SILENT_US - LIFETIME))
    assert forget_localities(told, LIFETIME)["locality"].to_list() == ["a"]
    rows = keys(("a", "x", NOW), ("b", "y", 0))
    assert forget_keys(rows, forget_localities(told, LIFETIME), LIFETIME)["key"].to_list() == ["x"]


def test_episodes_are_kept_while_a_hit_can_join_them() -> None:
    late = NOW - 3 * SILENT_US
    rows = pl.DataFrame(
        [("a", "d", "1", NOW - SILENT_US + 1, "x"), ("a", "d", "2", NOW - SILENT_US, "y"), ("b", "d", "1", late, "z")],
        schema=SCHEMA,
        orient="row",
    )
    told = heard(("a", NOW, NOW), ("b", late, NOW))
    assert forget_episodes(rows, told)["alert_id"].to_list() == ["x", "z"]
    assert forget_episodes(rows, heard(("a", NOW, NOW)))["alert_id"].to_list() == ["x"]


def test_files_make_nobody_forget() -> None:
    batch = pl.DataFrame(
        {"site": ["a", "b"], TIME: [1, 2], "_broker": [None, None]}, schema_overrides={"_broker": pl.Int64}
    )
    assert hear(None, {"r": batch}, {"r": "site"}) is None
    both = hear(heard(("a", 5, 6)), {"r": batch.with_columns(pl.Series("_broker", [7, 8]))}, {"r": "site"})
    assert both is not None
    assert both.sort("locality").rows() == [("a", 5, 7), ("b", 2, 8)]


def messages(receiver: str, begin: datetime, positions: Sequence[float], **more: Any) -> list[Mapping[str, Any]]:
    return [
        filled(
            CAM,
            {
                "time": begin + timedelta(seconds=0.5 * i),
                "receiver": receiver,
                "station": "A1",
                "message_count": i,
                "latitude": 48.0 + metres / 111_195,
                "longitude": 11.0,
                **more,
            },
        )
        for i, metres in enumerate(positions)
    ]


def run(engine: Engine, batches: Sequence[Sequence[Mapping[str, Any]]], broker_us: int) -> list[str]:
    """Detectors of the alerts, batch by batch, of records that a broker dated."""
    state, found, arrived = {}, [], 0
    for records in batches:
        batch = frame(CAM, [dict(r) for r in records], range(arrived, arrived + len(records)))
        arrived += len(records)
        outcome = engine.step(state, {CAM.name: batch.with_columns(pl.lit(broker_us + arrived).alias("_broker"))})
        state = outcome.state
        found += outcome.alerts["detector"].to_list() if len(outcome.alerts) else []
    assert EPISODES in state
    return found


@pytest.mark.parametrize("detector", ["position_jump", "impossible_speed"])
def test_a_receiver_whose_clock_is_days_behind_is_watched_like_any_other(detector: str) -> None:
    """In one batch or in many, beside one whose clock is right."""
    now = datetime(2026, 3, 20, tzinfo=UTC)
    broker_us = int(now.timestamp() * 1e6) + 60_000_000
    engine = make_engine(Domain.VEHICLE, [d for d in DETECTORS if d.id == detector], Site())
    late = messages("late", now - timedelta(days=12), [0, 5, 10, 400, 405, 410], speed_ms=160.0, station_type=5)
    right = messages("right", now, [0, 5, 10, 15, 20, 25], speed_ms=10.0, station_type=5)
    mixed = [list(pair) for pair in zip(late, right, strict=True)]
    assert run(engine, [[r for pair in mixed for r in pair]], broker_us) == [detector]
    assert run(engine, mixed, broker_us) == [detector]
    assert run(engine, [[r] for pair in mixed for r in pair], broker_us) == [detector]
