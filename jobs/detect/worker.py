"""One bucket of a micro-batch in a Python worker: Arrow in, engine, alerts and dead letters out, state written.

Everything here is done again when a task or a batch is re-run: alerts have the same ids, and the state says the same (its bytes, and so
its file's name, may differ with the order in which Spark brings the topic's partitions). What a re-run publishes twice carries the
same ids, and landing makes that invisible.
"""

import gc
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from detectors.catalog import of_domain
from detectors.engine import Engine, Outcome, State
from detectors.local import make_engine
from detectors.site import Site
from ingest.publisher import Broker
from ingest.publisher_confluent import ConfluentPublisher
from jobs.detect.columns import END, PLACE, REFUSED
from jobs.detect.portions import PORTION, portions
from jobs.state_store import BucketFile, StateStore
from schemas.records import ALERT, BY_NAME, DEADLETTER
from schemas.types import Domain

#: What a bucket's call gives back to the driver.
RESULT = "bucket int, path string, size long, crc long, ledger string"
_RESULT = pa.schema(
    [("bucket", pa.int32()), ("path", pa.string()), ("size", pa.int64()), ("crc", pa.int64()), ("ledger", pa.string())]
)


#: Dead letters that are made at once.
LETTERS: Final = 1000


@dataclass(frozen=True)
class Work:
    """What a worker must know of a batch.

    Args:
        domain: the query.
        batch: its number.
        state_uri: folder of the state of all queries.
        files: bucket -> state file after the batch before.
        broker: where alerts and dead letters go.
        site: the site facts as JSON.
        only: ids of the detectors to run; empty for all of the domain.
        portion: bytes of messages that are looked at at once; see `jobs.detect.portions`.
        ticking: False where ticks are to be ignored, because the batch does not hold all that was on the topic by then.
    """

    domain: str
    batch: int
    state_uri: str
    files: Mapping[int, BucketFile]
    broker: Broker
    site: str
    only: tuple[str, ...] = ()
    ticking: bool = True
    portion: int = PORTION

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Run one bucket.

        Args:
            batches: its rows, in the columns of `jobs.detect.decode`.

        Yields:
            One row of `RESULT`; nothing for a bucket without rows.
        """
        bucket: int | None = None
        ledger, notes = Counter[str](), list[str]()
        for table in portions(batches, self.portion):
            buckets = pc.unique(table["bucket"]).to_pylist()
            if bucket is None:
                bucket = buckets[0]
                before = self.files.get(bucket)
                state = first = _load(self, bucket, before)
            # Two buckets in a task would both lose what the other knows: better to stop than to be wrong.
            assert buckets == [bucket], f"a task holds the buckets {bucket} and {buckets}"
            state = _portion(self, state, table, ledger, notes)
            del table  # before the next one is made
        if bucket is not None:
            after = before if _same(first, state) else _store(self, bucket, state)
            told = json.dumps({"counts": ledger, "notes": notes})
            row = [bucket, after and after.path, after and after.size, after and after.crc, told]
            yield from pa.table([[value] for value in row], schema=_RESULT).to_batches()


def _portion(work: Work, state: State, table: pa.Table, ledger: Counter[str], notes: list[str]) -> State:
    """Advance a bucket over a portion of its rows, publish what comes of it, and count it; the new state."""
    topic = Domain(work.domain).topic
    batch: dict[str, pl.DataFrame] = {}
    for name in (n for n in table.column_names if n in BY_NAME):
        records = _records(table, name, topic)
        if len(records):
            batch[name] = records
            ledger[f"decoded.{name}"] += len(records)
    tick = pc.max(table["tick"]).as_py() if work.ticking else None
    outcome = _engine(work.domain, work.site, work.only).step(state, batch, tick, flags=False)
    ledger.update({f"ahead.{name}": count for name, count in outcome.ahead.items()})
    if len(outcome.alerts):
        ledger.update({f"alerts.{name}": n for name, n in outcome.alerts.group_by("detector").len().iter_rows()})
    refused = Counter[str]()
    _publish(work, outcome, _counted(_letters(table, topic), refused))
    ledger.update({f"dead.{reason}": n for reason, n in refused.items()})
    notes += outcome.notes
    return outcome.state


@cache
def _engine(domain: str, site: str, only: tuple[str, ...]) -> Engine:
    facts = Site.model_validate_json(site)
    detectors = of_domain(Domain(domain), facts)
    chosen = [d for d in detectors if d.id in only] if only else detectors
    engine = make_engine(Domain(domain), chosen, facts)
    # Spark has its workers collect garbage after every task. What was imported and loaded until now is none, and looking
    # through all of it costs a tenth of a second, more than the task of a small batch.
    gc.freeze()
    return engine


@cache
def _store_of(uri: str, domain: str) -> StateStore:
    return StateStore(uri, domain)


@cache
def _publisher(broker: tuple[str, tuple[tuple[str, str], ...], float]) -> ConfluentPublisher:
    bootstrap, security, timeout = broker
    return ConfluentPublisher(Broker(bootstrap, dict(security), timeout), lambda: time.time_ns() // 1000)


#: The state that this process wrote or read last, a query and bucket: saves reading it back.
_CACHE: dict[tuple[str, str, int], tuple[BucketFile, State]] = {}


def _load(work: Work, bucket: int, file: BucketFile | None) -> State:
    if file is None:
        return {}
    cached = _CACHE.get((work.state_uri, work.domain, bucket))
    if cached is not None and cached[0] == file:
        return cached[1]
    return _store_of(work.state_uri, work.domain).read(file)


def _store(work: Work, bucket: int, state: State) -> BucketFile:
    file = _store_of(work.state_uri, work.domain).write(bucket, work.batch, state)
    _CACHE[work.state_uri, work.domain, bucket] = file, state
    return file


def _same(before: State, after: State) -> bool:
    """True where a batch changed nothing: the old file goes on serving."""
    return before.keys() == after.keys() and all(before[n] is after[n] or before[n].equals(after[n]) for n in before)


def _publish(work: Work, outcome: Outcome, letters: Iterable[Mapping[str, Any]]) -> None:
    broker = work.broker
    publisher: ConfluentPublisher | None = None
    now = time.time_ns() // 1000
    alerts = ((ALERT, {**alert, "detected": now}) for alert in outcome.alerts.iter_rows(named=True))
    dead = ((DEADLETTER, {**letter, "stage": f"detect {work.domain}"}) for letter in letters)
    for schema, fields in chain(alerts, dead):
        if publisher is None:
            publisher = _publisher((broker.bootstrap, tuple(sorted(broker.security.items())), broker.timeout_s))
        publisher.publish(schema, fields)
    if publisher is not None:
        publisher.flush()


def _letters(table: pa.Table, topic: str) -> Iterator[dict[str, Any]]:
    """What was refused, as dead letters; a few at a time, since they hold bytes of the messages."""
    place, reasons = _present(table, REFUSED)
    for few in place.append_column("why", reasons).to_batches(LETTERS):
        for where in few.to_pylist():
            why = where["why"]
            yield {
                "time": where["broker"],
                "topic": topic,
                "partition": where["partition"],
                "offset": where["offset"],
                "reason": why["reason"],
                "detail": why["detail"],
                "length": why["length"] or 0,
                "content": why["raw"] or b"",
            }


def _counted(letters: Iterable[dict[str, Any]], counts: Counter[str]) -> Iterator[dict[str, Any]]:
    """The letters, counted by reason as they go."""
    for letter in letters:
        counts[letter["reason"]] += 1
        yield letter


def _records(table: pa.Table, name: str, topic: str) -> pl.DataFrame:
    """The records of one type with the engine's columns."""
    rows, struct = _present(table, name)
    if not rows.num_rows:
        return pl.DataFrame()
    fields = zip(struct.type, struct.flatten(), strict=True)
    arrow = pa.table({f.name: values for f, values in fields if f.name != END})
    frame, place = pl.from_arrow(arrow), pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame)
    assert isinstance(place, pl.DataFrame)
    return frame.with_columns(
        pl.col(pl.Datetime).cast(pl.Datetime("us", "UTC")),
        _arrival(place, BY_NAME[name].across),
        pl.lit(topic).alias("_topic"),
        place["partition"].cast(pl.Int32).alias("_partition"),
        place["offset"].alias("_offset"),
        place["broker"].alias("_broker"),
    )


def _arrival(place: pl.DataFrame, across: bool) -> pl.Series:
    """The order of arrival within a locality, which lies in one partition: partition, then offset."""
    if across and place["partition"].n_unique() > 1:
        # A topic that was not made by us: the broker's time is the order between its partitions.
        order = np.lexsort([place[name].to_numpy() for name in ("offset", "partition", "broker")])
        return pl.Series("_arrival", np.argsort(order))
    return ((place["partition"].cast(pl.Int64) * 2**44) + place["offset"]).alias("_arrival")


def _present(table: pa.Table, name: str) -> tuple[pa.Table, pa.ChunkedArray]:
    """The items of a column of lists of none or one, and the places of their rows.

    Chunk by chunk: in one array, texts of more than 2 GiB overflow its offsets.
    """
    lists, place = table[name], table.select(PLACE)
    if lists.null_count:
        place = place.filter(pc.is_valid(lists))
    return place, pa.chunked_array([chunk.flatten() for chunk in lists.chunks], type=lists.type.value_type)
