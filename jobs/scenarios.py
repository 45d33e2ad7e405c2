"""Running a scenario through the detectors, and judging what they found against what was done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from detectors.catalog import DETECTORS, of_domain
from detectors.detector import Detector
from detectors.engine import State
from detectors.local import frame, make_engine
from detectors.profiles.threat import Severity
from detectors.site import Site, parse_site
from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario
from ingest.source import Record
from schemas.types import Domain

#: Records a batch.
BATCH: Final = 20_000
#: Microseconds after the end of an attack in which an alert may still name it (silence is told late).
SLACK_US: Final = 3_600_000_000
#: Below this severity an alert is no false alarm: it is there to be looked up.
COUNTED: Final = Severity.MEDIUM


@dataclass(frozen=True)
class Verdict:
    """What a run of a scenario came to.

    Args:
        found: detectors of the threat that named the attack.
        others: detectors of other threats that named it too.
        after_s: event time from the attack's begin to the first alert of the threat, seconds; None where it was not found.
        proven: whether one of those of the threat has a record among its evidence that the attack forged; True where it forged none.
        explained: alerts of `COUNTED` or above that name the attack.
        unexplained: alerts of `COUNTED` or above that name nothing that took part: detector -> number.
    """

    found: frozenset[str]
    others: frozenset[str]
    after_s: float | None
    proven: bool
    explained: int
    unexplained: Mapping[str, int]


def alerts_of(records: Sequence[Record], site: Site, detectors: Sequence[Detector] = DETECTORS) -> pl.DataFrame:
    """The alerts of records in their order, by the detectors of every domain that occurs, in batches as a stream has them."""
    found: list[pl.DataFrame] = []
    engines: dict[Domain, Any] = {}
    states: dict[Domain, State] = {}
    chosen = {detector.id for detector in detectors}
    for first in range(0, len(records), BATCH):
        frames: dict[Domain, dict[str, pl.DataFrame]] = {}
        part = list(enumerate(records[first : first + BATCH], first))
        for schema in {record.schema.name: record.schema for _, record in part}.values():
            own = [(i, record.fields) for i, record in part if record.schema is schema]
            frames.setdefault(schema.domain, {})[schema.name] = frame(
                schema, [fields for _, fields in own], [i for i, _ in own]
            )
        for domain, batch in frames.items():
            if domain not in engines:
                engines[domain] = make_engine(domain, [d for d in of_domain(domain, site) if d.id in chosen], site)
            outcome = engines[domain].step(states.get(domain, {}), batch, flags=False)
            states[domain] = outcome.state
            if len(outcome.alerts):
                found.append(outcome.alerts)
    return pl.concat(found, how="diagonal_relaxed") if found else pl.DataFrame()


def judge(scenario: Scenario, injected: Injected) -> Verdict:
    """Run the whole catalogue over a scenario's traffic."""
    site = parse_site({"name": "lab", **scenario.quiet.site}, scenario.name)
    alerts = alerts_of(injected.records, site)
    threats = {detector.id: detector.threat.id for detector in DETECTORS}
    first: int | None = None
    explained = 0
    forged = frozenset(injected.attack)
    proven = not forged
    found, others, unexplained = set[str](), set[str](), dict[str, int]()
    for alert in alerts.iter_rows(named=True):
        time = round(alert["last_time"].timestamp() * 1e6)
        named = {alert[name] for name in ("entity", "source", "destination", "site")}
        if injected.start <= time <= injected.end + SLACK_US and named & injected.entities:
            explained += counted(alert)
            if threats[alert["detector"]] == scenario.threat:
                found.add(alert["detector"])
                proven = proven or not forged.isdisjoint(alert["offsets"] or ())
                first = time if first is None else min(first, time)
            else:
                others.add(alert["detector"])
        elif counted(alert):
            unexplained[alert["detector"]] = unexplained.get(alert["detector"], 0) + 1
    after = None if first is None else (first - injected.start) / 1e6
    return Verdict(frozenset(found), frozenset(others), after, proven and bool(found), explained, unexplained)


def false_alarms(quiet: Quiet, records: Sequence[Record]) -> dict[str, int]:
    """Alerts of `COUNTED` or above on quiet traffic: detector -> number."""
    alerts = alerts_of(records, parse_site({"name": "lab", **quiet.site}, quiet.name))
    counts: dict[str, int] = {}
    for alert in alerts.iter_rows(named=True):
        if counted(alert):
            counts[alert["detector"]] = counts.get(alert["detector"], 0) + 1
    return counts


def counted(alert: Mapping[str, Any]) -> bool:
    """Whether an alert counts as a false alarm where nothing was done."""
    return bool(alert["severity_id"] >= COUNTED.value)
