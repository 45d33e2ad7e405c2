"""DNP3: which hosts ask as masters."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from detectors.dnp3 import REQUEST
from detectors.learned.learner import MOST, Learner, period, summed
from schemas.records import DNP3

BY = ["source"]


def facts(sums: pl.DataFrame) -> Mapping[str, Any]:
    """`dnp3.masters`."""
    return {"dnp3": {"masters": sums["source"].unique().sort().head(MOST).to_list()}}


LEARNER = Learner(DNP3, period(BY, REQUEST.expr & pl.col("from_master")), summed(BY), facts)
