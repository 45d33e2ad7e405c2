"""Filling a topic with the readings of a fleet, and a few of the rarer records of its domain."""

import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

from ingest.publisher import Broker, Pace
from ingest.publisher_confluent import ConfluentPublisher
from ingest.source import Record
from jobs.bench.columns import encode_columns
from jobs.bench.fleet import INTERVAL_S, Columns, Fleet
from schemas.records import HEADEND_COMMAND, METER_EVENT, METER_READING
from schemas.topics import topic_of
from schemas.types import Schema

#: Readings encoded at a time.
CHUNK: Final = 50_000
#: Readings to one meter event and one head-end command.
RARE: Final = 1_000


class Filler(ConfluentPublisher):
    """A publisher of records that are encoded already."""

    def send(self, schema: Schema, columns: Columns) -> int:
        """Publish records given as columns; gives their number."""
        self.announce(schema)
        topic = topic_of(schema)
        messages = encode_columns(schema, columns)
        for key, value in zip(columns[schema.locality].tolist(), messages, strict=True):
            self._send(topic, key, value)
        return len(messages)


def fleet_of(meters: int, records: int, seed: int) -> Fleet:
    """A fleet whose `records` readings end about now."""
    rounds = -(-records // meters) + 1
    return Fleet(meters, time.time_ns() // 1000 - rounds * INTERVAL_S * 1_000_000, seed)


def fill(broker: Broker, fleet: Fleet, records: int) -> int:
    """Publish `records` readings and the rare records among them; gives the number of all records."""
    filler = Filler(broker, lambda: time.time_ns() // 1000, Pace.BULK)
    count = 0
    for chunk in fleet.chunks(records, CHUNK):
        count += filler.send(METER_READING, chunk)
        for schema, fields in _rare(chunk):
            filler.publish(schema, fields)
            count += 1
    filler.flush()
    return count


def publish(broker: Broker, records: Iterable[Record]) -> None:
    """Publish records of any type, and wait until they are there."""
    filler = Filler(broker, lambda: time.time_ns() // 1000, Pace.BULK)
    for record in records:
        filler.announce(record.schema)
        filler.publish(record.schema, record.fields)
    filler.flush()


def _rare(chunk: Columns) -> Iterator[tuple[Schema, dict[str, Any]]]:
    """Everyday events and commands, of which no detector should make anything."""
    for at in range(0, len(chunk["time"]), RARE):
        place = {"time": int(chunk["time"][at]), "meter": chunk["meter"][at].decode()}
        transformer = chunk["transformer"][at].decode()
        event = {"transformer": transformer, "profile": "dlms", "code": 4, "meaning": "clock_adjusted"}
        yield METER_EVENT, {**place, **event}
        command = {"headend": "H1", "operator": "billing", "host": "billing-1", "command": "read", "result": "done"}
        yield HEADEND_COMMAND, {**place, **command}
