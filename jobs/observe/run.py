"""The observing loop: read, decode, sum, and write every few seconds, through outages, until told to stop."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message

from ingest.publisher import Broker
from jobs.observe.store import Store
from jobs.observe.views import Observer
from jobs.outages import through_outages
from jobs.reader import Place, Reader, place_of
from schemas.records import of_domain
from schemas.types import TELEMETRY_DOMAINS, Domain
from schemas.wire import Undecodable

#: Records decoded at a time at most, and seconds to wait for the first.
BATCH: Final = 5_000
LINGER_S: Final = 0.25
#: Seconds between two writes, and rows of sums after which one comes sooner.
WRITE_S: Final = 2.0
WRITE_ROWS: Final = 20_000
#: Seconds between two looks for partitions that were added, and between two clearings of what is old.
DISCOVER_S: Final = 60.0
FORGET_S: Final = 3600.0
GROUP: Final = "gridwatch-observe"


@dataclass(frozen=True)
class Observing:
    """What to observe, and where to.

    Args:
        broker: Kafka.
        dsn: PostgreSQL, as the landing role or the owner of our tables.
        domains: whose topics.
        until_end: stop behind the records that were there at the start.
        from_start: begin at the first record kept where a position is gone.
        topics: topic of each domain, where it is not the domain's own.
    """

    broker: Broker
    dsn: str = field(repr=False)
    domains: tuple[Domain, ...] = TELEMETRY_DOMAINS
    until_end: bool = False
    from_start: bool = False
    topics: Mapping[Domain, str] = field(default_factory=dict)

    def topic(self, domain: Domain) -> str:
        """Where a domain's telemetry is read."""
        return self.topics.get(domain, domain.topic)


@dataclass
class Counts:
    """What a run has done."""

    read: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    rows: int = 0

    def line(self) -> str:
        """The counter line that ends a run."""
        return f"observe: read {self.read}, not decodable {self.refused.total()}, rows of sums written {self.rows}"


def observe(what: Observing, stop: threading.Event, say: Callable[[str], None]) -> Counts:
    """Observe until told to stop, or until the end that `what` names; then write and say the counter line.

    Raises:
        RunFault: Kafka does not answer at the start, a topic is missing, a position is gone, or the tables are of another
            version. A PostgreSQL that is away is waited for.
    """
    loop = _Loop(what, stop, say)
    try:
        loop.run()
    finally:
        loop.close()
        say(loop.counts.line())
    return loop.counts


class _Loop:
    def __init__(self, what: Observing, stop: threading.Event, say: Callable[[str], None]) -> None:
        self._what, self._stop, self._say = what, stop, say
        self.counts = Counts()
        schemas = tuple(schema for domain in what.domains for schema in of_domain(domain))
        group = "-".join([GROUP, *(domain.value for domain in what.domains)])
        self._reader = Reader(what.broker, [what.topic(domain) for domain in what.domains], schemas, group, say)
        self._store: Store | None = None
        self._ends: dict[Place, int] | None = None
        self._told = False

    def run(self) -> None:
        """Work; after a lost connection, from the positions that PostgreSQL has."""
        through_outages(self._connect, self._work, self._disconnect, self._what.dsn, self._stop, self._say)

    def close(self) -> None:
        """Leave all servers."""
        self._disconnect()
        self._reader.close()

    def _connect(self) -> bool:
        if self._store is None:
            self._store = Store(self._what.dsn)
        if not self._store.lock():
            if not self._told:
                self._say("another process observes on this database; standing by")
                self._told = True
            self._stop.wait(1.0)
            return False
        topics = {self._what.topic(domain) for domain in self._what.domains}
        positions = self._store.positions(self._reader.cluster)
        self._reader.start({p: o for p, o in positions.items() if p.topic in topics}, self._what.from_start)
        if self._ends is None:
            self._ends = self._reader.ends()
            self._say(f"observing {', '.join(domain.value for domain in self._what.domains)}")
        return True

    def _disconnect(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def _work(self) -> None:
        assert self._store is not None
        observer = Observer()
        moved: dict[Place, int] = {}
        written = discovered = time.monotonic()
        forgotten = 0.0
        while True:
            batch = self._reader.read(BATCH, LINGER_S)
            for message in batch:
                self._add(observer, message)
                moved[place_of(message)] = int(message.offset() or 0) + 1
            now = time.monotonic()
            over = self._stop.is_set() or self._at_end()
            if moved and (over or now - written >= WRITE_S or len(observer.sums) >= WRITE_ROWS):
                sums = observer.take()
                self._store.add(sums, self._reader.cluster, moved)
                self.counts.rows += len(sums)
                self._reader.report(moved)
                moved, written = {}, now
            if over:
                return
            if now - discovered >= DISCOVER_S:
                self._reader.discover()
                discovered = now
            if not forgotten or now - forgotten >= FORGET_S:
                self._store.forget()
                forgotten = now

    def _add(self, observer: Observer, message: Message) -> None:
        self.counts.read += 1
        try:
            schema, fields = self._reader.decode(message)
        except Undecodable as wrong:
            # Detection sends it to the dead letters.
            self.counts.refused[wrong.reason] += 1
            return
        kind, milliseconds = message.timestamp()
        at = time.time_ns() // 1000 if kind == TIMESTAMP_NOT_AVAILABLE else milliseconds * 1000
        observer.add(schema, at, fields)

    def _at_end(self) -> bool:
        if not self._what.until_end or self._ends is None:
            return False
        positions = self._reader.positions()
        return all(positions[place] >= end for place, end in self._ends.items())
