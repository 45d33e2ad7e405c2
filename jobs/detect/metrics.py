"""What detection tells Prometheus, over HTTP: asked for by whoever scrapes, in threads that no batch waits for.

A batch leaves what it knows anyway; the broker is asked for the ends of the topics at a scrape, so that lag grows also while a batch
hangs. Counters are those of the queries' ledgers: they go on where they were after a restart.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from confluent_kafka import Consumer, KafkaException
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, start_http_server
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ingest.publisher import Broker
from jobs.detect.progress import Progress
from jobs.watermarks import ends
from schemas.errors import ConfigFault
from schemas.types import Domain

#: Seconds for the broker's answer at a scrape: less than Prometheus waits for all of it (10 s by default).
PATIENCE_S: Final = 3.0
#: Looks at the end of a partition that are remembered: hours, whoever scrapes how often.
LOOKS: Final = 1_000
#: Seconds between two of them at least.
APART_S: Final = 10.0
#: Bounds of the histogram of batches, seconds.
BOUNDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)

#: The next offset of each partition of these topics; None where the broker does not answer.
Asked = Callable[[Collection[str]], Mapping[tuple[str, int], int] | None]


@dataclass
class _Standing:
    """A query: after its last batch, when that ended, and the seconds between two."""

    progress: Progress
    ended: float
    interval_s: float


class Ends:
    """Asks the broker for the ends of topics, on a connection of its own.

    Args:
        broker: the cluster.
        timeout_s: for all that is asked at once.
    """

    def __init__(self, broker: Broker, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        own = {"group.id": "gridwatch-metrics", "enable.auto.commit": False, "log_level": 0}
        self._consumer = Consumer({"bootstrap.servers": broker.bootstrap, **own, **broker.security})

    def __call__(self, topics: Collection[str]) -> dict[tuple[str, int], int] | None:
        """By topic and partition; None where the broker does not answer for all of them in time."""
        deadline = time.monotonic() + self._timeout_s
        try:
            return {
                (topic, partition): end
                for topic in topics
                for partition, end in ends(self._consumer, topic, max(0.1, deadline - time.monotonic())).items()
            }
        except KafkaException:
            return None


class Looks:
    """When a partition ended where: tells since when a record waits, without reading one."""

    def __init__(self) -> None:
        self._ends: deque[int] = deque(maxlen=LOOKS)
        self._times: deque[float] = deque(maxlen=LOOKS)

    def see(self, end: int, now: float) -> None:
        """The partition ends here at this time."""
        # Of each end the first look and the last; and of looks that come fast a few, however many ask.
        if len(self._ends) > 1 and (self._ends[-2] == end or now - self._times[-2] < APART_S):
            self._ends[-1], self._times[-1] = end, now
        else:
            self._ends.append(end)
            self._times.append(now)

    def waits_since(self, offset: int) -> float:
        """When the record of this offset came, to within the time between two looks; the first look where it was there before."""
        return float(np.interp(offset, self._ends, self._times))


class DetectMetrics(Collector):
    """The metrics of the queries of one application.

    Args:
        registry: where they are registered.
        ends: asks the broker.
        clock: seconds since 1970.
    """

    def __init__(self, registry: CollectorRegistry, ends: Asked, clock: Callable[[], float] = time.time) -> None:
        self._ends, self._clock = ends, clock
        self._standing: dict[Domain, _Standing] = {}
        self._looks: dict[tuple[str, int], Looks] = {}
        self._lock = threading.Lock()
        self._batches = Histogram(
            "gridwatch_detect_batch_seconds",
            "Time of a batch, from its begin until its alerts are acknowledged by Kafka and its state is safe.",
            ["domain"],
            registry=registry,
            buckets=BOUNDS,
        )
        registry.register(self)

    def begin(self, progress: Progress, interval_s: float) -> None:
        """A query starts from here; `interval_s` as of `Detection`."""
        self._batches.labels(progress.domain.value)
        with self._lock:
            self._standing[progress.domain] = _Standing(progress, self._clock(), interval_s)

    def ended(self, progress: Progress) -> None:
        """A batch ended."""
        self._batches.labels(progress.domain.value).observe(progress.seconds)
        with self._lock:
            standing = self._standing[progress.domain]
            standing.progress, standing.ended = progress, self._clock()

    def collect(self) -> Iterator[Metric]:
        """For the registry, at a scrape."""
        with self._lock:
            topics = [domain.topic for domain in self._standing]
        ends = self._ends(topics) if topics else {}
        with self._lock:
            yield from self._of_batches()
            yield from self._of_ledgers()
            yield from self._of_ends(ends)

    def _of_batches(self) -> Iterator[Metric]:
        batch = GaugeMetricFamily(
            "gridwatch_detect_batch", "Number of the last batch that ended; -1 before the first.", labels=["domain"]
        )
        ended = GaugeMetricFamily(
            "gridwatch_detect_batch_ended_timestamp_seconds",
            "When the last batch ended, seconds since 1970; when the query began, before its first batch.",
            labels=["domain"],
        )
        lasted = GaugeMetricFamily(
            "gridwatch_detect_last_batch_seconds",
            "Time of the last batch; 0 before the first of this run.",
            labels=["domain"],
        )
        interval = GaugeMetricFamily(
            "gridwatch_detect_interval_seconds",
            "Seconds between the begins of two batches, as set; 0 where one follows the other.",
            labels=["domain"],
        )
        state = GaugeMetricFamily(
            "gridwatch_detect_state_bytes",
            "What the detectors remember, as it lies in the files of the state.",
            labels=["domain"],
        )
        for domain, standing in self._standing.items():
            own = [domain.value]
            batch.add_metric(own, standing.progress.batch)
            ended.add_metric(own, standing.ended)
            lasted.add_metric(own, standing.progress.seconds)
            interval.add_metric(own, standing.interval_s)
            state.add_metric(own, standing.progress.state_bytes)
        yield from (batch, ended, lasted, interval, state)

    def _of_ledgers(self) -> Iterator[Metric]:
        records = CounterMetricFamily(
            "gridwatch_detect_records",
            "Records read from the domain's topic by batches that ended, refused ones among them.",
            labels=["domain"],
        )
        refused = CounterMetricFamily(
            "gridwatch_detect_refused",
            "Records that cannot be read: they went to the topic deadletter.",
            labels=["domain", "reason"],
        )
        alerts = CounterMetricFamily(
            "gridwatch_detect_alerts", "Alerts written to the topic alerts.", labels=["domain", "detector"]
        )
        for domain, standing in self._standing.items():
            progress = standing.progress
            records.add_metric([domain.value], progress.seen)
            for family, kind in ((refused, "dead."), (alerts, "alerts.")):
                for name, count in progress.ledger.items():
                    if name.startswith(kind):
                        family.add_metric([domain.value, name.removeprefix(kind)], count)
        yield from (records, refused, alerts)

    def _of_ends(self, ends: Mapping[tuple[str, int], int] | None) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "gridwatch_detect_broker_up",
            "1 where Kafka told at this scrape where the topics end; 0: lag, delay and what was published are missing.",
            value=ends is not None,
        )
        by_partition = ["domain", "topic", "partition"]
        published = CounterMetricFamily(
            "gridwatch_detect_published",
            "Records ever published to a partition of the domain's topic: its next offset.",
            labels=by_partition,
        )
        lag = GaugeMetricFamily(
            "gridwatch_detect_lag_records",
            "Records of a partition that no batch has finished yet.",
            labels=by_partition,
        )
        delay = GaugeMetricFamily(
            "gridwatch_detect_delay_seconds",
            "How long the oldest record of the topic that no batch has finished waits there, to within the time between two scrapes; "
            "0 where none waits. What was waiting when detection began, or came before the last thousand looks, counts from then.",
            labels=["domain", "topic"],
        )
        now = self._clock()
        for domain, standing in self._standing.items():
            topic, reached = domain.topic, standing.progress.reached
            waits = []
            for (_, partition), end in sorted(item for item in (ends or {}).items() if item[0][0] == topic):
                published.add_metric([domain.value, topic, str(partition)], end)
                looks = self._looks.setdefault((topic, partition), Looks())
                looks.see(end, now)
                if reached:
                    done = reached.get(partition, 0)
                    lag.add_metric([domain.value, topic, str(partition)], max(0, end - done))
                    waits.append(now - looks.waits_since(done) if done < end else 0.0)
            if waits:
                delay.add_metric([domain.value, topic], max(waits))
        yield from (published, lag, delay)


@contextmanager
def served(address: tuple[str, int], broker: Broker) -> Iterator[DetectMetrics]:
    """Metrics at http://HOST:PORT/metrics until the end; nobody has to say who he is.

    Raises:
        ConfigFault: nothing can listen there.
    """
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    metrics = DetectMetrics(registry, Ends(broker, PATIENCE_S))
    host, port = address
    try:
        server, thread = start_http_server(port, host, registry)
    except (OSError, UnicodeError) as taken:
        raise ConfigFault(f"nothing can listen: {taken}", f"metrics {host}:{port}", "give another port") from taken
    try:
        yield metrics
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
