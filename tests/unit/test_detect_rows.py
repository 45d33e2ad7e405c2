"""The rows of a bucket as they come from Spark, however much text they hold."""

import polars as pl
import pyarrow as pa

from jobs.detect.worker import _arrival, _records

#: Text of a record, bytes; rows of a chunk; chunks: together more than one Arrow array of text can hold (2 GiB).
LENGTH, ROWS, CHUNKS = 2_200, 62_500, 16


def test_more_text_than_one_array_holds() -> None:
    item = pa.list_(pa.struct([("meter", pa.string())]))
    # One chunk's memory, many times over.
    chunk = pa.concat_arrays([pa.array([[{"meter": "m" * LENGTH}]], item)] * ROWS)
    place = {
        "partition": pa.array([0] * ROWS, pa.int32()),
        "offset": pa.array(range(ROWS)),
        "broker": pa.array([1] * ROWS),
    }
    columns = {name: pa.chunked_array([values] * CHUNKS) for name, values in place.items()}
    table = pa.table({**columns, "meter_reading": pa.chunked_array([chunk] * CHUNKS)})
    assert LENGTH * ROWS * CHUNKS > 2**31
    records = _records(table, "meter_reading", "telemetry.meter")
    assert len(records) == ROWS * CHUNKS
    assert records["meter"].str.len_bytes().unique().to_list() == [LENGTH]


def test_alerts_of_several_partitions_are_in_the_order_of_the_brokers_time() -> None:
    """Not so of telemetry: there a locality lies in one partition."""
    place = pl.DataFrame({"partition": [1, 0, 1, 0], "offset": [7, 3, 8, 4], "broker": [20, 10, 30, 30]})
    assert _arrival(place, across=True).to_list() == [1, 0, 3, 2]
    assert _arrival(place, across=False).to_list() == [2**44 + 7, 3, 2**44 + 8, 4]
    one = place.filter(pl.col("partition") == 1)
    assert _arrival(one, across=True).to_list() == _arrival(one, across=False).to_list()
