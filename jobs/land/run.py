"""The landing loop: read and land, through outages, until told to stop; a thread beside it files."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from confluent_kafka import Message, Producer

from ingest.publisher import Broker
from jobs.land.filer import Filer
from jobs.land.filing import Filing
from jobs.land.rows import BREAKS_SCHEMA, row_of
from jobs.land.store import FILING, LANDING, REFUSED, Landed, Row, Store
from jobs.land.suppressions import Suppression, hidden_by
from jobs.outages import address, through_outages
from jobs.reader import Place, Reader, place_of
from schemas.errors import RunFault
from schemas.records import ALERT, DEADLETTER
from schemas.records.deadletter import KEPT_BYTES
from schemas.topics import ALERTS
from schemas.topics import DEADLETTER as DEADLETTERS
from schemas.wire import Undecodable, encode

#: Records landed in one transaction at most.
BATCH: Final = 2_000
#: Seconds to wait for the first record of a batch; the loop looks at its other duties as often.
LINGER_S: Final = 0.1
#: Seconds between two looks for partitions that were added.
DISCOVER_S: Final = 60.0
#: Seconds between two signs of life in PostgreSQL.
LOOK_S: Final = 15.0
#: Longest wait (s) of such a look for the broker.
LOOK_TIMEOUT_S: Final = 5.0
#: Who we are, in dead letters and in the broker's list of groups.
STAGE: Final = "land"
GROUP: Final = "gridwatch-land"


class Watcher(Protocol):
    """Told of every alert that has landed, after the commit, but of those suppressed or collapsed into a storm; must not wait."""

    def __call__(self, alerts: Sequence[dict[str, Any]]) -> None: ...


@dataclass(frozen=True)
class Landing:
    """What to land, and where.

    Args:
        broker: Kafka.
        dsn: PostgreSQL, as the owner of our tables.
        lake: directory of the Parquet lake.
        roll_s: age of the oldest row without a file, seconds, at which files are made.
        until_end: stop behind the records that were there at the start.
        until_idle_s: stop when nothing has come for this long, seconds.
        from_start: begin at the first record kept where a position is gone.
        rebuild: write every Parquet file anew from PostgreSQL.
        alerts: topic of the alerts.
        deadletters: topic of the dead letters.
        suppressions: what hides alerts from incidents.
    """

    broker: Broker
    dsn: str = field(repr=False)
    lake: Path
    roll_s: float = 60.0
    until_end: bool = False
    until_idle_s: float | None = None
    from_start: bool = False
    rebuild: bool = False
    alerts: str = ALERTS
    deadletters: str = DEADLETTERS
    suppressions: tuple[Suppression, ...] = ()


@dataclass
class Counts:
    """What a run has done: by table, records that were new and records known already."""

    read: int = 0
    new: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    files: int = 0

    def line(self) -> str:
        """The counter line that ends a run."""
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(self.refused.items()))
        parts = [f"{name} {self.new[name]} new, {self.known[name]} known" for name in (ALERT.name, DEADLETTER.name)]
        refused = f"refused {self.refused.total()}" + (f" ({reasons})" if reasons else "")
        return f"land: read {self.read}; {'; '.join(parts)}; {refused}; Parquet files {self.files}"


def land(what: Landing, stop: threading.Event, say: Callable[[str], None], watch: Watcher | None = None) -> Counts:
    """Land until told to stop, or until the end that `what` names; then make the files and say the counter line.

    Args:
        what: see there.
        stop: ends the run in order.
        say: takes lines of progress.
        watch: told of new alerts.

    Raises:
        RunFault: Kafka does not answer at the start, a topic is missing, a position is gone, or the lake cannot be
            written. A PostgreSQL that is away is waited for.
    """
    loop = _Loop(what, stop, say, watch)
    try:
        loop.run()
    finally:
        loop.close()
        say(loop.counts.line())
    return loop.counts


class _Loop:
    def __init__(self, what: Landing, stop: threading.Event, say: Callable[[str], None], watch: Watcher | None) -> None:
        self._what = what
        self._stop = stop
        self._say = say
        self._watch = watch
        self.counts = Counts()
        self._reader = Reader(what.broker, (what.alerts, what.deadletters), (ALERT, DEADLETTER), GROUP, say)
        self._producer = Producer(
            {
                "bootstrap.servers": what.broker.bootstrap,
                "client.id": "gridwatch-land",
                "enable.idempotence": True,
                "log_level": 0,
                **what.broker.security,
            }
        )
        self._store: Store | None = None
        self._filing_store: Store | None = None
        self._filer: Filer | None = None
        self._ends: dict[Place, int] | None = None
        self._rebuilt = False
        self._waited_for: float | None = None

    def run(self) -> None:
        """Work; after a lost connection, from the positions that PostgreSQL has."""
        through_outages(self._connect, self._work, self._disconnect, self._what.dsn, self._stop, self._say)

    def close(self) -> None:
        """Leave all servers."""
        self._disconnect()
        self._reader.close()

    def _connect(self) -> bool:
        """Connect, become the one landing process, and take up where the last one ended; False while standing by."""
        if self._store is None:
            self._store = Store(self._what.dsn)
        if self._filing_store is None:
            self._filing_store = Store(self._what.dsn)
        store, filing_store = self._store, self._filing_store
        if not (store.lock(LANDING) and filing_store.lock(FILING)):
            if self._waited_for is None:
                self._say("another landing process is at work on this database; standing by")
                self._waited_for = time.monotonic()
            self._stop.wait(1.0 if time.monotonic() - self._waited_for > 5 else 0.05)
            return False
        self._waited_for = None
        store.describe()
        filing = Filing(self._what.lake, filing_store.ledger())
        filing.start(filing_store, self._what.rebuild and not self._rebuilt)
        self._rebuilt = True
        self.counts.files += filing.write(filing_store)
        self._filer = Filer(filing_store, filing, self._what.roll_s)
        self._reader.start(store.positions(self._reader.cluster), self._what.from_start)
        if self._ends is None:
            self._ends = self._reader.ends()
            self._say(f"landing in {address(self._what.dsn)} and in {self._what.lake}")
        return True

    def _disconnect(self) -> None:
        if self._filer is not None:
            self._filer.close()
            self.counts.files += self._filer.files
            self._filer = None
        if self._filing_store is not None:
            self._filing_store.close()
            self._filing_store = None
        if self._store is not None:
            self._store.close()
            self._store = None

    def _work(self) -> None:
        assert self._filer is not None
        last = discovered = time.monotonic()
        looked = last - LOOK_S
        told = self.counts.read
        while not self._stop.is_set():
            batch = self._reader.read(BATCH, LINGER_S)
            now = time.monotonic()
            if batch:
                self._land(batch)
                last = time.monotonic()
            self._filer.check()
            if now - looked >= LOOK_S:
                self._look()
                looked = now
            if now - discovered >= DISCOVER_S:
                self._reader.discover()
                discovered = now
                if self.counts.read != told:
                    told = self.counts.read
                    self._say(self.counts.line())
            if self._at_end(idle_s=now - last):
                self._look()
                break
        self._filer.finish()

    def _look(self) -> None:
        """Tell PostgreSQL that we are there, and how much waits."""
        assert self._store is not None
        try:
            ends = self._reader.ends(LOOK_TIMEOUT_S)
        except RunFault:
            # Kafka is away: the reader says so and waits; until it is back, the sign of life is missing.
            return
        self._store.seen(self._reader.cluster, ends)

    def _at_end(self, idle_s: float) -> bool:
        if self._what.until_idle_s is not None and idle_s >= self._what.until_idle_s:
            return True
        if not self._what.until_end or self._ends is None:
            return False
        positions = self._reader.positions()
        return all(positions[place] >= end for place, end in self._ends.items())

    def _land(self, batch: Sequence[Message]) -> None:
        """One transaction."""
        assert self._store is not None
        rows: list[Row] = []
        origins: list[Message] = []
        refusals: list[tuple[Message, Undecodable]] = []
        suppressions = (*self._what.suppressions, *self._store.suppressions())
        for message in batch:
            try:
                schema, record = self._reader.decode(message)
                expected = ALERT if message.topic() == self._what.alerts else DEADLETTER
                if schema is not expected:
                    raise Undecodable("wrong topic", f"a {schema.name} record on {message.topic()}")
                if schema is ALERT:
                    # Set here and nowhere else, whatever the message says.
                    record |= {"storm": None, "suppression": hidden_by(record, suppressions)}
                identity, values = row_of(schema, record, f"{message.topic()}|{message.partition()}|{message.offset()}")
            except Undecodable as wrong:
                refusals.append((message, wrong))
            else:
                rows.append(Row(schema, identity, values))
                origins.append(message)
        # In the order of arrival: the last message of a partition counts.
        moved = {place_of(message): int(message.offset() or 0) + 1 for message in batch}
        self._refuse(refusals)
        try:
            landed = self._store.land(rows, self._reader.cluster, moved)
        except REFUSED:
            bad = self._store.unstorable(rows)
            self._refuse([(origins[index], Undecodable(BREAKS_SCHEMA, detail)) for index, detail in bad.items()])
            rows = [row for index, row in enumerate(rows) if index not in bad]
            landed = self._store.land(rows, self._reader.cluster, moved)
        self._reader.report(moved)
        self.counts.read += len(batch)
        self._count(rows, landed)

    def _count(self, rows: Sequence[Row], landed: Landed) -> None:
        fresh: dict[str, Row] = {}
        for row in rows:
            if row.identity in landed.new and row.identity not in fresh:
                fresh[row.identity] = row
                self.counts.new[row.schema.name] += 1
            else:
                self.counts.known[row.schema.name] += 1
        alerts = [dict(zip(ALERT.names, row.values, strict=True)) for row in fresh.values() if row.schema is ALERT]
        alerts = [a for a in alerts if a["suppression"] is None and a["alert_id"] not in landed.collapsed]
        if self._watch is not None and alerts:
            self._watch(alerts)

    def _refuse(self, refusals: Sequence[tuple[Message, Undecodable]]) -> None:
        """Publish dead letters, and wait for the broker: the positions move only behind what is safe.

        Killed in between, the same dead letters are published again; landing tells them by what they are about.
        """
        if not refusals:
            return
        failed: list[str] = []
        for message, wrong in refusals:
            value = message.value() or b""
            _, milliseconds = message.timestamp()
            letter = {
                "time": max(milliseconds, 0) * 1000,  # -1: the message has none
                "stage": STAGE,
                "reason": wrong.reason,
                "detail": wrong.detail.replace("\0", "�"),
                "topic": message.topic(),
                "partition": message.partition(),
                "offset": message.offset(),
                "length": len(value),
                "content": value[:KEPT_BYTES],
            }
            self._producer.produce(
                self._what.deadletters,
                encode(DEADLETTER, letter),
                STAGE.encode(),
                on_delivery=lambda error, _: failed.append(error.str()) if error is not None else None,
            )
            self.counts.refused[wrong.reason] += 1
        self._producer.flush()
        if self._ends is not None:
            # What we refused is to be landed before the end, too.
            self._ends |= {p: end for p, end in self._reader.ends().items() if p.topic == self._what.deadletters}
        if failed:
            raise RunFault(
                f"{len(failed)} dead letters could not be published: {failed[0]}",
                self._what.broker.bootstrap,
                "look at the broker's state and the access rights, then start again: nothing was passed over",
            )
