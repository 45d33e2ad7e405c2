"""Locality -> bucket, the same in Spark, in files and in `state rebucket`."""

import zlib

import numpy as np
import polars as pl


def bucket_of(localities: pl.Series, buckets: int) -> pl.Series:
    """CRC-32 of each locality's UTF-8 bytes, modulo the number of buckets."""
    distinct = localities.unique()
    number = [zlib.crc32((name or "").encode()) % buckets for name in distinct]
    return localities.replace_strict(distinct, pl.Series(np.array(number, dtype=np.int32)), return_dtype=pl.Int32)
