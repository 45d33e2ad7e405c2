"""Records from Parquet files: the lake that `archive` writes, or any file with the columns of a record."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingest.source import Item, Record, Refused, capture_name
from schemas.errors import ConfigFault, RunFault
from schemas.records import BY_NAME, TELEMETRY
from schemas.types import Scalar, Schema

if TYPE_CHECKING:
    import pyarrow as pa

#: Rows decoded at a time.
_BATCH: Final = 4_096


def read_parquet(path: Path) -> Iterator[Item]:
    """The records of a Parquet file, in its order and as they were stored, origin included.

    Which record type it holds says the schema's metadata (`record`), or else its columns. Columns that the type does
    not have are passed over; nullable fields may be absent.

    Yields:
        Records, and `Refused` with "missing" (null in a required field) or "damaged Parquet" (nothing after it can
        be read).

    Raises:
        RunFault: it is no sound Parquet file.
        ConfigFault: no record type has these columns, or a column has another type than the field.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise RunFault(f"no sound Parquet file: {str(error)[:200]}", str(path), "write or fetch it again") from error
    with file:
        schema = _record_type(file.schema_arrow, path)
        columns = [name for name in schema.names if name in file.schema_arrow.names]
        batches = file.iter_batches(_BATCH, columns=columns)
        row = 0
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError) as error:
                yield Refused("damaged Parquet", str(error)[:200], capture=capture_name(path), frame=row + 1)
                return
            if batch is None:
                return
            for fields in _rows(batch, schema, path):
                row += 1
                missing = [f.name for f in schema.fields if not f.nullable and fields.get(f.name) is None]
                if missing:
                    content = repr(fields).encode(errors="backslashreplace")
                    yield Refused("missing", f"{schema.name}: {', '.join(missing)}", content, capture_name(path), row)
                else:
                    yield Record(schema, fields)


def _record_type(columns: "pa.Schema", path: Path) -> Schema:
    named = (columns.metadata or {}).get(b"record", b"").decode("utf-8", "replace")
    if named in BY_NAME:
        return BY_NAME[named]
    names = set(columns.names)
    fitting = [s for s in TELEMETRY if all(f.nullable or f.name in names for f in s.fields)]
    if not fitting:
        raise ConfigFault(
            f"no record type has the columns {', '.join(sorted(names))[:200]}",
            str(path),
            "write the file with `gridwatch archive`, or name the columns as in schemas/records",
        )
    # A type whose required fields are a subset of another's also fits the other's files: most columns win.
    return max(fitting, key=lambda s: len(names & set(s.names)))


def _rows(batch: "pa.RecordBatch", schema: Schema, path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow as pa

    from schemas.project.arrow import arrow_type

    arrays = []
    for name in batch.schema.names:
        of = schema[name].type
        try:
            array = batch.column(name).cast(arrow_type(of))
        except pa.ArrowException as error:
            raise ConfigFault(
                f"column {name}: {str(error)[:200]}", str(path), f"store it as {arrow_type(of)}, see schemas/records"
            ) from error
        # Records carry times as microseconds.
        arrays.append(array.cast(pa.int64()) if of is Scalar.TIME else array)
    yield from pa.RecordBatch.from_arrays(arrays, names=batch.schema.names).to_pylist()
