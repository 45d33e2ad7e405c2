"""MMS: which hosts are clients, and which of them write or control."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from detectors.learned.learner import MOST, Learner
from detectors.mms import ASKS, CHANGES, WRITES, asks
from schemas.records import MMS


def gather(frame: pl.DataFrame) -> pl.DataFrame:
    """A row a client; whether it changes anything."""
    return (
        frame.filter(ASKS)
        .group_by("source", maintain_order=True)
        .agg(pl.len().cast(pl.Int64).alias("number"), (WRITES | asks(*CHANGES)).any().alias("changes"))
    )


def combine(frame: pl.DataFrame) -> pl.DataFrame:
    """The same over several batches."""
    return frame.group_by("source", maintain_order=True).agg(pl.col("number").sum(), pl.col("changes").any())


def facts(sums: pl.DataFrame) -> Mapping[str, Any]:
    """`mms`; no controllers where nobody changed anything: that says nothing of who may."""
    sums = sums.sort("source").head(MOST)
    out = {"clients": sums["source"].to_list()}
    if sums["changes"].any():
        out["controllers"] = sums.filter("changes")["source"].to_list()
    return {"mms": out}


LEARNER = Learner(MMS, gather, combine, facts)
