"""The streaming query of a domain: source and ticks, foreachBatch, decode, shuffle, engine, manifest."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from detectors.catalog import of_domain
from detectors.plan import Plan, make_plan
from detectors.site import Site
from ingest.publisher import Broker
from jobs.detect.decode import decode
from jobs.detect.worker import RESULT, Work
from jobs.state_store import BucketFile, Manifest, StateStore, open_filesystem
from jobs.writers import Writers
from schemas.errors import ConfigFault
from schemas.records import TELEMETRY
from schemas.records import of_domain as records_of
from schemas.types import Domain


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
        once: True to process what is on the topics now and stop.
        kafka_options: security of the connection, in the words of Spark's Kafka source.
        only: ids of the detectors to run; empty for all.
    """

    broker: Broker
    state_uri: str
    checkpoint_uri: str
    buckets: int = 8
    max_offsets: int = 500_000
    tick_s: int = 1
    once: bool = False
    kafka_options: Mapping[str, str] = field(default_factory=dict, repr=False)
    only: tuple[str, ...] = ()


@dataclass
class Progress:
    """What the driver knows of a query after a batch, for people and tests."""

    domain: Domain
    batch: int
    ledger: Mapping[str, int]
    notes: list[str] = field(default_factory=list)


def plan_of(domain: Domain, site: Site, only: tuple[str, ...] = ()) -> Plan:
    """The plan of a domain, made in the driver so that a wrong site file or model stops the job at start.

    Raises:
        ConfigFault: see `make_plan`; also where `only` names an unknown detector.
    """
    detectors = of_domain(domain)
    unknown = sorted(set(only) - {d.id for d in detectors}) if only else []
    if unknown:
        raise ConfigFault(
            f"unknown detector {unknown[0]}", f"domain {domain.value}", f"one of {', '.join(d.id for d in detectors)}"
        )
    return make_plan([d for d in detectors if not only or d.id in only], records_of(domain), site)


def start(
    spark: SparkSession,
    domain: Domain,
    settings: DetectSettings,
    site: Site,
    report: Callable[[Progress], None] | None = None,
) -> StreamingQuery:
    """Start the query of a domain.

    Args:
        spark: the session.
        domain: meter, substation or vehicle.
        settings: how it runs.
        site: the site facts.
        report: called in the driver after each batch.

    Raises:
        ConfigFault, RunFault: what can be known at start is checked at start.
    """
    plan = plan_of(domain, site, settings.only)
    store = StateStore(settings.state_uri, domain.value)
    writers = Writers(settings.broker, TELEMETRY)
    writers.refresh()
    # Record types that no running detector reads are decoded to their required columns all the same: a broken one must be seen.
    columns = {p.schema: p.columns for p in plan.records.values()}
    checkpoint = f"{settings.checkpoint_uri.rstrip('/')}/{domain.value}"
    site_json = site.model_dump_json()
    bound = False

    def run(batch: DataFrame, number: int) -> None:
        nonlocal bound
        if not bound:
            store.bind(_query_id(checkpoint), settings.buckets)
            bound = True
        before = store.manifest(number - 1)
        work = Work(domain.value, number, settings.state_uri, before.buckets, settings.broker, site_json, settings.only)
        rows = (
            decode(batch, columns, writers.refresh(), settings.buckets)
            .groupBy("bucket")
            .applyInArrow(_typed(work), schema=RESULT)
            .collect()
        )
        buckets, ledger, notes = dict(before.buckets), Counter(before.ledger), []
        for row in rows:
            buckets[row.bucket] = BucketFile(row.path, row.size, row.crc)
            told = json.loads(row.ledger)
            ledger.update(told["counts"])
            notes += told.get("notes", [])
        store.commit(Manifest(number, buckets, ledger))
        store.collect(number)
        if report is not None:
            report(Progress(domain, number, ledger, sorted(set(notes))))

    writer = (
        source(spark, domain, settings)
        .writeStream.queryName(f"detect-{domain.value}")
        .option("checkpointLocation", checkpoint)
        .foreachBatch(run)
    )
    return (writer.trigger(availableNow=True) if settings.once else writer).start()


def _typed(work: Work) -> Callable[..., object]:
    """Spark looks at the parameters of a function to decide whether the key is wanted: give it a plain one."""

    def bucket(key, table):  # type: ignore[no-untyped-def]
        return work(key, table)

    return bucket


def source(spark: SparkSession, domain: Domain, settings: DetectSettings) -> DataFrame:
    """The stream of a domain: its topic's records and, unless switched off, the ticks; the columns that `decode` takes."""
    options = {
        "kafka.bootstrap.servers": settings.broker.bootstrap,
        "subscribe": domain.topic,
        "startingOffsets": "earliest",
        "maxOffsetsPerTrigger": str(settings.max_offsets),
        "failOnDataLoss": "true",
        # The defaults are made for small consumers.
        "kafka.max.poll.records": "50000",
        "kafka.fetch.max.bytes": "67108864",
        "kafka.max.partition.fetch.bytes": "16777216",
        "fetchOffset.numRetries": "10",
    }
    options |= dict(settings.kafka_options)
    records = (
        spark.readStream.format("kafka")
        .options(**options)
        .load()
        .select(
            "topic",
            "partition",
            "offset",
            "timestamp",
            "value",
            F.lit(None).cast("long").alias("tick"),
            F.lit(None).cast("int").alias("tick_bucket"),
        )
    )
    if settings.once or not settings.tick_s:
        return records
    ticks = (
        spark.readStream.format("rate")
        .option("rowsPerSecond", 1)
        .option("numPartitions", 1)
        .load()
        .filter(F.col("value") % settings.tick_s == 0)
        .select(
            F.lit(None).cast("string").alias("topic"),
            F.lit(None).cast("int").alias("partition"),
            F.lit(None).cast("long").alias("offset"),
            "timestamp",
            F.lit(None).cast("binary").alias("value"),
            F.unix_micros("timestamp").alias("tick"),
            F.explode(F.sequence(F.lit(0), F.lit(settings.buckets - 1))).alias("tick_bucket"),
        )
    )
    return records.unionByName(ticks)


def _query_id(checkpoint: str) -> str:
    filesystem, path = open_filesystem(checkpoint)
    with filesystem.open_input_stream(f"{path}/metadata") as source:
        return str(json.loads(source.read())["id"])
