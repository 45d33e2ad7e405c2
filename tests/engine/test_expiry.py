"""What the engine forgets, and when."""

import polars as pl
import pytest

from detectors.engine import LAG_US, SLACK_US, _unexpired
from detectors.grouping import CLOCK

LIFETIME = 1_000_000


def table(*rows: tuple[str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"site": pl.String, "key": pl.String, CLOCK: pl.Int64}, orient="row")


def test_a_key_expires_by_the_newest_record_of_its_locality() -> None:
    now = 10 * LAG_US
    old = now - LIFETIME - SLACK_US
    rows = table(("a", "new", now), ("a", "old", old), ("a", "kept", old + 1))
    assert _unexpired(rows, now, LIFETIME)["key"].to_list() == ["new", "kept"]


@pytest.mark.parametrize(("lag", "kept"), [(LAG_US // 2, ["new", "late"]), (LAG_US + LIFETIME, ["new"])])
def test_a_locality_that_lags_keeps_its_keys_up_to_a_bound(lag: int, kept: list[str]) -> None:
    now = 10 * LAG_US
    rows = table(("a", "new", now), ("b", "late", now - lag), ("b", "gone", now - lag - LIFETIME - SLACK_US))
    assert _unexpired(rows, now, LIFETIME)["key"].to_list() == kept
