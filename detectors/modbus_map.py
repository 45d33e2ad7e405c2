"""Modbus writes held against a map of ranges: where they go, and what values they bring.

In one look at all writes of a batch: a rule that asks range by range is an expression as long as the map, and planning it took
most of a small batch's time. Source: Modbus Application Protocol V1.1b3, functions 5, 6, 15, 16, 22 and 23.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
import polars as pl

from detectors.columns import Array
from detectors.facts.substation import Points

WRITES: Final = (5, 6, 15, 16, 22, 23)
#: What a write is judged to be.
FITS, OUTSIDE, BEYOND = 0, 1, 2
#: Address at which a request begins to write; null where it was not seen.
START = pl.when(pl.col("function") == 23).then("write_address").otherwise("address").cast(pl.Int64)

#: Pairs of a write and a range that are looked at at once.
MOST: Final = 1_000_000
_ASKED = ("server", "unit", "function", "requested", "address", "write_address", "quantity", "request_values")


def judged_by(writable: Sequence[Points]) -> pl.Expr:
    """`OUTSIDE` for a write that leaves the ranges, `BEYOND` for one with a value outside the limits of a range that it
    touches, `FITS` for all else.

    Args:
        writable: the ranges that may be written.
    """
    names = ("server", "table", "own_unit", "first", "last", "low", "high")
    rows = [(r.server, r.table, r.unit, r.first, r.last, r.low, r.high) for r in writable]
    types = {name: pl.String if name in ("server", "table") else pl.Int64 for name in names}
    ranges = pl.DataFrame(rows, schema=types, orient="row")
    return pl.struct(_ASKED).map_batches(partial(_judge, ranges), pl.Int64, is_elementwise=True)


def _judge(ranges: pl.DataFrame, asked: pl.Series) -> pl.Series:
    given = pl.col("request_values").list.len().cast(pl.Int64)
    many = pl.when(pl.col("function").is_in([5, 6, 22])).then(pl.lit(1)).when(pl.col("function") == 23).then(given)
    # Without values and quantity it is one; a hostile quantity is bounded by the address space.
    count = many.otherwise(pl.coalesce(given, pl.col("quantity").cast(pl.Int64))).fill_null(1).clip(1, 65_536)
    table = pl.when(pl.col("function").is_in([5, 15])).then(pl.lit("coil")).otherwise(pl.lit("holding"))
    every = asked.struct.unnest().with_row_index("row")
    writes = every.filter(pl.col("function").is_in(WRITES)).with_columns(
        START.alias("start"), count.alias("count"), table.alias("table")
    )
    result = np.full(len(asked), FITS, dtype=np.int64)
    # A slice at a time: a flood of writes meets every range of its server.
    for part in writes.iter_slices(max(1, MOST // max(1, len(ranges)))) if len(writes) else ():
        result[part["row"].to_numpy()] = _judge_writes(ranges, part)
    return pl.Series(result)


def _judge_writes(ranges: pl.DataFrame, writes: pl.DataFrame) -> Array:
    """The judgement of each of these writes."""
    low = pl.max_horizontal("start", "first")
    overlap = (pl.min_horizontal(pl.col("start") + pl.col("count") - 1, "last") - low + 1).clip(0)
    met = (
        writes.drop("request_values")
        .join(ranges, on=("server", "table"), how="inner")
        .filter(pl.col("start").is_not_null() & (pl.col("own_unit").is_null() | (pl.col("own_unit") == pl.col("unit"))))
        .with_columns(overlap.alias("overlap"))
        .filter(pl.col("overlap") > 0)
        .join(writes.select("row", "request_values"), on="row", how="left")
    )
    # Without values there is nothing to judge; function 22 sends masks, which are no values.
    own = pl.col("request_values").list.slice((pl.col("first") - pl.col("start")).clip(0), pl.col("overlap"))
    beyond = ((own.list.min() < pl.col("low")) | (own.list.max() > pl.col("high"))).fill_null(False)
    judged = met.group_by("row").agg(
        pl.col("overlap").sum().alias("covered"), ((pl.col("function") != 22) & beyond).any().alias("beyond")
    )
    writes = writes.join(judged, on="row", how="left", maintain_order="left")
    # A request without an address is in no range; a response alone does not always tell the address.
    outside = pl.col("requested") & (pl.col("start").is_null() | (pl.col("covered").fill_null(0) < pl.col("count")))
    code = pl.when(outside).then(OUTSIDE).when(pl.col("beyond").fill_null(False)).then(BEYOND).otherwise(FITS)
    return writes.select(code.alias("code"))["code"].to_numpy()
