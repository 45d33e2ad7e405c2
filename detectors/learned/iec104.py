"""IEC 60870-5-104: controlling stations, the commands that they give, and the objects that each station reports."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

import polars as pl

from detectors.learned.learner import MOST, Learner
from schemas.records import IEC104

#: Set-point commands: their values are bounded by what was seen.
SETPOINTS = (48, 49, 50, 61, 62, 63)
BY = ["source", "control", "type_id", "cause", "common_address", "object_address", "select"]


def gather(frame: pl.DataFrame) -> pl.DataFrame:
    """A row a different APDU: STARTDT, reports of objects, commands that were activated."""
    control = (pl.col("control") == "STARTDT act").fill_null(False)
    command = (pl.col("type_id").is_between(45, 127) & pl.col("cause").is_in([5, 6, 8])).fill_null(False)
    report = (pl.col("type_id").is_between(1, 40) & ~pl.col("cause").is_in([44, 45, 46, 47])).fill_null(False)
    return (
        frame.filter(control | command | report)
        .with_columns(pl.when(command).then("cause").otherwise(None).alias("cause"))
        .group_by(BY, maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("number"),
            pl.col("value").min().alias("low"),
            pl.col("value").max().alias("high"),
        )
    )


def combine(frame: pl.DataFrame) -> pl.DataFrame:
    """A row a different APDU, over several batches."""
    return frame.group_by(BY, maintain_order=True).agg(
        pl.col("number").sum(), pl.col("low").min(), pl.col("high").max()
    )


def facts(sums: pl.DataFrame) -> Mapping[str, Any]:
    """`iec104` and `baseline.objects`."""
    sums = sums.sort(BY).head(MOST)
    controls = sums.filter((pl.col("control") == "STARTDT act").fill_null(False) | pl.col("cause").is_not_null())
    commands = sums.filter(pl.col("type_id").is_in([*range(45, 52), *range(58, 65)]) & (pl.col("cause") == 6))
    reports = sums.filter(pl.col("type_id").is_between(1, 40) & pl.col("cause").is_null())
    allowed = []
    keys = ["source", "common_address", "object_address", "type_id"]
    for key, own in commands.group_by(keys, maintain_order=True):
        selects, executes = own["select"].fill_null(False).any(), (~own["select"].fill_null(False)).any()
        allowed.append(
            {
                **dict(zip(keys, key, strict=True)),
                **({"select_before_operate": True} if selects and executes else {}),
                **({"low": own["low"].min(), "high": own["high"].max()} if key[3] in SETPOINTS else {}),
            }
        )
    return {
        "iec104": {"masters": controls["source"].unique().sort().to_list(), "commands": allowed},
        "baseline": {"objects": _runs(reports)},
    }


def _runs(reports: pl.DataFrame) -> list[dict[str, Any]]:
    keys = ["source", "common_address", "type_id"]
    runs = []
    for key, own in reports.group_by(keys, maintain_order=True):
        addresses = own["object_address"].drop_nulls().unique().sort().to_list()
        # Neighbours rise with their position in the list: what is left is the same within a run.
        for _, run in groupby(enumerate(addresses), lambda pair: pair[1] - pair[0]):
            members = [address for _, address in run]
            runs.append({**dict(zip(keys, key, strict=True)), "first": members[0], "last": members[-1]})
    return runs


LEARNER = Learner(IEC104, gather, combine, facts)
