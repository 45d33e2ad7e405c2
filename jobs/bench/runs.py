"""One pass of a streaming query over the measured records of a topic, timed as a whole and batch by batch.

A topic holds a short history and then the measured records. Detection reads the history once; its checkpoint and state
are then aged, so that what needs a day of readings (a learned model) works from the first measured record on, and each
measured pass goes on from a copy of them.
"""

import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from detectors.site import Site
from ingest.publisher import Broker
from jobs.bench.aging import aged
from jobs.bench.processor import spark_seconds
from jobs.detect.decode import decode
from jobs.detect.query import Detection, DetectSettings, plan_of, telemetry
from jobs.state_store import StateStore
from jobs.writers import Writers
from schemas.errors import RunFault
from schemas.records import TELEMETRY
from schemas.types import Domain

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming.query import StreamingQuery

DOMAIN: Final = Domain.METER
HISTORY: Final = "history"


@dataclass(frozen=True)
class Pass:
    """What one pass took.

    Attributes:
        records: read.
        seconds: from the start of the query to its end.
        warm: records a second of each batch between the first and the last.
        cpu_us: processor time of Spark and its workers a record, microseconds.
        state_bytes: of all state files after the last batch.
        alerts: by detector.
    """

    records: int
    seconds: float
    warm: tuple[float, ...]
    cpu_us: float
    state_bytes: int = 0
    alerts: tuple[tuple[str, int], ...] = ()

    @property
    def whole_rate(self) -> float:
        """Records a second of the whole query."""
        return self.records / self.seconds

    @property
    def warm_rate(self) -> float:
        """Records a second of the median batch between the first and the last; of the whole query where there is none."""
        return median(self.warm) if self.warm else self.whole_rate


@dataclass(frozen=True)
class Place:
    """Where passes run.

    Args:
        spark: the session.
        broker: holds the topic.
        folder: of checkpoints and state, one below it a pass.
        batch: records a micro-batch.
        buckets: locality buckets.
        site: the site facts.
        domain: what is measured.
    """

    spark: "SparkSession"
    broker: Broker
    folder: Path
    batch: int
    buckets: int
    site: Site
    domain: Domain = DOMAIN

    def settings(
        self, name: str, once: bool = True, begin: str | int = "earliest", only: tuple[str, ...] = ()
    ) -> DetectSettings:
        """Settings of a pass with a state and a checkpoint of its own."""
        folder = self.folder / name
        return DetectSettings(
            self.broker,
            str(folder / "state"),
            str(folder / "checkpoint"),
            buckets=self.buckets,
            max_offsets=self.batch,
            once=once,
            begin=begin,
            only=only,
        )


def read_history(place: Place) -> None:
    """Let detection read what the topic holds, and age what it learned."""
    detect(place, HISTORY)
    store = StateStore(place.settings(HISTORY).state_uri, place.domain.value)
    last = store.latest()
    files = {bucket: store.write(bucket, last.batch, aged(store.read(file))) for bucket, file in last.buckets.items()}
    store.commit(replace(last, buckets=files))


def after_history(place: Place, name: str, only: tuple[str, ...] = ()) -> Pass:
    """Detection of what came after the history, from a copy of its state; by some detectors or by all."""
    shutil.copytree(place.folder / HISTORY, place.folder / name)
    return detect(place, name, only)


def read_and_decode(place: Place, name: str, begin: int | str) -> Pass:
    """The detection query without detection: the same source, the same decode, into nothing.

    Args:
        place: where.
        name: of the pass.
        begin: broker's time of the first record, microseconds; or `earliest`.
    """
    settings = place.settings(name, begin=begin)
    writers = Writers(place.broker, TELEMETRY)
    known = writers.refresh()
    columns = {p.schema: p.columns for p in plan_of(place.domain, place.site).records.values()}

    def run(batch: "DataFrame", _number: int) -> None:
        decode(batch, columns, known, place.buckets).write.format("noop").mode("overwrite").save()

    cpu, began = spark_seconds(), time.perf_counter()
    query = (
        telemetry(place.spark, place.domain, settings)
        .writeStream.queryName("decode")
        .option("checkpointLocation", f"{settings.checkpoint_uri}/{place.domain.value}")
        .foreachBatch(run)
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    records, warm = _figures(query)
    seconds = time.perf_counter() - began
    writers.close()
    return Pass(records, seconds, warm, (spark_seconds() - cpu) / records * 1e6)


def detect(place: Place, name: str, only: tuple[str, ...] = ()) -> Pass:
    """The detection query as it is, over what it has not read yet.

    Raises:
        RunFault: a record was refused or lost: what was measured is not what was meant.
    """
    settings = place.settings(name, only=only)
    store = StateStore(settings.state_uri, place.domain.value)
    before = store.latest().ledger
    cpu, began = spark_seconds(), time.perf_counter()
    detection = Detection(place.spark, place.domain, settings, place.site)
    query = detection.start()
    detection.finish()
    records, warm = _figures(query)
    seconds = time.perf_counter() - began
    cpu = spark_seconds() - cpu
    detection.close()
    last = store.latest()
    counts = {kind: count - before.get(kind, 0) for kind, count in last.ledger.items()}
    decoded = sum(count for kind, count in counts.items() if kind.startswith("decoded."))
    if decoded != records:
        raise RunFault(
            f"of {records} records {decoded} were decoded",
            f"detection of {place.domain.topic}",
            "report this as a bug: the benchmark's records are sound",
        )
    alerts = tuple((kind.removeprefix("alerts."), n) for kind, n in counts.items() if kind.startswith("alerts.") and n)
    size = sum(file.size for file in last.buckets.values())
    return Pass(records, seconds, warm, cpu / records * 1e6, size, alerts)


def _figures(query: "StreamingQuery") -> tuple[int, tuple[float, ...]]:
    """Records, and the rates of the batches between the first and the last."""
    batches = [(_records(p), int(p["durationMs"]["triggerExecution"])) for p in query.recentProgress]
    full = [(rows, took) for rows, took in batches if rows]
    return sum(rows for rows, _ in full), tuple(rows * 1000 / took for rows, took in full[1:-1])


def _records(progress: Any) -> int:
    """Records of a batch: what the topic gave, without the ticks."""
    return sum(int(s["numInputRows"]) for s in progress["sources"] if str(s["description"]).startswith("KafkaV2"))
