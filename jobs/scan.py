"""The detectors over files: no Kafka, no Spark, no JVM. The same records give the same alert ids as the streaming job."""

import csv
import json
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import polars as pl

from detectors.catalog import of_domain
from detectors.engine import Engine, Outcome, State
from detectors.local import frame, line_of, make_engine
from detectors.site import Site
from ingest.files import FileOptions, open_source
from ingest.recognise import Kind, recognise
from ingest.source import Item, Refused, capture_name
from schemas.records import ALERT, BY_NAME
from schemas.types import Domain

#: Records a batch: the first is small, so that the first alert of a long file does not wait for many records.
FIRST_BATCH, BATCH = 500, 50_000
#: A live or slow source hands over what it has after so long, seconds.
PATIENCE_S = 1.0


@dataclass
class Summary:
    """What a scan came to.

    Attributes:
        records: by record type.
        refused: by reason.
        alerts: by detector.
        off: detectors that did not run, with the reason, of the domains that occurred.
        first_refused: what was refused first of a file.
    """

    records: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    alerts: Counter[str] = field(default_factory=Counter)
    off: dict[str, str] = field(default_factory=dict)
    first_refused: dict[Path, Refused] = field(default_factory=dict)


class Scan:
    """One scan over several files, with state carried from file to file.

    Args:
        site: the site facts.
        only: ids of the detectors to run; empty for all.
        clock: microseconds since 1970, dates the detection of alerts (not part of their ids).
    """

    def __init__(
        self, site: Site, only: Sequence[str] = (), clock: Callable[[], int] = lambda: time.time_ns() // 1000
    ) -> None:
        self.summary = Summary()
        self._site, self._only, self._clock = site, frozenset(only), clock
        self._engines: dict[Domain, tuple[Engine, State]] = {}
        self._alerts: list[pl.DataFrame] = []
        self._opened: list[_Opened] = []
        self._arrived = 0

    def run(self, path: Path, options: FileOptions | None = None) -> Iterator[Outcome]:
        """Scan one file; an outcome a batch and domain.

        Raises:
            UsageFault: the file is of no kind that is known.
            RunFault: it cannot be read.
        """
        self._opened.append(_Opened(self._arrived, path, recognise(path) is Kind.PARQUET))
        for batch in _batches(open_source(path, self._site.name, options)):
            by_type: dict[str, tuple[list[dict[str, Any]], list[int]]] = {}
            for position, item in enumerate(batch, self._arrived):
                if isinstance(item, Refused):
                    self.summary.refused[item.reason] += 1
                    self.summary.first_refused.setdefault(path, item)
                    continue
                records, arrival = by_type.setdefault(item.schema.name, ([], []))
                records.append(item.fields)
                arrival.append(position)
            self._arrived += len(batch)
            frames: dict[Domain, dict[str, pl.DataFrame]] = {}
            for name, (records, arrival) in by_type.items():
                schema = BY_NAME[name]
                self.summary.records[name] += len(records)
                frames.setdefault(schema.domain, {})[name] = frame(schema, records, arrival)
            for domain, content in frames.items():
                yield self._step(domain, content)

    def correlate(self) -> Outcome | None:
        """What the alerts of all files show together, once they are all read; None where there is nothing to look at."""
        if not self._alerts:
            return None
        engine = self._engine(Domain.CORRELATION)[0]
        alerts = pl.concat(self._alerts)
        outcome = engine.step({}, {ALERT.name: line_of(alerts)}, flags=False)
        if len(outcome.alerts):
            self.summary.alerts.update(outcome.alerts["detector"].to_list())
            # The place of the alert that decides, which is the last of the related.
            place = alerts.select(pl.col("alert_id").alias("_last"), pl.col("frames").alias("_frames")).unique("_last")
            outcome.alerts = (
                outcome.alerts.with_columns(pl.col("related").list.last().alias("_last"))
                .join(place, on="_last", how="left", maintain_order="left")
                .with_columns(pl.col("_frames").alias("frames"), *self._detected(outcome.alerts))
                .drop("_last", "_frames")
            )
        return outcome

    def place(self, offset: int, frames: Sequence[int] | None) -> tuple[Path, Sequence[int]]:
        """The scanned file of a record and its numbers there: frames, lines, or the row of a Parquet file.

        Args:
            offset: the record's, which counts all that was read since the scan began.
            frames: the numbers that the record carries; those of a Parquet file name the origin of its rows.
        """
        opened = self._file(offset)
        return opened.path, frames if frames and not opened.parquet else [offset - opened.first + 1]

    def _step(self, domain: Domain, content: dict[str, pl.DataFrame]) -> Outcome:
        engine, state = self._engine(domain)
        outcome = engine.step(state, content)
        self._engines[domain] = engine, outcome.state
        if len(outcome.alerts):
            self.summary.alerts.update(outcome.alerts["detector"].to_list())
            outcome.alerts = self._complete(outcome.alerts, outcome.flags)
            looked_at = self._engine(Domain.CORRELATION)[0].plan.records[ALERT.name].columns
            self._alerts.append(outcome.alerts.select(looked_at))
        return outcome

    def _engine(self, domain: Domain) -> tuple[Engine, State]:
        if domain not in self._engines:
            chosen = [d for d in of_domain(domain, self._site) if not self._only or d.id in self._only]
            engine = make_engine(domain, chosen, self._site)
            self._engines[domain] = engine, {}
            self.summary.off |= engine.plan.off
        return self._engines[domain]

    def _file(self, offset: int) -> "_Opened":
        return self._opened[bisect_right(self._opened, offset, key=lambda o: o.first) - 1]

    def _complete(self, alerts: pl.DataFrame, flags: pl.DataFrame) -> pl.DataFrame:
        """Date the detection; evidence names one file, that of the deciding record, with numbers in it; offsets are none.

        Not so in a Parquet file whose rows name captures: there the numbers are those of every capture that led to the alert.
        """
        names, numbers = alerts["capture"].to_list(), alerts["frames"].to_list()
        told = flags.join(alerts.select("alert_id"), on="alert_id", how="semi").select("alert_id", "offset", "frames")
        frames = {(alert, offset): carried for alert, offset, carried in told.iter_rows()}
        for row, (alert, offsets) in enumerate(alerts.select("alert_id", "offsets").iter_rows()):
            if offsets is None:
                continue  # silence, found where nothing but an excuse moved the clock: no record is evidence of it
            deciding, named = self._file(max(offsets)), names[row] is not None
            if named and deciding.parquet:
                continue  # its rows name the capture that they come from
            same = [offset for offset in offsets if self._file(offset) is deciding]
            carried = [frames.get((alert, offset)) if named else None for offset in same]
            numbers[row] = [n for places in zip(same, carried, strict=True) for n in self.place(*places)[1]]
            if not named:
                names[row] = capture_name(deciding.path)
        return alerts.with_columns(
            pl.Series("capture", names, dtype=pl.String),
            pl.Series("frames", numbers, dtype=alerts.schema["frames"]),
            *self._detected(alerts),
        )

    def _detected(self, alerts: pl.DataFrame) -> list[pl.Expr]:
        """When they were found, and that they stand on no topic."""
        now = datetime.fromtimestamp(self._clock() / 1e6, UTC)
        return [
            pl.lit(None, dtype=alerts.schema["offsets"]).alias("offsets"),
            pl.lit(now).cast(pl.Datetime("us", "UTC")).alias("detected"),
        ]


@dataclass(frozen=True)
class _Opened:
    """A file whose records have offsets from `first` on."""

    first: int
    path: Path
    parquet: bool


class Flags:
    """The file of flags: every record that took part in a firing.

    Args:
        sink: where to write; columns file (as the user named it), record_number, detector, alert_id.
        place: `Scan.place`.
    """

    def __init__(self, sink: TextIO, place: Callable[[int, Sequence[int] | None], tuple[Path, Sequence[int]]]) -> None:
        self._writer = csv.writer(sink, lineterminator="\n")
        self._writer.writerow(["file", "record_number", "detector", "alert_id"])
        self._place = place
        self._seen: set[tuple[Path, int, str, str]] = set()

    def write(self, outcome: Outcome) -> None:
        """Write the records of a batch that were not written before, one row a frame or line."""
        if outcome.flags.is_empty():
            return
        flags = outcome.flags.select("offset", "frames", "detector", "alert_id")
        for offset, frames, detector, alert in flags.iter_rows():
            path, numbers = self._place(offset, frames)
            for number in numbers:
                row = path, number, detector, alert
                if row not in self._seen:
                    self._seen.add(row)
                    self._writer.writerow(row)


def to_json(alert: dict[str, Any]) -> str:
    """An alert as one line of JSON; times in ISO 8601, evidence records as objects."""
    plain = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in alert.items()}
    plain["evidence"] = [json.loads(record) for record in alert["evidence"]]
    return json.dumps(plain, ensure_ascii=False, default=str)


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Cut a source into batches: by number, and by time where records come slowly."""
    source = iter(items)
    size = FIRST_BATCH
    while True:
        begun = time.monotonic()
        batch = list(islice(source, 1))
        for item in islice(source, size - 1):
            batch.append(item)
            if time.monotonic() - begun > PATIENCE_S:
                break
        if not batch:
            return
        yield batch
        size = BATCH
