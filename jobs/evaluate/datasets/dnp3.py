"""DNP3 attacks as the attacker's switch port saw them (QUT 2017): a log says when each attack began and ended, UTC+10."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

import polars as pl

from detectors.profiles.threat import Severity
from detectors.site import Site, parse_site
from ingest.source import Record
from jobs.evaluate.datasets import captures
from jobs.evaluate.datasets.row import Row

ZONE: Final = timezone(timedelta(hours=10))
#: The one legitimate master of the bench.
MASTER: Final = "192.168.10.221"
#: Clocks of log and capture, and answers on their way: an interval is that much longer on both sides.
SLACK_US: Final = 2_000_000


@dataclass(frozen=True)
class Interval:
    """One logged attack, microseconds since 1970."""

    attack: str
    start: int
    end: int

    def holds(self, time: int) -> bool:
        """Whether a time lies within, or within the slack."""
        return self.start - SLACK_US <= time <= self.end + SLACK_US


def bench_site() -> Site:
    """A site file of the bench: its one master."""
    return parse_site({"name": captures.SITE, "dnp3": {"masters": [MASTER]}}, "dnp3_qut2017")


def intervals(log: Path) -> list[Interval]:
    """The attacks of a log, in order.

    Args:
        log: lines `date time attack ... START|END`; an END follows its START.
    """
    out: list[Interval] = []
    begun: tuple[str, int] | None = None
    for line in log.read_text(encoding="utf-8").splitlines():
        day, clock, attack, *_, what = line.split()
        time = round(datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=ZONE).timestamp() * 1e6)
        if what == "START":
            begun = attack, time
        elif begun is not None:
            out.append(Interval(begun[0], begun[1], time))
            begun = None
    return out


@dataclass(frozen=True)
class Figure:
    """What a capture came to.

    Args:
        hit: attack -> (intervals hit, intervals with DNP3 messages).
        missed: those with messages that no alert above severity low hit.
        false: detectors of alerts above low that lie in no interval, one entry an alert.
    """

    hit: dict[str, tuple[int, int]]
    missed: tuple[Interval, ...]
    false: tuple[str, ...]


def judge(found: Sequence[Record], attacks: Sequence[Interval], site: Site) -> Figure:
    """Run all detectors of substations over a capture's records and compare with its log.

    An interval is hit where a record within it took part in a firing of severity above low.
    """
    outcome = captures.run(found, site)
    above = outcome.alerts
    above = above.filter(pl.col("severity_id") > Severity.LOW.value) if len(above) else above
    spans = [
        (row["detector"], round(row["first_time"].timestamp() * 1e6), round(row["last_time"].timestamp() * 1e6))
        for row in above.iter_rows(named=True)
    ]
    times: dict[int, int] = {}
    for record in found:
        for number in record.fields.get("frames") or ():
            times[number] = record.fields["time"]
    told = set(above["alert_id"].to_list()) if len(above) else set()
    flags = outcome.flags.filter(pl.col("alert_id").is_in(list(told))) if told else outcome.flags
    flagged = [times[n] for n in set(flags["frames"].explode().drop_nulls().to_list())] if len(flags) else []
    hit: dict[str, tuple[int, int]] = {}
    missed = []
    for attack in attacks:
        if not any(r.schema.name == "dnp3" and attack.holds(r.fields["time"]) for r in found):
            continue
        caught = any(attack.holds(time) for time in flagged)
        before = hit.get(attack.attack, (0, 0))
        hit[attack.attack] = before[0] + caught, before[1] + 1
        if not caught:
            missed.append(attack)
    false = tuple(
        name
        for name, first, last in spans
        if not any(first <= a.end + SLACK_US and last >= a.start - SLACK_US for a in attacks)
    )
    return Figure(hit, tuple(missed), false)


def qut(folder: Path) -> Iterator[Row]:
    """Intervals hit of those with DNP3 messages, by attack, and alerts above severity low outside them; without and with a site file."""
    for capture in sorted(folder.glob("*.attacker_view.pcap")):
        log = capture.with_name(capture.name.replace(".attacker_view.pcap", ".attack_log.txt"))
        found, attacks = captures.records(capture), intervals(log)
        if not found:
            continue
        name = capture.name.partition(".")[0]
        for facts, site in (("no site file", Site(name=captures.SITE)), ("site file", bench_site())):
            figure = judge(found, attacks, site)
            for attack, (hit, of) in sorted(figure.hit.items()):
                what = f"{name}, {facts}: {attack}, {of} intervals"
                yield Row("dnp3_qut2017", what, "intervals hit", hit / of, "1", hit == of)
            told = ", ".join(sorted(set(figure.false)))
            what = f"{name}, {facts}: outside the intervals{f' ({told})' if told else ''}"
            yield Row("dnp3_qut2017", what, "alerts above low", len(figure.false), "0", not figure.false)
