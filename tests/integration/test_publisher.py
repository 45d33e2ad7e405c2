"""Publishing through both Kafka clients to a real broker; faults against librdkafka's broker in the process."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from infra.stack import StackState
from ingest.publisher import BREAKS_SCHEMA, Broker, Counts, KafkaPublisher, Pace, run
from ingest.publisher_confluent import ConfluentPublisher
from ingest.publisher_kafka_python import KafkaPythonPublisher, security_options
from ingest.source import Item, Record, Refused
from schemas.errors import ConfigFault, RunFault
from schemas.project.avro import avro_json
from schemas.records import ALL, DEADLETTER, METER_READING
from schemas.topics import SCHEMAS
from schemas.wire import Decoder, fingerprint

NOW = 1_700_000_000_000_000
TOPIC = METER_READING.domain.topic
CLIENTS = (ConfluentPublisher, KafkaPythonPublisher)


def clock() -> int:
    return NOW


def reading(transformer: str, number: int = 1, **more: Any) -> Record:
    fields = {"time": NOW, "meter": f"m{number}", "transformer": transformer, "register_kwh": float(number)}
    return Record(METER_READING, {**fields, **more})


def everything(bootstrap: str, topic: str) -> list[Any]:
    """All messages of a topic."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test", "enable.auto.commit": False})
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        held = {p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10) for p in partitions}
        consumer.assign([TopicPartition(topic, p, low) for p, (low, _) in held.items()])
        messages: list[Any] = []
        while len(messages) < sum(high - low for low, high in held.values()):
            message = consumer.poll(10)
            if message is None:
                break  # compacted: fewer messages than offsets
            messages.append(message)
        return messages
    finally:
        consumer.close()


@pytest.fixture(params=CLIENTS, ids=lambda client: client.__name__)
def client(request: pytest.FixtureRequest) -> type[KafkaPublisher]:
    return request.param


@pytest.fixture
def rehearsal() -> Iterator[str]:
    """Bootstrap address of librdkafka's own broker inside this process; it has our topics."""
    broker = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none", "log_level": 0})
    for topic in (TOPIC, "deadletter", SCHEMAS):
        broker.produce(topic, b"")
    assert broker.flush(10) == 0
    (address,) = broker.list_topics(timeout=10).brokers.values()
    yield f"{address.host}:{address.port}"


def test_what_a_source_yields_arrives(stack: StackState, client: type[KafkaPublisher]) -> None:
    locality, said = f"t-{uuid4()}", []
    items: list[Item] = [
        *(reading(locality, number) for number in range(1, 501)),
        reading(locality, time="yesterday", capture="export.csv", frames=[7]),
        Refused("malformed", "two\nlines", b"\xff" * 5000, "x.pcap", 12),
        Refused("malformed", "dated", time=NOW + 1),
    ]
    stage = f"ingest {locality}"
    counts = run(iter(items), client(Broker(stack.bootstrap), clock), stage, said.append)

    assert (counts.read, counts.published, counts.delivered, counts.failed) == (503, 500, 503, 0)
    assert counts.refused == {BREAKS_SCHEMA: 1, "malformed": 2}
    assert said == [f"{stage}: read 503, published 500, refused 3 (breaks schema 1, malformed 2), delivered 503"]

    decoder = Decoder(ALL)
    readings = [m for m in everything(stack.bootstrap, TOPIC) if m.key() == locality.encode()]
    assert [decoder.decode(m.value())[1]["register_kwh"] for m in readings] == list(range(1, 501))
    assert len({m.partition() for m in readings}) == 1

    letters = [decoder.decode(m.value())[1] for m in everything(stack.bootstrap, "deadletter")]
    broken, malformed, dated = (letter for letter in letters if letter["stage"] == stage)
    assert (broken["capture"], broken["frame"], broken["reason"]) == ("export.csv", 7, BREAKS_SCHEMA)
    assert b"yesterday" in broken["content"]
    assert (malformed["detail"], malformed["length"], malformed["frame"]) == ("two lines", 5000, 12)
    assert malformed["content"] == b"\xff" * 1024
    assert dated["time"].timestamp() * 1e6 == NOW + 1

    announced = {m.key(): m.value() for m in everything(stack.bootstrap, SCHEMAS)}
    for schema in (METER_READING, DEADLETTER):
        assert announced[fingerprint(schema).hex().encode()] == avro_json(schema).encode()


def test_both_clients_choose_the_same_partition(stack: StackState) -> None:
    run_id = str(uuid4())
    for client in CLIENTS:
        items = [reading(f"{run_id}-{number}-ü", number) for number in range(64)]
        run(items, client(Broker(stack.bootstrap), clock, Pace.BULK), "ingest", lambda _: None)
    seen = [m for m in everything(stack.bootstrap, TOPIC) if m.key() and m.key().startswith(run_id.encode())]
    assert len(seen) == 2 * 64
    assert len({(m.key(), m.partition()) for m in seen}) == 64
    assert len({m.partition() for m in seen}) > 1


def test_a_missing_topic_stops_at_once() -> None:
    broker = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none", "log_level": 0})
    (address,) = broker.list_topics(timeout=10).brokers.values()
    publisher = ConfluentPublisher(Broker(f"{address.host}:{address.port}"), clock)
    with pytest.raises(RunFault, match=r"no topic deadletter, schemas, telemetry\.meter"):
        publisher.announce(METER_READING)


def test_an_absent_broker_is_said(client: type[KafkaPublisher]) -> None:
    with pytest.raises(RunFault, match=r"does not answer.*127\.0\.0\.1:1"):
        client(Broker("127.0.0.1:1", timeout_s=1), clock).announce(METER_READING)


def test_a_full_queue_waits_instead_of_losing(rehearsal: str) -> None:
    publisher = ConfluentPublisher(Broker(rehearsal), clock, extra={"queue.buffering.max.messages": 10})
    counts = run((reading("t", n) for n in range(2_000)), publisher, "ingest", lambda _: None)
    assert counts.delivered == counts.published == counts.read == 2_000


def test_a_record_that_is_not_delivered_is_a_fault_and_is_counted(rehearsal: str) -> None:
    publisher = ConfluentPublisher(Broker(rehearsal), clock, extra={"message.max.bytes": 10_000})
    publisher.announce(METER_READING)
    publisher.publish(*reading("t"))
    publisher.publish(*reading("t", capture="c" * 20_000))
    with pytest.raises(RunFault, match="1 records were not delivered"):
        publisher.publish(*reading("t"))
    said: list[str] = []
    with pytest.raises(RunFault, match="1 records were not delivered"):
        run([reading("t")], publisher, "ingest", said.append)
    assert said[0].endswith("failed 1")


def test_an_oversized_record_is_refused_and_the_run_goes_on(rehearsal: str) -> None:
    items = [reading("t", capture="c" * 300_000), reading("t")]
    counts = run(items, ConfluentPublisher(Broker(rehearsal), clock), "ingest", lambda _: None)
    assert (counts.published, counts.refused, counts.delivered) == (1, {BREAKS_SCHEMA: 1}, 2)


def test_an_interrupt_ends_a_live_source_in_order(rehearsal: str) -> None:
    closed = []

    def live() -> Iterator[Item]:
        try:
            yield reading("t")
            raise KeyboardInterrupt
        finally:
            closed.append(True)

    counts = run(live(), ConfluentPublisher(Broker(rehearsal), clock), "ingest", lambda _: None)
    assert (counts.read, counts.delivered, closed) == (1, 1, [True])


def test_the_counter_line_of_nothing() -> None:
    assert Counts().line("ingest tap") == "ingest tap: read 0, published 0, refused 0, delivered 0"


def test_security_options_of_kafka_python() -> None:
    broker = Broker("b:9093", {"security.protocol": "sasl_ssl", "sasl.mechanism": "PLAIN", "ssl.ca.location": "ca.pem"})
    assert security_options(broker) == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "ssl_cafile": "ca.pem",
    }
    with pytest.raises(ConfigFault, match=r"no option sasl\.oauthbearer\.config"):
        security_options(Broker("b:9093", {"sasl.oauthbearer.config": "x"}))


def test_secrets_stay_out_of_messages() -> None:
    assert "hunter2" not in repr(Broker("b:9093", {"sasl.password": "hunter2"}))
