"""A bucket's rows in portions of bounded size, however much text a batch holds.

A batch is bounded by records; of the largest that are sound (256 KiB) it would be more than a thousand times larger than usual,
hundreds of gigabytes. Such a bucket goes through the disk: its rows are written as they come, and given back as smaller batches. One
Arrow batch of Spark's is held meanwhile: 2,048 records (`infra.spark`), 512 MiB at most.
"""

import os
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.detect.columns import WEIGHT
from schemas.errors import RunFault

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
        Tables with rows; none where there are no rows. What was yielded should be let go before the next is asked for.

    Raises:
        RunFault: there is no room on the disk.
    """
    kept, weight = deque[pa.RecordBatch](), 0
    source = (batch for batch in batches if batch.num_rows)
    for batch in source:
        kept.append(batch)
        weight += pc.sum(batch[WEIGHT]).as_py() or 0
        del batch
        if weight > most:
            break
    if weight <= most:
        if kept:
            yield pa.Table.from_batches(list(kept))
        return
    folder = _scratch()
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix="gridwatch-portions-") as file:
            number = _portion_of(_spill(file.name, kept, source), most)
            mapped = pa.memory_map(file.name)
        # The file has no name any more: it is gone with this process, however that ends.
    except OSError as wrong:
        raise RunFault(
            f"a large batch cannot be put on disk: {wrong.strerror or wrong}",
            folder or tempfile.gettempdir(),
            "free space there, or name a larger disk (Spark property spark.local.dir)",
        ) from wrong
    with mapped:
        spilled = pa.ipc.open_file(mapped)
        for portion in range(number.max() + 1):
            yield _chosen(spilled, number == portion)


def _chosen(spilled: pa.ipc.RecordBatchFileReader, chosen: npt.NDArray[np.bool_]) -> pa.Table:
    parts, begin = [], 0
    for at in range(spilled.num_record_batches):
        batch = spilled.get_batch(at)
        own = chosen[begin : begin + batch.num_rows]
        if own.any():
            parts.append(batch.filter(pa.array(own)))
        begin += batch.num_rows
    return pa.Table.from_batches(parts)


def _scratch() -> str | None:
    """The folder that Spark gives its workers for what does not fit into memory."""
    return os.environ.get("SPARK_LOCAL_DIRS", "").partition(",")[0] or None


def _spill(path: str, kept: deque[pa.RecordBatch], source: Iterator[pa.RecordBatch]) -> pa.Table:
    """Write all rows to a file, letting go of what is written; the columns that tell where each belongs."""
    columns, places = ["partition", "offset", WEIGHT], []
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, kept[0].schema) as writer:
        while (batch := kept.popleft() if kept else next(source, None)) is not None:
            writer.write_batch(batch)
            # A copy: a column of its own would hold on to the memory of all.
            places.append(batch.select(columns).take(pa.array(np.arange(batch.num_rows))))
            del batch
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
    number[order] = np.cumsum(pc.fill_null(rows[WEIGHT], 0).to_numpy()[order]) // most
    # A message larger than a portion skips a number or more.
    return np.unique(number, return_inverse=True)[1]
