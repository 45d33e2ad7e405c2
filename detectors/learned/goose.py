"""GOOSE: who publishes which control block, with which data set and configuration revision."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from detectors.learned.learner import MOST, Learner
from schemas.records import GOOSE

BY = ["control_block", "source_mac", "appid", "conf_rev", "dataset"]


def gather(frame: pl.DataFrame) -> pl.DataFrame:
    """A row a different publisher and configuration."""
    return frame.group_by(BY, maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("number"),
        pl.col("time").dt.epoch("us").max().alias("last"),
        (pl.col("simulation") | pl.col("needs_commissioning")).any().alias("in_test"),
    )


def combine(frame: pl.DataFrame) -> pl.DataFrame:
    """The same over several batches."""
    return frame.group_by(BY, maintain_order=True).agg(
        pl.col("number").sum(), pl.col("last").max(), pl.col("in_test").any()
    )


def facts(sums: pl.DataFrame) -> Mapping[str, Any]:
    """`goose.publishers`: of each control block the configuration that was heard last."""
    newest = sums.sort("last").group_by("control_block", maintain_order=True).last().sort("control_block").head(MOST)
    keep = [*BY, "in_test"]
    rows = newest.select(keep).to_dicts()
    return {
        "goose": {"publishers": [{k: v for k, v in row.items() if v is not None and v is not False} for row in rows]}
    }


LEARNER = Learner(GOOSE, gather, combine, facts)
