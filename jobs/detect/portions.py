"""A bucket's rows in portions of bounded size, however much text a batch holds.

A batch is bounded by records; of the largest that are sound it would be thousands of times larger than usual, more than a
worker's memory. Such a bucket goes through the disk: its rows are written as they come, and given back as smaller batches.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.detect.columns import WEIGHT

#: Bytes of the messages of a portion. A usual record has some 150, so a bucket of 800,000 is one portion.
PORTION: Final = 2**27


def portions(batches: Iterable[pa.RecordBatch], most: int = PORTION) -> Iterator[pa.Table]:
    """The rows of a bucket: in one table, or in several where their messages exceed the bound.

    Which row is in which portion depends on the rows alone, not on the order in which Spark brings the topic's partitions: a
    task that is run again does the same again. The rows of a partition come in order, partitions keep step with each other, and
    ticks come last.

    Args:
        batches: in the columns of `jobs.detect.decode`.
        most: bytes of the messages of a portion, which one message may exceed.

    Yields:
        Tables with rows; none where there are no rows.
    """
    kept, weight = list[pa.RecordBatch](), 0
    source = (batch for batch in batches if batch.num_rows)
    for batch in source:
        kept.append(batch)
        weight += pc.sum(batch[WEIGHT]).as_py()
        if weight > most:
            break
    if weight <= most:
        if kept:
            yield pa.Table.from_batches(kept)
        return
    with tempfile.NamedTemporaryFile(dir=_scratch(), prefix="gridwatch-portions-") as file:
        rows = _spill(file.name, kept, source)
        number = _portion_of(rows, most)
        with pa.memory_map(file.name) as mapped:
            spilled = pa.ipc.open_file(mapped)
            for portion in range(number.max() + 1):
                parts, begin = [], 0
                for at in range(spilled.num_record_batches):
                    batch = spilled.get_batch(at)
                    chosen = number[begin : begin + batch.num_rows] == portion
                    if chosen.any():
                        parts.append(batch.filter(pa.array(chosen)))
                    begin += batch.num_rows
                yield pa.Table.from_batches(parts)


def _scratch() -> str | None:
    """The folder that Spark gives its workers for what does not fit into memory."""
    return os.environ.get("SPARK_LOCAL_DIRS", "").partition(",")[0] or None


def _spill(path: str, kept: list[pa.RecordBatch], source: Iterator[pa.RecordBatch]) -> pa.Table:
    """Write all rows to a file; the columns that tell where each belongs."""
    columns, places = ["partition", "offset", WEIGHT], []
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, kept[0].schema) as writer:
        taken = iter(kept)
        kept = []  # what is written is let go
        for batch in chain(taken, source):
            writer.write_batch(batch)
            # A copy: a column of its own would hold on to the memory of all.
            places.append(batch.select(columns).take(pa.array(np.arange(batch.num_rows))))
    return pa.Table.from_batches(places)


def _portion_of(rows: pa.Table, most: int) -> npt.NDArray[np.int64]:
    """The portion of each row, rising from 0 with the share of its partition's rows that it ends."""
    partition = pc.fill_null(rows["partition"], -1).to_numpy()
    offset = pc.fill_null(rows["offset"], -1).to_numpy()
    order = np.lexsort((offset, partition))
    _, first, count = np.unique(partition[order], return_index=True, return_counts=True)
    share = np.empty(len(order))
    share[order] = (np.arange(len(order)) - np.repeat(first, count) + 1) / np.repeat(count, count)
    share[partition < 0] = 2.0
    order = np.lexsort((offset, partition, share))
    number = np.empty(len(order), np.int64)
    number[order] = np.cumsum(rows[WEIGHT].to_numpy()[order]) // most
    # A message larger than a portion skips a number or more.
    return np.unique(number, return_inverse=True)[1]
