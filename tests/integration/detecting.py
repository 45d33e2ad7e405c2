"""What the detection tests share: traffic that makes every detector fire, what the engine alone says of it, and the topics."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from detectors.catalog import DETECTORS, of_domain
from detectors.local import frame, make_engine
from detectors.site import Site, parse_site
from ingest.publisher import Broker, Pace
from ingest.publisher_confluent import ConfluentPublisher
from jobs.detect.progress import Progress
from jobs.detect.query import Detection, DetectSettings
from jobs.watermarks import watermarks
from schemas import topics
from schemas.records import ALERT, BY_NAME, DEADLETTER
from schemas.types import TELEMETRY_DOMAINS, Domain, Schema
from schemas.wire import Decoder, encode
from tests.engine.examples import records_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Traffic = list[tuple[Schema, dict[str, Any]]]


def merged(facts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Site facts of several examples as one: mappings and lists united, of other values the first."""
    result: dict[str, Any] = {}
    for each in facts:
        for key, value in each.items():
            known = result.get(key)
            if isinstance(known, dict):
                result[key] = merged([known, value])
            elif isinstance(known, list | tuple):
                result[key] = [*known, *(v for v in value if v not in known)]
            else:
                result.setdefault(key, value)
    return result


@cache
def site_facts() -> dict[str, Any]:
    """Facts of all examples, with which no detector is off."""
    return merged(dict(example.site) for detector in DETECTORS for example in detector.examples)


@cache
def site() -> Site:
    """The same, validated."""
    return parse_site(site_facts(), "examples")


def traffic(mark: str, copies: int = 1, domains: Sequence[Domain] = TELEMETRY_DOMAINS) -> Traffic:
    """The records of every example of every detector, each example in localities of its own, all in one line by event time."""
    lines: list[tuple[datetime, int, Schema, dict[str, Any]]] = []
    for copy in range(copies):
        for detector in DETECTORS:
            if detector.record.domain not in domains:
                continue
            for number, example in enumerate(detector.examples):
                names: dict[str, str] = {}
                clock = datetime.min.replace(tzinfo=UTC)
                for schema, fields in records_of(detector, example):
                    old = str(fields[schema.locality])
                    new = names.setdefault(old, f"{mark}-{detector.id}-{number}-{copy}-{len(names)}")
                    # Within an example records stay in its order, whatever their times.
                    clock = max(clock, fields["time"])
                    lines.append((clock, len(lines), schema, {**fields, schema.locality: new}))
    return [(schema, fields) for _, _, schema, fields in sorted(lines, key=itemgetter(0, 1))]


def expected(records: Traffic) -> set[str]:
    """Alert ids of the engine over the records in one piece, without Spark."""
    found: set[str] = set()
    for domain in TELEMETRY_DOMAINS:
        by_type: dict[str, tuple[list[dict[str, Any]], list[int]]] = {}
        for index, (schema, fields) in enumerate(records):
            if schema.domain is domain:
                rows, arrival = by_type.setdefault(schema.name, ([], []))
                rows.append(fields)
                arrival.append(index)
        batch = {name: frame(BY_NAME[name], rows, arrival) for name, (rows, arrival) in by_type.items()}
        outcome = make_engine(domain, of_domain(domain), site()).step({}, batch)
        found |= set(outcome.alerts["alert_id"]) if len(outcome.alerts) else set()
    return found


@dataclass
class Topics:
    """The shared broker, from now on: earlier records are of other tests."""

    bootstrap: str
    began_us: int = field(default_factory=lambda: time.time_ns() // 1000)
    ends: dict[tuple[str, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (topics.ALERTS, topics.DEADLETTER, *topics.TELEMETRY):
            self.ends |= {(name, partition): high for partition, high in self._highs(name).items()}

    def publish(self, records: Traffic) -> None:
        """Publish records in order and wait until they are safe."""
        publisher = ConfluentPublisher(Broker(self.bootstrap), lambda: time.time_ns() // 1000, Pace.BULK)
        for schema, fields in records:
            publisher.publish(schema, fields)
        publisher.flush()

    def send(self, topic: str, values: Iterable[bytes | None], key: bytes = b"k", compressed: bool = False) -> None:
        """Publish bare messages and wait until they are safe."""
        producer = Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "linger.ms": 5,
                "message.max.bytes": 2_000_000,
                "compression.type": "lz4" if compressed else "none",
            }
        )
        for value in values:
            while True:
                try:
                    producer.produce(topic, value, key)
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
        assert producer.flush(30) == 0

    def forget(self, topic: str) -> None:
        """Remove the records of a topic: whoever reads it from its beginning is spared them."""
        ends = [TopicPartition(topic, partition, high) for partition, high in self._highs(topic).items()]
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        for future in admin.delete_records(ends).values():
            future.result(30)

    def produced(self, domain: Domain) -> int:
        """Records on a domain's topic since the beginning."""
        return sum(high - self.ends[domain.topic, p] for p, high in self._highs(domain.topic).items())

    def alerts(self, mark: str) -> list[dict[str, Any]]:
        """Alerts since the beginning on localities that begin with the mark."""
        return [a for a in self._records(topics.ALERTS, ALERT) if str(a["site"]).startswith(mark)]

    def letters(self) -> list[dict[str, Any]]:
        """Dead letters since the beginning."""
        return list(self._records(topics.DEADLETTER, DEADLETTER))

    def _records(self, topic: str, schema: Schema) -> Iterator[dict[str, Any]]:
        decoder, highs, consumer = Decoder((schema,)), self._highs(topic), self._consumer()
        waiting = {p for p, high in highs.items() if high > self.ends[topic, p]}
        consumer.assign([TopicPartition(topic, p, self.ends[topic, p]) for p in waiting])
        while waiting:
            message = consumer.poll(30)
            assert message is not None
            assert message.error() is None, message.error()
            yield decoder.decode(message.value())[1]
            if message.offset() + 1 >= highs[message.partition()]:
                waiting.discard(message.partition())
        consumer.close()

    def _highs(self, topic: str) -> dict[int, int]:
        consumer = self._consumer()
        partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
        highs = {p: watermarks(consumer, topic, p, 30)[1] for p in partitions}
        consumer.close()
        return highs

    def _consumer(self) -> Consumer:
        return Consumer({"bootstrap.servers": self.bootstrap, "group.id": "test", "enable.auto.commit": False})


def detect(
    spark: "SparkSession", own: Topics, folder: Path, domain: Domain, **more: Any
) -> tuple[list[Progress], Mapping[str, int]]:
    """Run a domain's query over what is on its topic; its batches and its ledger."""
    told: list[Progress] = []
    options: dict[str, Any] = {"once": True, "begin": own.began_us, "max_offsets": 400} | more
    settings = DetectSettings(Broker(own.bootstrap), str(folder / "state"), str(folder / "checkpoint"), **options)
    detection = Detection(spark, domain, settings, site(), told.append)
    try:
        detection.start()
        detection.finish()
    finally:
        detection.close()
    return told, told[-1].ledger if told else {}


def counts(ledger: Mapping[str, int], kind: str) -> Counter[str]:
    """The ledger's counts of a kind by name."""
    return Counter({name.partition(".")[2]: n for name, n in ledger.items() if name.startswith(f"{kind}.")})


def message(schema: Schema, **fields: Any) -> bytes:
    """A message of a record whose required fields are filled in."""
    from tests.engine.examples import filled

    return encode(schema, {**filled(schema, {}), **fields})
