"""Meters: how many report under each transformer."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from detectors.learned.learner import Learner
from schemas.records import METER_READING


def gather(frame: pl.DataFrame) -> pl.DataFrame:
    """A row a meter under a transformer."""
    return frame.select("transformer", "meter").unique(maintain_order=True)


def facts(sums: pl.DataFrame) -> Mapping[str, Any]:
    """`baseline.meters`."""
    counts = sums.group_by("transformer").len().sort("transformer")
    return {"baseline": {"meters": dict(counts.iter_rows())}}


def accepted(alert: Mapping[str, Any]) -> Mapping[str, Any]:
    """`baseline.meters` that make an alert of `meter_drift` normal: as many meters as it saw."""
    return {"baseline": {"meters": {alert["entity"]: int(float(str(alert["observed"]).split()[0]))}}}


LEARNER = Learner(METER_READING, gather, lambda frame: frame.unique(maintain_order=True), facts)
