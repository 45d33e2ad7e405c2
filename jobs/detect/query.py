"""The streaming query of a domain: source and ticks, foreachBatch, decode, shuffle, engine, manifest."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Final

import pyarrow as pa
from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from detectors.catalog import check_site, of_domain
from detectors.plan import Plan, make_plan
from detectors.site import Site
from infra.spark import BUCKETS
from ingest.publisher import Broker
from jobs.detect.checkpoint import Checkpoint
from jobs.detect.decode import decode
from jobs.detect.faults import fault_of
from jobs.detect.progress import Progress
from jobs.detect.worker import RESULT, Work
from jobs.state_store import BucketFile, Manifest, StateStore
from jobs.writers import Writers
from schemas.errors import ConfigFault, Fault, RunFault
from schemas.records import DETECTED, TELEMETRY
from schemas.records import of_domain as records_of
from schemas.types import Domain

#: Seconds between two batches of correlation at least: its alerts may wait, the other queries' records should not.
CORRELATION_S: Final = 1.0
#: Share of `max_offsets` from which a batch counts as cut off by it: the query is behind, and silence is no sign of anything.
FULL: Final = 0.9
#: Records for which a task of its own decodes. A task costs some 100 ms before its first record: Spark sets up the decoder of every
#: record type anew in each, and reads Hadoop's configuration for it; one a partition would be most of what a small batch costs.
TASK: Final = 25_000


@dataclass(frozen=True)
class DetectSettings:
    """How a detection query runs.

    Args:
        broker: the Kafka cluster.
        state_uri: folder of the state, any file system that the workers share.
        checkpoint_uri: folder of Spark's offsets log, on the same terms.
        buckets: number of locality buckets; fixed for the life of the state (`gridwatch state rebucket`).
        max_offsets: records a micro-batch at most.
        tick_s: seconds between ticks; 0 for none (closed data).
        trigger_s: seconds between micro-batches at least; 0 for as soon as the last one ended.
        once: True to process what is on the topics at start and stop.
        kafka_options: security of the connection, in the words of Spark's Kafka source.
        only: ids of the detectors to run; empty for all.
        begin: where a query without a checkpoint begins: `earliest`, `latest`, or microseconds of the broker's time.
    """

    broker: Broker
    state_uri: str
    checkpoint_uri: str
    buckets: int = BUCKETS
    max_offsets: int = 1_000_000
    tick_s: int = 1
    trigger_s: float = 0.0
    once: bool = False
    kafka_options: Mapping[str, str] = field(default_factory=dict, repr=False)
    only: tuple[str, ...] = ()
    begin: str | int = "earliest"


def plan_of(domain: Domain, site: Site, only: tuple[str, ...] = ()) -> Plan:
    """The plan of a domain, made in the driver so that a wrong site file or model stops the job at start.

    Raises:
        ConfigFault: see `make_plan`; also where `only` names an unknown detector.
    """
    detectors = of_domain(domain, site)
    unknown = sorted(set(only) - {d.id for d in detectors}) if only else []
    if unknown:
        raise ConfigFault(
            f"unknown detector {unknown[0]}", f"domain {domain.value}", f"one of {', '.join(d.id for d in detectors)}"
        )
    check_site(site)
    return make_plan([d for d in detectors if not only or d.id in only], records_of(domain), site)


class Stopped(Exception):
    """Ends a query that was asked to stop, before it begins another batch."""


class Detection:
    """The query of a domain.

    Args:
        spark: the session.
        domain: one of telemetry, or correlation.
        settings: how it runs.
        site: the site facts.
        report: called in the driver after each batch.

    Attributes:
        plan: what it runs.

    Raises:
        ConfigFault, RunFault: what can be known at start is checked at start.
    """

    def __init__(
        self,
        spark: SparkSession,
        domain: Domain,
        settings: DetectSettings,
        site: Site,
        report: Callable[[Progress], None] | None = None,
    ) -> None:
        self.domain = domain
        self.plan = plan_of(domain, site, settings.only)
        self._fault: Fault | None = None
        self._spark, self._settings, self._site, self._report = spark, settings, site.model_dump_json(), report
        # Record types that no running detector reads are decoded to their required columns all the same: a broken one must be seen.
        self._columns = {p.schema: p.columns for p in self.plan.records.values()}
        self._store = StateStore(settings.state_uri, domain.value)
        self._checkpoint = Checkpoint(f"{settings.checkpoint_uri.rstrip('/')}/{domain.value}")
        self._writers = Writers(settings.broker, TELEMETRY if domain.observed else DETECTED)
        self._writers.refresh()
        self._last = self._resumed()
        self._repeated = self._checkpoint.planned()
        self._query: StreamingQuery | None = None
        self._lock = ExitStack()
        self._busy, self._stopping = Lock(), False
        self._ends: dict[int, int] | None = None

    def start(self) -> StreamingQuery:
        """Start it.

        Raises:
            RunFault: another job holds the state.
        """
        settings = self._settings
        self._lock.enter_context(self._store.held())
        # Queries of one application share its cores fairly: a large batch of one does not hold up the others.
        self._spark.sparkContext.setLocalProperty("spark.scheduler.pool", self.domain.value)
        records = telemetry(self._spark, self.domain, settings)
        writer = (
            # Nobody waits for alerts: without ticks, correlation costs nothing while there are none.
            (with_ticks(records, settings) if self.domain.observed else records)
            .writeStream.queryName(f"detect-{self.domain.value}")
            .option("checkpointLocation", self._checkpoint.uri)
            .foreachBatch(self._run)
        )
        if settings.once:
            # Not Spark's AvailableNow: the ticks have no end, and it would read all records in one batch.
            self._ends = self._writers.ends(self.domain.topic)
        if self.interval_s:
            writer = writer.trigger(processingTime=f"{self.interval_s} seconds")
        self._query = writer.start()
        if (
            self._ends is not None
            and not self.domain.observed
            and self._reached(self._checkpoint.committed(), self._ends)
        ):
            self.stop()  # without ticks there comes no batch that could see that nothing is left
        return self._query

    @property
    def interval_s(self) -> float:
        """Seconds between the begins of two batches at least; 0 where one follows the other."""
        return self._settings.trigger_s if self.domain.observed else max(self._settings.trigger_s, CORRELATION_S)

    @property
    def standing(self) -> Progress:
        """Where it stands: after the last batch that ended, be it of an earlier run."""
        last = self._last
        return self._progress(last, (), 0.0, self._checkpoint.offsets(last.batch, self.domain.topic))

    @property
    def query(self) -> StreamingQuery:
        """Spark's handle of the query, once it is started."""
        assert self._query is not None
        return self._query

    def stop(self) -> None:
        """Let the batch that runs come to its end, and stop; nothing where it never started."""
        if self._query is None:
            return
        self._stopping = True
        with self._busy:
            ended = self._last.batch
        while self.query.isActive and self._checkpoint.committed() < ended:
            self.query.awaitTermination(0.05)  # type: ignore[arg-type]  # seconds; a fraction is fine
        self.query.stop()

    def finish(self) -> None:
        """Wait for the end of a query that runs once, or that is stopped meanwhile.

        Raises:
            Fault: what ended it otherwise.
        """
        try:
            self.query.awaitTermination()
        except StreamingQueryException:
            self.check()

    def check(self) -> None:
        """See whether the query failed.

        Raises:
            Fault: what ended it, unless it was asked to.
        """
        failed = self.query.exception()
        if failed is not None and not (self._stopping and Stopped.__name__ in str(failed)):
            raise self._fault or fault_of(failed, f"detection of {self.domain.value}") from failed

    def close(self) -> None:
        """Let go of the state and the broker; the query has ended."""
        self._lock.close()
        self._writers.close()

    def _resumed(self) -> Manifest:
        """The state to go on from."""
        query, owner, done = self._checkpoint.query(), self._store.identity(), self._checkpoint.committed()
        if owner is not None and query is None:
            raise RunFault(
                "there is state, but no checkpoint that it belongs to",
                f"{self._store.where}, {self._checkpoint.uri}",
                "give the checkpoint folder of this state, or a new folder for both",
            )
        if query is not None and owner is not None:
            self._store.bind(query)
        last = self._store.manifest(done)
        if last.of not in (0, self._settings.buckets):
            raise ConfigFault(
                f"the state has {last.of} buckets, the job asks for {self._settings.buckets}",
                self._store.where,
                f"run `gridwatch state rebucket {self._settings.buckets}`, or set spark.buckets",
            )
        if lost := self._store.lost(last):
            raise RunFault(lost[0], self._store.where, "restore the state folder; nothing was processed")
        return last

    def _run(self, batch: DataFrame, number: int) -> None:
        with self._busy:
            if self._stopping:
                raise Stopped
            try:
                self._batch(batch, number)
            except Fault as fault:
                self._fault = fault
                raise
            if self._ends is not None and self._reached(number, self._ends):
                self._stopping = True
                # Spark waits for this call: another thread has to stop it.
                Thread(target=self.stop, daemon=True).start()

    def _reached(self, number: int, ends: dict[int, int]) -> bool:
        offsets = self._checkpoint.offsets(number, self.domain.topic)
        return all(offsets.get(partition, 0) >= end for partition, end in ends.items())

    def _batch(self, batch: DataFrame, number: int) -> None:
        settings, before, began = self._settings, self._last, time.monotonic()
        if before.batch != number - 1:
            before = self._store.manifest(number - 1)
        if before.batch < 0:
            query = self._checkpoint.query()
            assert query is not None  # Spark writes it before the first batch
            self._store.bind(query)
        announced = self._announced(before, number)
        begins, reached = (self._checkpoint.offsets(n, self.domain.topic) for n in (number - 1, number))
        records = sum(end - begins.get(partition, 0) for partition, end in reached.items())
        behind = records >= FULL * settings.max_offsets
        work = Work(
            domain=self.domain.value,
            batch=number,
            state_uri=settings.state_uri,
            files=before.buckets,
            broker=settings.broker,
            site=self._site,
            only=settings.only,
            ticking=not behind and not settings.once and settings.tick_s > 0,
        )
        batch = batch.coalesce(1 + records // TASK)
        decoded = decode(batch, self._columns, self._writers.restricted(announced), settings.buckets)
        # A bucket a task: Spark's own hash of eight buckets would put three on one task and none on three. So a task's rows are
        # a bucket's, and need no grouping, which would sort them.
        rows = decoded.repartitionById(settings.buckets, "bucket").mapInArrow(_streamed(work), schema=RESULT).collect()
        buckets, ledger, notes = dict(before.buckets), Counter(before.ledger), set[str]()
        for row in rows:
            if row.path is not None:  # a bucket that knows of nothing has no file
                buckets[row.bucket] = BucketFile(row.path, row.size, row.crc)
            told = json.loads(row.ledger)
            ledger.update(told["counts"])
            notes |= set(told["notes"])
        self._last = Manifest(number, settings.buckets, buckets, ledger, tuple(sorted(announced)))
        self._store.commit(self._last)
        if self._report is not None:
            self._report(self._progress(self._last, sorted(notes), time.monotonic() - began, reached))

    def _progress(self, last: Manifest, notes: Iterable[str], seconds: float, reached: Mapping[int, int]) -> Progress:
        size = sum(file.size for file in last.buckets.values())
        return Progress(self.domain, last.batch, last.ledger, list(notes), seconds, reached, size)

    def _announced(self, before: Manifest, number: int) -> frozenset[str]:
        """The announced writers' schemas that a batch decodes with; a repeated batch takes those that it took before."""
        self._writers.refresh()
        known = frozenset(before.announced)
        if number <= self._repeated:
            return self._store.announced(number) or known
        if more := self._writers.announced - known:
            known |= more
            self._store.announce(number, known)
        return known


def _streamed(work: Work) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Spark asks for a plain function."""

    def bucket(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return work(batches)

    return bucket


def telemetry(spark: SparkSession, domain: Domain, settings: DetectSettings) -> DataFrame:
    """The records of a domain's topic, as a stream of the columns that `decode` takes."""
    options = {
        "kafka.bootstrap.servers": settings.broker.bootstrap,
        "subscribe": domain.topic,
        "maxOffsetsPerTrigger": str(settings.max_offsets),
        "failOnDataLoss": "true",
        # The defaults are made for small consumers.
        "kafka.max.poll.records": "50000",
        "kafka.fetch.max.bytes": "67108864",
        "kafka.max.partition.fetch.bytes": "16777216",
        # Spark asks for a topic's end after every fetch, and the broker answers that behind the fetch ahead, which at the end of
        # a partition waits so long for records: half a second by default, several times a batch.
        "kafka.fetch.max.wait.ms": "10",
        "fetchOffset.numRetries": "10",
    }
    if isinstance(settings.begin, int):
        # Behind the last record of a partition there is none of that time or later: begin there.
        options |= {"startingTimestamp": str(settings.begin // 1000), "startingOffsetsByTimestampStrategy": "latest"}
    else:
        options["startingOffsets"] = settings.begin
    options |= settings.kafka_options
    return (
        spark.readStream.format("kafka")
        .options(**options)
        .load()
        .select(
            "partition",
            "offset",
            "timestamp",
            "value",
            F.lit(None).cast("long").alias("tick"),
            F.lit(None).cast("int").alias("tick_bucket"),
        )
    )


def with_ticks(records: DataFrame, settings: DetectSettings) -> DataFrame:
    """A stream of records, and a row a bucket every so many seconds, so that there are batches in silence too.

    Also where ticks are not heeded: Spark does not let a query go on with another number of sources.
    """
    ticks = (
        records.sparkSession.readStream.format("rate")
        .option("rowsPerSecond", 1)
        .option("numPartitions", 1)
        .load()
        .filter(F.col("value") % max(1, settings.tick_s) == 0)
        .select(
            F.lit(None).cast("int").alias("partition"),
            F.lit(None).cast("long").alias("offset"),
            "timestamp",
            F.lit(None).cast("binary").alias("value"),
            F.unix_micros("timestamp").alias("tick"),
            F.explode(F.sequence(F.lit(0), F.lit(settings.buckets - 1))).alias("tick_bucket"),
        )
    )
    return records.unionByName(ticks)
