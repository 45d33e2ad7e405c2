"""Looking into the state of a detection query, and re-splitting it: what Spark's own state store cannot do."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import polars as pl

from jobs.buckets import bucket_of
from jobs.state_store import BucketFile, Manifest, StateStore
from schemas.errors import RunFault

#: Manifests that are re-split: the newest, and the one before, from which Spark repeats a batch that it has not committed.
RESPLIT: Final = 2
_BUCKET: Final = "_bucket"


def find(store: StateStore, entity: str) -> dict[str, pl.DataFrame]:
    """The rows of every state table that are about an entity: one of their text columns is it.

    Args:
        store: of one query.
        entity: a meter, station, server, site ...

    Raises:
        RunFault: a state file is missing or damaged.
    """
    found: dict[str, list[pl.DataFrame]] = {}
    for _, tables in _contents(store, store.latest()):
        for name, table in tables.items():
            keys = [column for column, kind in table.schema.items() if kind == pl.String]
            rows = table.filter(pl.any_horizontal(pl.col(keys) == entity)) if keys else table.clear()
            if len(rows):
                found.setdefault(name, []).append(rows)
    return {name: pl.concat(parts, how="diagonal_relaxed") for name, parts in sorted(found.items())}


def verify(store: StateStore) -> Iterator[str]:
    """What is wrong with a query's state, one line each: files, their checksums, and rows that lie in a wrong bucket."""
    for batch in store.batches():
        try:
            manifest = store.manifest(batch)
        except RunFault as wrong:
            yield str(wrong)
            continue
        yield from (f"batch {batch}: {line}" for line in store.lost(manifest))
    latest = store.latest()
    for bucket, file in sorted(latest.buckets.items()):
        try:
            tables = store.read(file)
        except RunFault as wrong:
            yield str(wrong)
            continue
        for name, table in tables.items():
            elsewhere = table.filter(bucket_of(table[table.columns[0]], latest.of) != bucket)
            if len(elsewhere):
                where = elsewhere[table.columns[0]][0]
                yield f"{file.path}: {len(elsewhere)} rows of {name} belong to other buckets, the first is of {where}"


def rebucket(store: StateStore, buckets: int, say: Callable[[str], None]) -> bool:
    """Split a query's state anew; True where there was something to do. Interrupted, it is to be run again.

    The manifests appear one by one, each whole: a job that starts in between finds the wrong number of buckets and says so.

    Args:
        store: of one query.
        buckets: the new number.
        say: progress.

    Raises:
        RunFault: a job holds the state, or a file is missing or damaged.
    """
    with store.held():
        kept = store.batches()[-RESPLIT:]
        todo = [m for batch in kept if (m := store.manifest(batch)).of != buckets]
        for manifest in todo:
            say(f"{store.domain}: batch {manifest.batch}, {manifest.of} buckets into {buckets}")
            files = _split(store, manifest, buckets)
            store.replace(replace(manifest, of=buckets, buckets=files))
        if todo:
            # Older ones still have the old number, and nothing asks for them any more.
            store.remove_manifests(batch for batch in store.batches() if batch not in kept)
        return bool(todo)


def _split(store: StateStore, manifest: Manifest, buckets: int) -> dict[int, BucketFile]:
    parts: dict[int, dict[str, list[pl.DataFrame]]] = {}
    for _, tables in _contents(store, manifest):
        for name, table in tables.items():
            own = table.with_columns(bucket_of(table[table.columns[0]], buckets).alias(_BUCKET))
            for (number,), rows in own.group_by(_BUCKET, maintain_order=True):
                parts.setdefault(int(str(number)), {}).setdefault(name, []).append(rows.drop(_BUCKET))
    files = {}
    for bucket, named in sorted(parts.items()):
        tables = {name: pl.concat(rows, how="diagonal_relaxed") for name, rows in named.items()}
        files[bucket] = store.write(bucket, manifest.batch, tables)
    return files


def _contents(store: StateStore, manifest: Manifest) -> Iterator[tuple[int, dict[str, pl.DataFrame]]]:
    for bucket, file in sorted(manifest.buckets.items()):
        yield bucket, store.read(file)
