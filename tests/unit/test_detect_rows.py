"""The rows of a bucket as they come from Spark, however much text they hold."""

import pyarrow as pa

from jobs.detect.worker import _records

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
