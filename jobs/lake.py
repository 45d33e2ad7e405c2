"""The Parquet lake: files that appear whole, or not at all, in directories any tool reads as partitions.

A file is written beside its place under a hidden name, flushed to the disk, and renamed: a reader never sees half a
file, and writing the same file again replaces it.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

#: Prefix of files that are not (yet) part of the lake; Spark, DuckDB, Polars and Arrow pass over hidden files.
HIDDEN: Final = "."

#: Longest value (characters) of a partition directory; file systems bound a name at 255 bytes.
MAX_PARTITION_VALUE: Final = 80


def partition(**values: str) -> Path:
    """The directory of a partition, e.g. `domain=meter/date=2026-03-02`; values are percent-encoded and bounded."""
    return Path(*(f"{name}={quote(value, safe='')[:MAX_PARTITION_VALUE]}" for name, value in values.items()))


def write_parquet(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> int:
    """Write a Parquet file that appears whole.

    Args:
        path: its place; directories are made.
        schema: of every table; its metadata go into the file.
        tables: one row group each, so that memory is bounded by the largest.

    Returns:
        the number of rows.
    """
    hidden = hide(path)
    rows = write_hidden(hidden, schema, tables)
    reveal(hidden, path)
    return rows


def hide(path: Path) -> Path:
    """The name under which a file is written before it appears; the same for every writer of that file."""
    return path.with_name(f"{HIDDEN}{path.name}.tmp")


def write_hidden(hidden: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> int:
    """Write a file and flush it to the disk; it appears with `reveal`. Returns its rows."""
    hidden.parent.mkdir(parents=True, exist_ok=True)
    rows = 0
    with hidden.open("wb") as file:
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for table in tables:
                writer.write_table(table)
                rows += table.num_rows
        file.flush()
        os.fsync(file.fileno())
    return rows


def reveal(hidden: Path, path: Path) -> None:
    """Give a finished file its name, durably."""
    hidden.replace(path)
    sync_directory(path.parent)


def write_text(path: Path, text: str) -> None:
    """Replace a small text file, whole and durably."""
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = hide(path)
    with hidden.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    reveal(hidden, path)


def remove_hidden(root: Path) -> int:
    """Remove what a killed writer left unfinished under a directory; returns how many files that were."""
    removed = 0
    for leftover in root.rglob(f"{HIDDEN}*.tmp"):
        with suppress(FileNotFoundError):
            leftover.unlink()
            removed += 1
    return removed


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def table_of(records: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """Records as a table of exactly this schema; absent optional fields are null."""
    # Column by column: Table.from_pylist takes forty times as long.
    columns = [pa.array([record.get(f.name) for record in records], type=f.type) for f in schema]
    return pa.Table.from_arrays(columns, schema=schema)
