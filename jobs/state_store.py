"""The state of a detection query on any file system: bucket files named by batch, and a manifest a batch.

    <state>/<domain>/query.json                      which query this state belongs to
    <state>/<domain>/bucket-003/17-8c5f0a1e.arrow    bucket 3 after batch 17: Arrow IPC streams, one a table, one behind the other
    <state>/<domain>/manifest/17.json                which file holds each bucket after batch 17, and the ledger of the query
    <state>/<domain>/announced/17.json               writers' schemas that batch 17 decoded with, where they became more
    <state>/<domain>/lock                            held by the job that runs (local file systems)

Batch N reads what manifest N-1 names and writes files of its own name, then its manifest appears in one step: a re-run of N
begins from N-1 again and overwrites. A file's name carries its checksum: attempts of one batch, be they retried, speculative
or left over from a driver that was killed, never change a file that another one wrote. A file that a manifest names and that is
missing, of another length or of another checksum stops the job: a query never starts from empty in silence.
"""

import fcntl
import json
import os
import re
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.fs as pafs

from schemas.errors import RunFault

#: Version of this layout.
LAYOUT: Final = 1
#: Manifests kept behind the newest; files that only older ones name are collected. Spark repeats the last batch at most.
KEPT: Final = 10
_TABLE: Final = b"table"


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
        of: number of buckets; 0 before the first batch.
        buckets: bucket -> its file; a bucket never touched has none.
        ledger: counts since the query began, e.g. decoded.modbus, dead.broken body, alerts.rogue_master.
        announced: fingerprints (hex) of the writers' schemas learnt from announcements.
    """

    batch: int
    of: int
    buckets: Mapping[int, BucketFile]
    ledger: Mapping[str, int] = field(default_factory=dict)
    announced: tuple[str, ...] = ()


#: Before the first batch.
BEGINNING: Final = Manifest(-1, 0, {})


def open_filesystem(uri: str) -> tuple[pafs.FileSystem, str]:
    """The file system and path of a URI or local path.

    Raises:
        RunFault: no file system serves it.
    """
    # Hadoop's name for what Arrow calls s3; Spark reads the same setting.
    uri = re.sub("^s3a://", "s3://", uri)
    try:
        filesystem, path = pafs.FileSystem.from_uri(uri) if "://" in uri else (pafs.LocalFileSystem(), uri)
    except (pa.ArrowException, OSError, ValueError) as wrong:
        raise RunFault(
            f"no file system for the state: {wrong}", uri, "give a path, or a file://, hdfs:// or s3a:// URI"
        ) from wrong
    return filesystem, path.rstrip("/")


def write_tables(tables: Mapping[str, pl.DataFrame]) -> pa.Buffer:
    """State tables as Arrow IPC streams, one behind the other, each with its name in the schema's metadata."""
    arrow = [tables[name].to_arrow().replace_schema_metadata({_TABLE: name.encode()}) for name in sorted(tables)]
    # Measured first, which costs nothing: a buffer that grows is copied again and again.
    measured = pa.MockOutputStream()
    _write_streams(measured, arrow)
    content = pa.allocate_buffer(measured.size())
    _write_streams(pa.FixedSizeBufferWriter(content), arrow)
    return content


def _write_streams(sink: pa.NativeFile, tables: Iterable[pa.Table]) -> None:
    for table in tables:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)


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
        self._kept: dict[int, Manifest] | None = None

    @property
    def where(self) -> str:
        """The query's folder, for people."""
        return f"{self.uri.rstrip('/')}/{self.domain}"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep others from changing the state meanwhile.

        Only on a local file system, where the lock ends with its process. On others a second job with the same checkpoint
        is stopped by Spark's log of offsets.

        Raises:
            RunFault: another process holds it.
        """
        if not isinstance(self._fs, pafs.LocalFileSystem):
            yield
            return
        Path(self._root).mkdir(parents=True, exist_ok=True)
        with Path(self._root, "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as taken:
                raise RunFault("the state is in use by a running job", self.where, "stop that job first") from taken
            yield

    def identity(self) -> str | None:
        """The id of the query that the state belongs to; None where there is no state.

        Raises:
            RunFault: it is of another layout, or damaged.
        """
        known = self._read_json("query.json")
        if known is None:
            return None
        if known.get("layout") != LAYOUT:
            raise RunFault(
                f"the state has layout {known.get('layout')}, this version reads {LAYOUT}",
                f"{self.where}/query.json",
                "run the version that wrote it",
            )
        return str(known.get("query"))

    def bind(self, query: str) -> None:
        """Claim the folder for a query, or check that it is this query's.

        Raises:
            RunFault: it is of another query or of another layout.
        """
        known = self.identity()
        if known is None:
            self._write("query.json", json.dumps({"query": query, "layout": LAYOUT}).encode())
        elif known != query:
            raise RunFault(
                "the state belongs to another query: checkpoint and state do not go together",
                f"{self.where}/query.json",
                "give the state folder of this checkpoint, or a new folder for both",
            )

    def manifest(self, batch: int) -> Manifest:
        """The manifest of a batch; batch -1 is the beginning.

        Raises:
            RunFault: it is missing or damaged.
        """
        if batch < 0:
            return BEGINNING
        where = f"{self.where}/manifest/{batch}.json"
        found = self._read_json(f"manifest/{batch}.json")
        if found is None:
            raise RunFault(
                f"the state after batch {batch} is missing",
                where,
                "restore the state folder, or start anew with an empty checkpoint and state folder",
            )
        try:
            return Manifest(
                batch=int(found["batch"]),
                of=int(found["of"]),
                buckets={int(k): BucketFile(**v) for k, v in found["buckets"].items()},
                ledger={str(k): int(v) for k, v in found["ledger"].items()},
                announced=tuple(map(str, found["announced"])),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as wrong:
            raise RunFault(
                f"the manifest of batch {batch} is damaged: {wrong}", where, "restore the state folder"
            ) from wrong

    def batches(self) -> list[int]:
        """Batches with a manifest, rising."""
        files = self._fs.get_file_info(pafs.FileSelector(f"{self._root}/manifest", allow_not_found=True))
        names = [f.base_name.removesuffix(".json") for f in files if f.base_name.endswith(".json")]
        return sorted(int(name) for name in names if name.isdigit())

    def latest(self) -> Manifest:
        """The newest manifest; the beginning where there is none."""
        return self.manifest(max(self.batches(), default=-1))

    def commit(self, manifest: Manifest) -> None:
        """Make a batch's state visible, in one step; then collect what no batch can ask for any more."""
        self.replace(manifest)
        self._collect(manifest)

    def replace(self, manifest: Manifest) -> None:
        """Write a manifest, also in the place of one of the same batch, in one step."""
        text = {
            "batch": manifest.batch,
            "of": manifest.of,
            "buckets": {str(k): asdict(v) for k, v in sorted(manifest.buckets.items())},
            "ledger": dict(sorted(manifest.ledger.items())),
            "announced": sorted(manifest.announced),
        }
        self._write(f"manifest/{manifest.batch}.json", json.dumps(text).encode())

    def announce(self, batch: int, fingerprints: Iterable[str]) -> None:
        """Record, before a batch runs, the announced writers' schemas that it decodes with: a re-run must not know more."""
        self._write(f"announced/{batch}.json", json.dumps({"fingerprints": sorted(fingerprints)}).encode())

    def announced(self, batch: int) -> frozenset[str] | None:
        """What `announce` recorded for a batch, or None."""
        known = self._read_json(f"announced/{batch}.json")
        return None if known is None else frozenset(map(str, known["fingerprints"]))

    def lost(self, manifest: Manifest) -> list[str]:
        """Files of a manifest that are missing or of another length, told in words; their content is not read."""
        files = sorted(manifest.buckets.values(), key=lambda f: f.path)
        infos = self._fs.get_file_info([f"{self._root}/{f.path}" for f in files]) if files else []
        told = []
        for file, info in zip(files, infos, strict=True):
            if info.type == pafs.FileType.NotFound:
                told.append(f"state file {file.path} is missing")
            elif info.size != file.size:
                told.append(f"state file {file.path} has {info.size} bytes, expected {file.size}")
        return told

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
                f"a state file is damaged: {content.size} bytes, expected {file.size} with CRC {file.crc:08x}",
                where,
                remedy,
            )
        try:
            return read_tables(content)
        except (pa.ArrowException, KeyError) as wrong:
            raise RunFault(f"a state file cannot be read: {wrong}", where, remedy) from wrong

    def write(self, bucket: int, batch: int, tables: Mapping[str, pl.DataFrame]) -> BucketFile:
        """Write a bucket's state after a batch.

        Raises:
            RunFault: the file system refuses.
        """
        content = write_tables(tables)
        crc = zlib.crc32(content)
        path = f"bucket-{bucket:03d}/{batch}-{crc:08x}.arrow"
        self._write(path, content)
        return BucketFile(path, content.size, crc)

    def remove_manifests(self, batches: Iterable[int]) -> None:
        """Forget the state after these batches; their files are collected when the job runs again."""
        for batch in batches:
            self._delete(f"manifest/{batch}.json")

    def _collect(self, newest: Manifest) -> None:
        """Remove manifests more than `KEPT` behind the newest, and bucket files that none of the kept ones names."""
        if self._kept is None:
            # Once a start: also what attempts of killed jobs left behind, up to the newest batch.
            self._kept = {b: self.manifest(b) for b in self.batches()}
            named = {f.path for m in self._kept.values() for f in m.buckets.values()}
            for path, batch in self._files():
                if batch <= newest.batch - (KEPT if path.startswith("announced/") else 0) and path not in named:
                    self._delete(path)
        self._kept[newest.batch] = newest
        old = [b for b in self._kept if b <= newest.batch - KEPT]
        gone = {f.path for b in old for f in self._kept.pop(b).buckets.values()}
        gone -= {f.path for m in self._kept.values() for f in m.buckets.values()}
        for path in [*sorted(gone), *(f"manifest/{b}.json" for b in old)]:
            self._delete(path)

    def _files(self) -> Iterator[tuple[str, int]]:
        """Bucket files and announcements with the number of their batch."""
        for info in self._fs.get_file_info(pafs.FileSelector(self._root, allow_not_found=True, recursive=True)):
            folder, _, name = info.path.rpartition("/")
            number = name.partition("-")[0].partition(".")[0]
            kind = folder.rpartition("/")[2]
            draft = kind == "manifest" and name.endswith(".tmp")
            if number.isdigit() and (kind.startswith("bucket-") or kind == "announced" or draft):
                yield f"{kind}/{name}", int(number)

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
        try:
            if isinstance(self._fs, pafs.LocalFileSystem | pafs.HadoopFileSystem):
                # A file appears whole or not at all: written beside, then renamed.
                self._fs.create_dir(full.rpartition("/")[0], recursive=True)
                beside = f"{full}.{os.getpid()}-{threading.get_ident()}.tmp"
                with self._fs.open_output_stream(beside) as sink:
                    sink.write(content)
                if isinstance(self._fs, pafs.HadoopFileSystem):
                    self._delete(path)  # HDFS does not rename onto a file
                self._fs.move(beside, full)
            else:
                # An object store shows an object when its upload is complete.
                with self._fs.open_output_stream(full) as sink:
                    sink.write(content)
        except OSError as wrong:
            raise RunFault(
                f"the state cannot be written: {wrong}", f"{self.where}/{path}", "look at space and access rights"
            ) from wrong

    def _delete(self, path: str) -> None:
        full = f"{self._root}/{path}"
        if self._fs.get_file_info(full).type != pafs.FileType.NotFound:
            self._fs.delete_file(full)
