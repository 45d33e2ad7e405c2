"""The archive of one topic: what waits for the next roll, and the manifest that decides what counts."""

import fcntl
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from jobs import lake
from schemas.errors import RunFault
from schemas.project.arrow import to_arrow
from schemas.types import Domain, Schema

#: Version of the manifest.
VERSION: Final = 1

#: Columns beside the fields of the contract.
PROVENANCE: Final = (
    pa.field("_partition", pa.int32(), nullable=False, metadata={"says": "Kafka partition"}),
    pa.field("_offset", pa.int64(), nullable=False, metadata={"says": "Kafka offset"}),
    pa.field("_broker", pa.int64(), metadata={"says": "arrival at the broker, microseconds since 1970", "unit": "us"}),
)


def archive_schema(schema: Schema) -> pa.Schema:
    """The columns of a record type in the archive."""
    arrow = to_arrow(schema)
    return pa.schema([*arrow, *PROVENANCE], metadata=arrow.metadata)


@dataclass(frozen=True)
class Arrived:
    """A decoded record and how it arrived; `broker_us` is None where the broker keeps no time."""

    schema: Schema
    fields: Mapping[str, Any]
    partition: int
    offset: int
    broker_us: int | None


@dataclass
class _Waiting:
    """Rows that wait for the next roll, as Arrow: compact, and their size is known."""

    tables: dict[tuple[Schema, str], list[pa.Table]] = field(default_factory=dict)
    rows: int = 0
    bytes: int = 0


class TopicArchive:
    """Holds the topic's lock until `close`.

    Args:
        root: the lake.
        domain: whose topic.
        cluster: id of the Kafka cluster; the offsets of another one mean nothing here.

    Raises:
        RunFault: another process archives this topic, the manifest is damaged or missing, or the lake cannot be written.
    """

    def __init__(self, root: Path, domain: Domain, cluster: str) -> None:
        self._root = root / "telemetry"
        self._domain = domain
        self._cluster = cluster
        self._directory = self._root / lake.partition(domain=domain.value)
        self._manifest = self._root / "_archive" / f"{domain.topic}.json"
        self._waiting = _Waiting()
        self._manifest.parent.mkdir(parents=True, exist_ok=True)
        self._lock = self._manifest.with_suffix(".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.close()
            raise RunFault(
                "another process archives this topic", str(self._manifest), "stop it, or archive another domain"
            ) from error
        self.next: dict[int, int] = self._recover()
        self._rolled = dict(self.next)

    @property
    def rows(self) -> int:
        """Rows that wait for the next roll."""
        return self._waiting.rows

    @property
    def bytes(self) -> int:
        """Their size in memory."""
        return self._waiting.bytes

    @property
    def moved(self) -> bool:
        """True where a roll would change anything."""
        return self.next != self._rolled

    def add(self, records: list[Arrived], positions: Mapping[int, int]) -> None:
        """Take records for the next roll; `positions` is the next offset of each partition behind them."""
        groups: dict[tuple[Schema, str], list[dict[str, Any]]] = {}
        for record in records:
            row = {
                **record.fields,
                "_partition": record.partition,
                "_offset": record.offset,
                "_broker": record.broker_us,
            }
            groups.setdefault((record.schema, _hour(record.broker_us)), []).append(row)
        for (schema, hour), rows in groups.items():
            table = lake.table_of(rows, archive_schema(schema))
            self._waiting.tables.setdefault((schema, hour), []).append(table)
            self._waiting.bytes += table.nbytes
        self._waiting.rows += len(records)
        self.next |= positions

    def roll(self) -> int:
        """Make what waits part of the lake, durably; returns the number of files.

        Raises:
            RunFault: the lake cannot be written.
        """
        if not self.moved:
            return 0
        name = f"part-{self._digest()}.parquet"
        files = []
        try:
            for (schema, hour), tables in self._waiting.tables.items():
                file = self._directory / lake.partition(record=schema.name, hour=hour) / name
                # One row group for all: small ones read slowly.
                whole = pa.concat_tables(tables).combine_chunks()
                lake.write_hidden(lake.hide(file), whole.schema, [whole])
                files.append(file)
            self._decide(files)
            for file in files:
                lake.reveal(lake.hide(file), file)
        except OSError as error:
            raise self._unwritable(error) from error
        self._rolled = dict(self.next)
        self._waiting = _Waiting()
        return len(files)

    def close(self) -> None:
        """Let go of the topic; what waits is not rolled."""
        self._lock.close()

    def _decide(self, files: list[Path]) -> None:
        content = {
            "version": VERSION,
            "topic": self._domain.topic,
            "cluster": self._cluster,
            "next": {str(partition): offset for partition, offset in sorted(self.next.items())},
            "files": [file.relative_to(self._root).as_posix() for file in files],
        }
        lake.write_text(self._manifest, json.dumps(content, indent=1) + "\n")

    def _recover(self) -> dict[int, int]:
        """Finish the last roll, remove what no roll decided on; the offsets to begin at."""
        if not self._manifest.exists():
            if any(self._directory.rglob("*.parquet")):
                raise RunFault(
                    "the lake has telemetry, but the manifest that says how far it goes is missing",
                    str(self._manifest),
                    "bring the manifest back, or move the telemetry away: it would stand in the lake twice",
                )
            manifest: dict[str, Any] = {"cluster": self._cluster, "next": {}, "files": []}
        else:
            manifest = self._read()
        try:
            for relative in manifest["files"]:
                file = self._root / relative
                hidden = lake.hide(file)
                if hidden.exists():
                    lake.reveal(hidden, file)
            if self._directory.exists():
                lake.remove_hidden(self._directory)
        except OSError as error:
            raise self._unwritable(error) from error
        if manifest["cluster"] != self._cluster:
            return {}
        return {int(partition): int(offset) for partition, offset in manifest["next"].items()}

    def _read(self) -> dict[str, Any]:
        remedy = "bring it back from a backup, or move the topic's telemetry and this file away"
        try:
            manifest: dict[str, Any] = json.loads(self._manifest.read_text(encoding="utf-8"))
            if manifest["version"] != VERSION or manifest["topic"] != self._domain.topic:
                raise RunFault("the manifest is of another version or topic", str(self._manifest), remedy)
            if not {"cluster", "next", "files"} <= set(manifest):
                raise KeyError("cluster, next or files")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunFault(f"the manifest is damaged: {error}", str(self._manifest), remedy) from error
        return manifest

    def _digest(self) -> str:
        """Name of a roll: the same offsets give the same name."""
        ranges = [(p, self._rolled.get(p, 0), end) for p, end in sorted(self.next.items())]
        text = repr((self._cluster, self._domain.topic, ranges))
        return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()

    def _unwritable(self, error: OSError) -> RunFault:
        return RunFault(
            f"the lake cannot be written: {error.strerror or error}",
            str(error.filename or self._root),
            "free the disk or correct the rights, then start again",
        )


def _hour(broker_us: int | None) -> str:
    return (
        "unknown" if broker_us is None else datetime.fromtimestamp(broker_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H")
    )
