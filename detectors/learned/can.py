"""CAN: identifiers with the length of their data and their period."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from detectors.learned.learner import MOST, Learner, period, rounded, summed
from schemas.records import CAN_FRAME

BY = ["channel", "can_id", "extended", "dlc"]
#: An identifier was heard at least so often: a single broken frame is none.
LEAST = 3


def facts(sums: pl.DataFrame) -> Mapping[str, Any]:
    """`baseline.identifiers`."""
    known = sums.filter(pl.col("number") >= LEAST).sort(BY).head(MOST)
    rows = zip(known.select("channel", "can_id", "extended", length="dlc").to_dicts(), known["gap_s"], strict=True)
    return {
        "baseline": {
            "identifiers": [
                {k: v for k, v in (*row.items(), ("period_s", rounded(gap))) if v is not None and v is not False}
                for row, gap in rows
            ]
        }
    }


LEARNER = Learner(CAN_FRAME, period(BY, ~pl.col("error") & ~pl.col("remote")), summed(BY), facts)
