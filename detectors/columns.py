"""Polars columns as NumPy arrays and back. Polars plans a query for most methods of a series; in small batches these plans are
most of what a step costs."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Array = npt.NDArray[Any]


def positions(index: Array) -> pl.Series:
    """An index that is not negative, as Polars takes it."""
    return pl.Series(index.astype(np.uint32))


def take(values: pl.Series, index: Array) -> pl.Series:
    """Values at `index`, which is not negative."""
    return values[positions(index)]


def pick(values: pl.Series, index: Array) -> pl.Series:
    """Values at `index`; null where that is negative.

    Not by `Series.set`: it damages structs that hold lists.
    """
    absent = index < 0
    if not absent.any():
        return take(values, index)
    return values[positions(index).set(pl.Series(absent), None)]


def filled(values: pl.Series, value: object) -> Array:
    """The values, with `value` for null."""
    return (
        values.to_arrow().fill_null(value).to_numpy(zero_copy_only=False) if values.null_count() else values.to_numpy()
    )


def nan_as_null(values: Array) -> pl.Series:
    """A column of floats, null for NaN."""
    return pl.Series(values, nan_to_null=True)


def present(values: pl.Series) -> npt.NDArray[np.bool_]:
    """True where a value is not null."""
    return np.asarray(values.to_arrow().is_valid()) if values.null_count() else np.ones(len(values), dtype=np.bool_)
