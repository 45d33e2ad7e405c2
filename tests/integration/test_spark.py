"""The Spark session that tests and jobs share: connectors, bounded Avro, one thread a worker."""

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_workers_run_one_thread(spark: "SparkSession") -> None:
    def look(table: pa.Table) -> pa.Table:
        import os

        return pa.table({"threads": [os.environ["POLARS_MAX_THREADS"] + os.environ["OMP_NUM_THREADS"]]})

    rows = spark.range(1).groupBy("id").applyInArrow(look, "threads string").collect()
    assert [row.threads for row in rows] == ["11"]


def test_a_value_that_claims_to_be_huge_is_null_and_allocates_nothing(spark: "SparkSession") -> None:
    from pyspark.sql.avro.functions import from_avro

    # Avro lengths are zig-zag varints: these claim a string of 1 GiB, and one of 2 bytes.
    values = [(bytearray(b"\x80\x80\x80\x80\x08"),), (bytearray(b"\x04ok"),)]
    frame = spark.createDataFrame(values, "value binary")
    decoded = frame.select(from_avro("value", '"string"', {"mode": "PERMISSIVE"}).alias("text"))
    assert [row.text for row in decoded.collect()] == [None, "ok"]


def test_the_session_is_utc_and_silent(spark: "SparkSession") -> None:
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert spark.sparkContext.uiWebUrl is None
