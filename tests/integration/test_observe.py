"""Sums of the telemetry on a real Kafka and a real PostgreSQL: nothing lost, nothing counted twice, whatever stops when."""

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import Producer

from infra.stack import StackState
from ingest.publisher import Broker
from jobs.observe import run as loop
from jobs.observe.run import Observing, observe
from jobs.observe.store import Store
from jobs.observe.sums import MOST, OTHERS, Fix, Sums
from jobs.observe.views import VIEWS, Observer
from schemas.records import CAM, CAN_FRAME, IEC104, METER_READING, MMS, MODBUS, TELEMETRY
from schemas.types import Domain, Schema
from schemas.wire import encode
from tests.conftest import Database
from tests.engine.examples import filled
from tests.integration.console import rows
from tests.integration.landing import own_topic

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def topic(stack: StackState) -> Iterator[str]:
    with own_topic(stack.bootstrap, "telemetry") as name:
        yield name


def publish(stack: StackState, topic: str, records: list[tuple[Schema, dict[str, Any]]]) -> None:
    producer = Producer({"bootstrap.servers": stack.bootstrap, "enable.idempotence": True})
    for number, (schema, fields) in enumerate(records):
        producer.produce(topic, encode(schema, filled(schema, {"time": AT, **fields})), str(number % 7).encode())
    assert producer.flush(30) == 0


def request(number: int) -> tuple[Schema, dict[str, Any]]:
    own = {"site": "s1", "client": f"10.0.0.{number % 3}", "server": "10.0.1.1", "function": 3 if number % 2 else 6}
    return MODBUS, own | {"exception": 2 if number % 10 == 0 else None}


def test_each_record_counts_once(
    stack: StackState, topic: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = Observing(
        Broker(stack.bootstrap),
        database.landing_dsn,
        (Domain.SUBSTATION,),
        until_end=True,
        topics={Domain.SUBSTATION: topic},
    )
    publish(stack, topic, [request(n) for n in range(500)])
    observe(what, threading.Event(), print)
    publish(stack, topic, [request(n) for n in range(500, 800)])

    class Killed(Exception):
        pass

    # Killed before the write is done, and after it: the next one takes up where PostgreSQL stands.
    real = loop.Store.add
    for after in (False, True):

        def dying(self: loop.Store, *values: Any, _after: bool = after) -> None:
            if _after:
                real(self, *values)
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(loop.Store, "add", dying)
            with pytest.raises(Killed):
                observe(what, threading.Event(), print)
    observe(what, threading.Event(), print)
    found = {(client, action): (n, bad) for client, action, n, bad in rows(
        database.reader_dsn,
        "SELECT client, action, sum(records)::int, sum(failures)::int FROM talk GROUP BY 1, 2",
    )}  # fmt: skip
    expected: Counter[tuple[str, str]] = Counter()
    failed: Counter[tuple[str, str]] = Counter()
    for n in range(800):
        _, fields = request(n)
        key = (fields["client"], "read holding registers" if fields["function"] == 3 else "write register")
        expected[key] += 1
        failed[key] += fields["exception"] is not None
    assert found == {key: (expected[key], failed[key]) for key in expected}
    seen = rows(database.reader_dsn, "SELECT kind, entity, records::int FROM seen ORDER BY 1, 2")
    assert ("Modbus server", "10.0.1.1", 800) in seen and len(seen) == 4


def test_values_tracks_and_energy() -> None:
    observer = Observer()
    for n in range(4):
        point = {"source": "st", "common_address": 1}
        for schema, fields in (
            (IEC104, {**point, "type_id": 36, "object_address": 7, "value": float(n)}),
            (IEC104, {**point, "type_id": 1, "object_address": 9, "value": float(n % 2)}),
            (METER_READING, {"meter": "m", "transformer": "t", "register_kwh": 10.0 + n}),
            (CAM, {"receiver": "r", "station": "x", "latitude": 48.0 + n, "longitude": 11.0}),
            (CAN_FRAME, {"vehicle": "v", "channel": "can0", "can_id": 0x123}),
        ):
            observer.add(schema, 60_000_000 * (n // 2), filled(schema, {"time": AT, **fields}))
    sums = observer.take()
    values = {(minute, key[2], key[4]): level for (minute, key), level in sums.level.items()}
    first, second = values[0, "process value", "value"], values[1, "process value", "value"]
    assert (first.low, first.high, first.last, second.last) == (0.0, 1.0, 1.0, 3.0)
    assert values[1, "switch", "state"].records == 2
    # The first register of a meter tells nothing; each further one a kilowatt-hour.
    assert values[0, "transformer", "metered kWh"].total == 1.0 and values[1, "transformer", "metered kWh"].total == 2.0
    assert values[0, "bus", "frames"].records == 2
    fix = sums.track[1, ("r", "x")]
    assert (fix.latitude, fix.records) == (51.0, 2)
    assert ("vehicle", "CAN identifier", "v", "can0 0x123") in sums.seen
    assert not len(observer.sums)


def test_hours_are_what_their_minutes_come_to(database: Database) -> None:
    store = Store(database.landing_dsn)
    for begin in (0, 2):  # the second write has minutes of two hours
        sums = Sums()
        for minute in (59 + begin, 58 + begin):
            at = 60_000_000 * minute
            for value in (float(minute), 100.0 - minute):
                sums.talked(at, "substation", "s", "flow", ("a", "b"), ("x", "other"), value > 50)
                sums.measured(at, "substation", "s", ("process value", "p"), "value", value)
                sums.located(at, "r", "x", Fix(value / 2, 11.0, None, None, 1))
        store.add(sums, "c", {})
    store.close()
    hour = "extract(epoch FROM slot)::int / 3600"
    for table, what in (
        ("talk", "sum(records)::int, sum(failures)::int"),
        ("level", "min(low), max(high), (array_agg(last ORDER BY slot DESC))[1], sum(total), sum(records)::int"),
        ("track", "(array_agg(latitude ORDER BY slot DESC))[1], sum(records)::int"),
    ):
        minutes, hours = (
            rows(database.reader_dsn, f"SELECT {hour}, {what} FROM {of} GROUP BY 1 ORDER BY 1")
            for of in (table, f"{table}_hour")
        )
        assert minutes == hours and len(hours) == 2
        assert rows(database.reader_dsn, f"SELECT count(*)::int FROM {table}_hour") == [(2,)]


def test_one_action_of_two_classes_is_two_rows(stack: StackState, topic: str, database: Database) -> None:
    pair = {"site": "s", "source": "a", "destination": "b", "pdu": "confirmed_request", "service": "write"}
    publish(stack, topic, [(MMS, {**pair, "control": control}) for control in (True, False)])
    broker = Broker(stack.bootstrap)
    where = {Domain.SUBSTATION: topic}
    what = Observing(broker, database.landing_dsn, (Domain.SUBSTATION,), until_end=True, topics=where)
    observe(what, threading.Event(), print)
    found = rows(database.reader_dsn, "SELECT class, sum(records)::int FROM talk GROUP BY 1 ORDER BY 1")
    assert found == [("control", 1), ("write", 1)]


def test_made_up_names_fill_nothing() -> None:
    sums = Sums()
    for n in range(MOST + 500):
        sums.talked(0, "substation", "s", "flow", (f"a{n}", "b" * 9000), ("x\0y", "other"), False)
        sums.heard(0, "substation", "host", "s", f"a{n}")
    assert len(sums.talk) == MOST + 1 and len(sums.seen) == MOST
    assert sum(counts[0] for counts in sums.talk.values()) == MOST + 500
    (beyond,) = (counts for (_, key), counts in sums.talk.items() if OTHERS in key)
    assert beyond[0] == 500
    assert all(len(name) <= 200 and "\0" not in name for _, key in sums.talk for name in key)


@pytest.mark.parametrize("schema", [s for s in TELEMETRY if s.name in VIEWS], ids=lambda s: s.name)
def test_a_record_with_nothing_in_it_is_no_fault(schema: Schema) -> None:
    Observer().add(schema, 0, filled(schema, {"time": AT}))
