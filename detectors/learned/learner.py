"""What a learner is: it sums up batches of records, and makes site facts of the sums."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from schemas.types import Schema

#: Most different things (requests, objects, identifiers, ...) that are learned of one record type.
MOST = 100_000


@dataclass(frozen=True)
class Learner:
    """One kind of record.

    Args:
        record: the record type.
        gather: records -> a row for each different thing, with counts and extremes.
        combine: several such frames, one below the other -> one.
        facts: the sums -> keys of the site file, nested as there; {} where they say nothing.
    """

    record: Schema
    gather: Callable[[pl.DataFrame], pl.DataFrame]
    combine: Callable[[pl.DataFrame], pl.DataFrame]
    facts: Callable[[pl.DataFrame], Mapping[str, Any]]


def period(by: list[str], where: pl.Expr | None = None) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Per key the number of records, the first and the last time (microseconds), and the median gap of a batch, seconds."""

    def gather(frame: pl.DataFrame) -> pl.DataFrame:
        chosen = frame if where is None else frame.filter(where)
        time = pl.col("time").dt.epoch("us")
        return chosen.group_by(by, maintain_order=True).agg(
            pl.len().cast(pl.Int64).alias("number"),
            time.min().alias("first"),
            time.max().alias("last"),
            (time.diff() * 1e-6).median().alias("gap_s"),
        )

    return gather


def summed(by: list[str]) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Combine what `period` gathered: the gap of the batch with the most records counts."""

    def combine(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.group_by(by, maintain_order=True).agg(
            pl.col("number").sum(),
            pl.col("first").min(),
            pl.col("last").max(),
            pl.col("gap_s").sort_by("number").drop_nulls().last(),
        )

    return combine


def rounded(seconds: float | None) -> float | None:
    """A period as people write it; None where there is none."""
    return None if seconds is None or seconds <= 0 else float(f"{seconds:.3g}")
