"""The archiving loop: read, decode, and roll by size and time, until told to stop."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message

from ingest.publisher import Broker
from jobs.archive.topic import Arrived, TopicArchive
from jobs.reader import Place, Reader, place_of
from schemas.records import of_domain
from schemas.types import TELEMETRY_DOMAINS, Domain
from schemas.wire import Undecodable

#: Records decoded at a time at most.
BATCH: Final = 5_000
#: Seconds to wait for the first record of a batch; the loop looks at its other duties as often.
LINGER_S: Final = 0.25
#: Seconds between two looks for partitions that were added.
DISCOVER_S: Final = 60.0
#: Rows of a roll at most, a topic; with the size it bounds memory.
ROLL_ROWS: Final = 1_000_000
#: Under this name, and the domains, the broker lists how far we are.
GROUP: Final = "gridwatch-archive"


@dataclass(frozen=True)
class Archiving:
    """What to archive, and where.

    Args:
        broker: Kafka.
        lake: directory of the Parquet lake.
        domains: whose topics; one process a domain is the way to more speed.
        roll_s: age of the oldest waiting row, seconds, at which files are made.
        roll_mb: size of what waits, MiB in memory, at which files are made; a topic.
        until_end: stop behind the records that were there at the start.
        until_idle_s: stop when nothing has come for this long, seconds.
        from_start: begin at the first record kept where a position is gone.
        topics: topic of each domain, where it is not the domain's own.
    """

    broker: Broker
    lake: Path
    domains: tuple[Domain, ...] = TELEMETRY_DOMAINS
    roll_s: float = 60.0
    roll_mb: float = 128.0
    until_end: bool = False
    until_idle_s: float | None = None
    from_start: bool = False
    topics: Mapping[Domain, str] = field(default_factory=dict)

    def topic(self, domain: Domain) -> str:
        """Where a domain's telemetry is read."""
        return self.topics.get(domain, domain.topic)


@dataclass
class Counts:
    """What a run has done; records read = archived + refused."""

    read: int = 0
    archived: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    files: int = 0

    def line(self) -> str:
        """The counter line that ends a run."""
        records = ", ".join(f"{name} {count}" for name, count in sorted(self.archived.items()))
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(self.refused.items()))
        archived = f"archived {self.archived.total()}" + (f" ({records})" if records else "")
        refused = f"not decodable {self.refused.total()}" + (f" ({reasons})" if reasons else "")
        return f"archive: read {self.read}, {archived}, {refused}, Parquet files {self.files}"


def archive(what: Archiving, stop: threading.Event, say: Callable[[str], None]) -> Counts:
    """Archive until told to stop, or until the end that `what` names; then roll and say the counter line.

    Args:
        what: see there.
        stop: ends the run in order.
        say: takes lines of progress.

    Raises:
        RunFault: Kafka does not answer at the start, a topic is missing, a position is gone, a manifest is damaged, the
            lake cannot be written, or another process archives one of the topics.
    """
    counts = Counts()
    schemas = tuple(schema for domain in what.domains for schema in of_domain(domain))
    group = "-".join([GROUP, *(domain.value for domain in what.domains)])
    with ExitStack() as stack:
        reader = Reader(what.broker, [what.topic(domain) for domain in what.domains], schemas, group, say)
        stack.callback(reader.close)
        archives: dict[str, TopicArchive] = {}
        for domain in what.domains:
            archives[what.topic(domain)] = opened = TopicArchive(what.lake, domain, reader.cluster)
            stack.callback(opened.close)
        reader.start(
            {
                Place(topic, partition): offset
                for topic, own in archives.items()
                for partition, offset in own.next.items()
            },
            what.from_start,
        )
        stack.callback(lambda: say(counts.line()))
        say(f"archiving {', '.join(domain.value for domain in what.domains)} in {what.lake}")
        _Loop(what, stop, reader, archives, counts, say).run()
    return counts


class _Loop:
    def __init__(
        self,
        what: Archiving,
        stop: threading.Event,
        reader: Reader,
        archives: Mapping[str, TopicArchive],
        counts: Counts,
        say: Callable[[str], None],
    ) -> None:
        self._what = what
        self._stop = stop
        self._reader = reader
        self._archives = archives
        self._counts = counts
        self._say = say
        self._domain = {what.topic(domain): domain for domain in what.domains}
        self._since: dict[str, float] = {}

    def run(self) -> None:
        ends = self._reader.ends()
        last = discovered = time.monotonic()
        told = self._counts.read
        while not self._stop.is_set():
            batch = self._reader.read(BATCH, LINGER_S)
            now = time.monotonic()
            if batch:
                self._add(batch, now)
                last = now
            for topic, own in self._archives.items():
                if self._due(topic, own, now):
                    self._roll(topic)
            if now - discovered >= DISCOVER_S:
                self._reader.discover()
                discovered = now
                if self._counts.read != told:
                    told = self._counts.read
                    self._say(self._counts.line())
            if self._what.until_idle_s is not None and now - last >= self._what.until_idle_s:
                break
            if self._what.until_end:
                positions = self._reader.positions()
                if all(positions[place] >= end for place, end in ends.items()):
                    break
        for topic in self._archives:
            self._roll(topic)

    def _due(self, topic: str, own: TopicArchive, now: float) -> bool:
        if not own.moved:
            return False
        return (
            now - self._since[topic] >= self._what.roll_s
            or own.bytes >= self._what.roll_mb * 1_048_576
            or own.rows >= ROLL_ROWS
        )

    def _roll(self, topic: str) -> None:
        own = self._archives[topic]
        self._counts.files += own.roll()
        self._since.pop(topic, None)
        self._reader.report({Place(topic, partition): offset for partition, offset in own.next.items()})

    def _add(self, batch: Sequence[Message], now: float) -> None:
        arrived: dict[str, list[Arrived]] = {}
        positions: dict[str, dict[int, int]] = {}
        for message in batch:
            place, offset = place_of(message), int(message.offset() or 0)
            positions.setdefault(place.topic, {})[place.partition] = offset + 1
            try:
                schema, fields = self._reader.decode(message)
                if schema.domain is not self._domain[place.topic]:
                    raise Undecodable("wrong topic", schema.name)
            except Undecodable as wrong:
                self._counts.refused[wrong.reason] += 1
                continue
            kind, milliseconds = message.timestamp()
            broker = None if kind == TIMESTAMP_NOT_AVAILABLE else milliseconds * 1000
            arrived.setdefault(place.topic, []).append(Arrived(schema, fields, place.partition, offset, broker))
            self._counts.archived[schema.name] += 1
        for topic, moved in positions.items():
            self._archives[topic].add(arrived.get(topic, []), moved)
            self._since.setdefault(topic, now)
        self._counts.read += len(batch)
