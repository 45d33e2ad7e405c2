"""`gridwatch ingest` onto a real Kafka: every line is a record or a dead letter there, keyed by its locality."""

import secrets
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from infra.stack import StackState
from jobs.command.root import run
from schemas.records import DEADLETTER, METER_READING
from schemas.topics import DEADLETTER as DEADLETTER_TOPIC
from schemas.wire import Decoder


def values_of(bootstrap: str, topic: str) -> list[tuple[bytes, bytes]]:
    """Keys and values of everything in a topic now."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": secrets.token_hex(8), "enable.auto.commit": False})
    partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
    held, begins = 0, []
    for partition in partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=30)
        held += high - low
        begins.append(TopicPartition(topic, partition, low))
    consumer.assign(begins)
    found: list[tuple[bytes, bytes]] = []
    while len(found) < held:
        message = consumer.poll(30)
        assert message is not None, "the broker does not hand over what it holds"
        assert message.error() is None
        found.append((message.key(), message.value()))
    consumer.close()
    return found


def test_a_table_arrives_whole(
    stack: StackState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    transformer = f"T-{secrets.token_hex(4)}"
    rows = [f"2026-01-01T00:{n // 60:02}:{n % 60:02}Z,M{n},{transformer},{n}" for n in range(300)]
    rows[100] = f"today,M100,{transformer},1"
    file = tmp_path / f"{transformer}.csv"
    file.write_text("\n".join(["time,meter,transformer,register_kwh", *rows]) + "\n")
    monkeypatch.setenv("GRIDWATCH_KAFKA__BOOTSTRAP_SERVERS", stack.bootstrap)
    assert run(["ingest", "meter", str(file)]) == 0
    assert "read 300, published 299, refused 1 (type 1), delivered 300" in capsys.readouterr().err

    decoder = Decoder((METER_READING, DEADLETTER))
    mine = [value for key, value in values_of(stack.bootstrap, "telemetry.meter") if key == transformer.encode()]
    assert len(mine) == 299
    decoded = [decoder.decode(value)[1] for value in mine]
    assert [reading["frames"][0] for reading in decoded] == [n + 2 for n in range(300) if n != 100]
    letters = [decoder.decode(value)[1] for _, value in values_of(stack.bootstrap, DEADLETTER_TOPIC)]
    (letter,) = [letter for letter in letters if letter["capture"] == file.name]
    assert (letter["stage"], letter["reason"], letter["frame"]) == ("ingest meter", "type", 102)
    assert letter["content"] == rows[100].encode()


def test_a_broker_that_is_absent_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["ingest", "meter", "-"]) == 3
    assert "gridwatch up" in capsys.readouterr().err
