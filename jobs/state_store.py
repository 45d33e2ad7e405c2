"""The state of a detection query on any file system: bucket files named by batch, and a manifest a batch.

    <state>/<domain>/query.json             which query this state belongs to
    <state>/<domain>/bucket-003/17.arrow    state of bucket 3 after batch 17: Arrow IPC streams, one a table, one behind the other
    <state>/<domain>/manifest/17.json       which file holds each bucket after batch 17, and the ledger of the query

Batch N reads what manifest N-1 names and writes files of its own name, then its manifest appears in one step: a re-run of N
begins from N-1 again and overwrites. A file that a manifest names and that is missing, of another length or of another checksum
stops the job: a query never starts from empty in silence.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.fs as pafs

from schemas.errors import RunFault

#: Version of this layout.
LAYOUT = 1
#: Manifests kept behind the newest; files that only older ones name are collected.
KEPT = 10
_TABLE = b"table"


@dataclass(frozen=True)
class BucketFile:
    """A bucket's state file: its name below the query's folder, bytes and CRC-32."""

    path: str
    size: int
    crc: int


@dataclass(frozen=True)
class Manifest:
    """The state after a batch.

    Attributes:
        batch: number of the batch.
        buckets: bucket -> its file; a bucket never touched has none.
        ledger: counts since the query began, e.g. decoded.modbus, dead.broken body, alerts.rogue_master.
    """

    batch: int
    buckets: Mapping[int, BucketFile]
    ledger: Mapping[str, int] = field(default_factory=dict)


def open_filesystem(uri: str) -> tuple[pafs.FileSystem, str]:
    """The file system and path of a URI or local path.

    Raises:
        RunFault: no file system serves it.
    """
    try:
        filesystem, path = pafs.FileSystem.from_uri(uri) if "://" in uri else (pafs.LocalFileSystem(), uri)
    except (pa.ArrowException, OSError, ValueError) as wrong:
        raise RunFault(
            f"no file system for the state: {wrong}", uri, "give a path, or a file://, hdfs:// or s3:// URI"
        ) from wrong
    return filesystem, path.rstrip("/")


def write_tables(tables: Mapping[str, pl.DataFrame]) -> pa.Buffer:
    """State tables as Arrow IPC streams, one behind the other, each with its name in the schema's metadata."""
    sink = pa.BufferOutputStream()
    for name in sorted(tables):
        table = tables[name].to_arrow()
        table = table.replace_schema_metadata({_TABLE: name.encode()})
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    return sink.getvalue()


def read_tables(content: pa.Buffer) -> dict[str, pl.DataFrame]:
    """The state tables of a file's content."""
    tables: dict[str, pl.DataFrame] = {}
    source = pa.BufferReader(content)
    while source.tell() < content.size:
        with pa.ipc.open_stream(source) as reader:
            table = reader.read_all()
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        tables[(table.schema.metadata or {})[_TABLE].decode()] = frame
    return tables


class StateStore:
    """The state of one query (one domain).

    Args:
        uri: folder of all queries' state.
        domain: the query.
    """

    def __init__(self, uri: str, domain: str) -> None:
        self.uri, self.domain = uri, domain
        self._fs, root = open_filesystem(uri)
        self._root = f"{root}/{domain}"

    @property
    def where(self) -> str:
        """The query's folder, for people."""
        return f"{self.uri.rstrip('/')}/{self.domain}"

    def bind(self, query: str, buckets: int) -> None:
        """Claim the folder for a query, or check that it is this query's with as many buckets.

        Raises:
            RunFault: it is of another query, another layout or another number of buckets.
        """
        known = self._read_json("query.json")
        if known is None:
            self._write("query.json", json.dumps({"query": query, "buckets": buckets, "layout": LAYOUT}).encode())
            return
        where = f"{self.where}/query.json"
        if known.get("layout") != LAYOUT:
            raise RunFault(
                f"the state has layout {known.get('layout')}, this version reads {LAYOUT}",
                where,
                "run the version that wrote it",
            )
        if known.get("query") != query:
            raise RunFault(
                "the state belongs to another query: checkpoint and state do not go together",
                where,
                "give the state folder of this checkpoint, or a new folder for both",
            )
        if known.get("buckets") != buckets:
            raise RunFault(
                f"the state has {known.get('buckets')} buckets, the job asks for {buckets}",
                where,
                f"stop the job and run `gridwatch state rebucket {buckets}`",
            )

    def manifest(self, batch: int) -> Manifest:
        """The manifest of a batch; batch -1 is the beginning.

        Raises:
            RunFault: it is missing or damaged.
        """
        if batch < 0:
            return Manifest(-1, {})
        found = self._read_json(f"manifest/{batch}.json")
        if found is None:
            raise RunFault(
                f"the state after batch {batch} is missing",
                f"{self.where}/manifest/{batch}.json",
                "restore the state folder, or start anew with an empty checkpoint and state folder",
            )
        try:
            buckets = {int(k): BucketFile(**v) for k, v in found["buckets"].items()}
            return Manifest(int(found["batch"]), buckets, {str(k): int(v) for k, v in found["ledger"].items()})
        except (KeyError, TypeError, ValueError) as wrong:
            raise RunFault(
                f"the manifest of batch {batch} is damaged: {wrong}",
                f"{self.where}/manifest/{batch}.json",
                "restore the state folder",
            ) from wrong

    def batches(self) -> list[int]:
        """Batches with a manifest, rising."""
        files = self._fs.get_file_info(pafs.FileSelector(f"{self._root}/manifest", allow_not_found=True))
        return sorted(
            int(stem)
            for f in files
            if (stem := f.base_name.removesuffix(".json")).isdigit() and f.base_name.endswith(".json")
        )

    def latest(self) -> Manifest:
        """The newest manifest; that of batch -1 where there is none."""
        return self.manifest(max(self.batches(), default=-1))

    def commit(self, manifest: Manifest) -> None:
        """Make a batch's state visible, in one step."""
        text = {
            "batch": manifest.batch,
            "buckets": {str(k): asdict(v) for k, v in sorted(manifest.buckets.items())},
            "ledger": dict(sorted(manifest.ledger.items())),
        }
        self._write(f"manifest/{manifest.batch}.json", json.dumps(text).encode())

    def collect(self, newest: int) -> None:
        """Remove manifests more than `KEPT` behind the newest, and bucket files that none of the kept ones names."""
        old = [b for b in self.batches() if b <= newest - KEPT]
        if not old:
            return
        kept = {f.path for b in self.batches() if b > newest - KEPT for f in self.manifest(b).buckets.values()}
        gone = {f.path for b in old for f in self.manifest(b).buckets.values()} - kept
        for path in sorted(gone) + [f"manifest/{b}.json" for b in old]:
            self._delete(path)

    def read(self, file: BucketFile) -> dict[str, pl.DataFrame]:
        """The state tables of a bucket.

        Raises:
            RunFault: the file is missing or damaged.
        """
        where = f"{self.where}/{file.path}"
        remedy = "restore the state folder; nothing was processed"
        try:
            with self._fs.open_input_stream(f"{self._root}/{file.path}") as source:
                content = source.read_buffer()
        except (OSError, pa.ArrowException) as wrong:
            raise RunFault(f"a state file is missing: {wrong}", where, remedy) from wrong
        if content.size != file.size or zlib.crc32(content) != file.crc:
            raise RunFault(
                f"a state file is damaged: {content.size} bytes, expected {file.size} with CRC {file.crc}",
                where,
                remedy,
            )
        try:
            return read_tables(content)
        except (pa.ArrowException, KeyError) as wrong:
            raise RunFault(f"a state file cannot be read: {wrong}", where, remedy) from wrong

    def write(self, bucket: int, batch: int, tables: Mapping[str, pl.DataFrame]) -> BucketFile:
        """Write a bucket's state after a batch; a re-run of the batch overwrites it."""
        content = write_tables(tables)
        path = f"bucket-{bucket:03d}/{batch}.arrow"
        self._write(path, content)
        return BucketFile(path, content.size, zlib.crc32(content))

    def rebind(self, query: str, buckets: int) -> None:
        """Record another number of buckets (`state rebucket`)."""
        self._write("query.json", json.dumps({"query": query, "buckets": buckets, "layout": LAYOUT}).encode())

    def identity(self) -> tuple[str, int] | None:
        """Query id and number of buckets, or None where there is no state."""
        known = self._read_json("query.json")
        return None if known is None else (str(known["query"]), int(known["buckets"]))

    def _read_json(self, path: str) -> dict[str, Any] | None:
        full = f"{self._root}/{path}"
        if self._fs.get_file_info(full).type == pafs.FileType.NotFound:
            return None
        with self._fs.open_input_stream(full) as source:
            content = source.read()
        try:
            found = json.loads(content)
        except ValueError as wrong:
            raise RunFault(
                f"the state is damaged: {wrong}", f"{self.where}/{path}", "restore the state folder"
            ) from wrong
        if not isinstance(found, dict):
            raise RunFault(
                "the state is damaged: not a JSON object", f"{self.where}/{path}", "restore the state folder"
            )
        return found

    def _write(self, path: str, content: bytes | pa.Buffer) -> None:
        full = f"{self._root}/{path}"
        if isinstance(self._fs, pafs.LocalFileSystem | pafs.HadoopFileSystem):
            # A file appears whole or not at all: written beside, then renamed.
            self._fs.create_dir(full.rpartition("/")[0], recursive=True)
            beside = f"{full}.{_attempt()}.tmp"
            with self._fs.open_output_stream(beside) as sink:
                sink.write(content)
            self._fs.move(beside, full)
        else:
            # An object store shows an object when its upload is complete.
            with self._fs.open_output_stream(full) as sink:
                sink.write(content)

    def _delete(self, path: str) -> None:
        full = f"{self._root}/{path}"
        if self._fs.get_file_info(full).type != pafs.FileType.NotFound:
            self._fs.delete_file(full)


def _attempt() -> str:
    """A name that two writers at once do not share."""
    import os
    import threading

    return f"{os.getpid()}-{threading.get_ident()}"
