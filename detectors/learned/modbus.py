"""Modbus: masters, engineering hosts, writers, the point map with the range of what was written, and the reads with their periods."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from detectors.learned.learner import MOST, Learner, rounded
from schemas.records import MODBUS

READS = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
WRITES = {5: "coil", 6: "holding", 15: "coil", 16: "holding", 22: "holding", 23: "holding"}
#: Functions that only an engineering host uses: report server id, read device identification.
ENGINEERING = (17, 43)
BY = ["client", "server", "unit", "function", "address", "quantity"]


def gather(frame: pl.DataFrame) -> pl.DataFrame:
    """A row a different request that was not refused."""
    time = pl.col("time").dt.epoch("us")
    written = pl.col("request_values")
    return (
        frame.filter(pl.col("requested") & pl.col("exception").is_null())
        .with_columns(
            pl.when(pl.col("function") == 23).then("write_address").otherwise("address").alias("address"),
            pl.when(pl.col("function").is_in([*WRITES]))
            .then(written.list.len())
            .otherwise("quantity")
            .alias("quantity"),
        )
        .group_by(BY, maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("number"),
            (time.diff() * 1e-6).median().alias("gap_s"),
            written.list.min().min().cast(pl.Int64).alias("low"),
            written.list.max().max().cast(pl.Int64).alias("high"),
        )
    )


def combine(frame: pl.DataFrame) -> pl.DataFrame:
    """A row a different request, over several batches."""
    return frame.group_by(BY, maintain_order=True).agg(
        pl.col("number").sum(),
        pl.col("gap_s").sort_by("number").drop_nulls().last(),
        pl.col("low").min(),
        pl.col("high").max(),
    )


def facts(sums: pl.DataFrame) -> Mapping[str, Any]:
    """`modbus` and `baseline.requests`."""
    sums = sums.sort(BY).head(MOST)
    writes = sums.filter(pl.col("function").is_in([*WRITES]))
    reads = sums.filter(pl.col("function").is_in([*READS]))
    engineers = sums.filter(pl.col("function").is_in(ENGINEERING))["client"].unique().sort().to_list()
    clients = sums["client"].unique().sort().to_list()
    return {
        "modbus": {
            "masters": clients,
            **({"engineering": engineers} if engineers else {}),
            "writers": writes.select("client", "server", "unit").unique().sort("client", "server", "unit").to_dicts(),
            "points": [*_points(reads, False), *_points(writes, True)],
        },
        "baseline": {
            "requests": [
                {k: v for k, v in (*row.items(), ("period_s", rounded(gap))) if v is not None}
                for row, gap in zip(reads.select(BY).to_dicts(), reads["gap_s"], strict=True)
            ]
        },
    }


def _points(requests: pl.DataFrame, writable: bool) -> list[dict[str, Any]]:
    """The ranges of addresses, joined where they touch; of written ones with the extremes of the values."""
    tables = WRITES if writable else READS
    points: list[dict[str, Any]] = []
    for row in (
        requests.filter(pl.col("address").is_not_null()).sort("server", "unit", "function", "address").to_dicts()
    ):
        first = row["address"]
        last = min(first + max(row["quantity"] or 1, 1) - 1, 65_535)
        key = {"server": row["server"], "unit": row["unit"], "table": tables[row["function"]]}
        values = {"low": row["low"], "high": row["high"]} if writable and row["low"] is not None else {}
        before = points[-1] if points else {}
        if all(before.get(k) == v for k, v in key.items()) and first <= before["last"] + 1:
            before["last"] = max(before["last"], last)
            if writable:
                before["low"] = min(before.get("low", 65_535), values.get("low", 0))
                before["high"] = max(before.get("high", 0), values.get("high", 65_535))
        else:
            points.append({**key, "first": first, "last": last, **({"writable": True, **values} if writable else {})})
    return points


LEARNER = Learner(MODBUS, gather, combine, facts)
