"""What a detector would have raised: the detector over the telemetry lake, hour by hour, with today's and with changed parameters."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl

from detectors.catalog import DETECTORS, LIFETIMES, check_site, site_rules
from detectors.detector import Detector
from detectors.engine import Engine, State
from detectors.plan import Plan, make_plan
from detectors.site import Site, parse_site
from jobs.archive.topic import PROVENANCE
from jobs.lake import partition
from schemas.errors import ConfigFault, RunFault, UsageFault, meant
from schemas.project.arrow import to_arrow
from schemas.records import of_domain as records_of

#: Records a batch.
BATCH: Final = 500_000
#: Entities that are named.
NAMED: Final = 5


@dataclass
class Cost:
    """What one set of parameters came to.

    Attributes:
        alerts: by day of the deciding record (ISO 8601, UTC).
        entities: alerts by entity.
    """

    alerts: Counter[str] = field(default_factory=Counter)
    entities: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Backtest:
    """What a backtest came to.

    Args:
        detector: its id.
        days: every day with telemetry that it reads, with the number of records.
        now: with the parameters of the site file.
        changed: with the changed ones; None where none was changed.
    """

    detector: str
    days: Mapping[str, int]
    now: Cost
    changed: Cost | None

    def as_json(self) -> dict[str, Any]:
        """For programs."""

        def told(cost: Cost | None) -> dict[str, Any] | None:
            if cost is None:
                return None
            per_day = {day: cost.alerts.get(day, 0) for day in self.days}
            total = sum(per_day.values())
            return {
                "alerts": total,
                "a_day": round(total / len(self.days), 3),
                "by_day": per_day,
                "entities": dict(cost.entities.most_common(NAMED)),
            }

        return {
            "detector": self.detector,
            "records": dict(self.days),
            "now": told(self.now),
            "changed": told(self.changed),
        }


def backtest(
    lake: Path, name: str, days: int, changes: Mapping[str, Any], site: Site, say: Callable[[str], None]
) -> Backtest:
    """Run one detector over the last days of the lake.

    Args:
        lake: root of the lake.
        name: the detector, also a rule of the site.
        days: how many, back from the last hour that is there.
        changes: parameters instead of the site file's.
        site: the site facts.
        say: progress, one line a day.

    Raises:
        UsageFault: no such detector.
        ConfigFault: a wrong parameter, or a site fact that it needs is absent.
        RunFault: no telemetry that it reads.
    """
    everything = {d.id: d for d in (*DETECTORS, *site_rules(site))}
    if name not in everything:
        raise UsageFault(
            f"no such detector: {name}", "backtest", meant(name, everything, "gridwatch catalog lists them")
        )
    detector = everything[name]
    plans = [_plan(detector, site)]
    if changes:
        try:
            plans.append(_plan(detector, _with(site, name, changes)))
        except ConfigFault as wrong:
            # The site file alone was sound: it is what was asked for.
            raise UsageFault(wrong.what, f"--set {', '.join(changes)}", wrong.remedy) from wrong
    engines = [Engine(plan, LIFETIMES) for plan in plans]
    states: list[State] = [{} for _ in engines]
    costs = [Cost() for _ in engines]
    seen: Counter[str] = Counter()
    for hour, batch, tick in _batches(lake / "telemetry", plans[0], days):
        day = hour[:10]
        if day not in seen and seen:
            say(f"{max(seen)}: {seen[max(seen)]} records, {costs[-1].alerts[max(seen)]} alerts")
        seen[day] += sum(map(len, batch.values()))
        for number, engine in enumerate(engines):
            outcome = engine.step(states[number], batch, tick, flags=False)
            states[number] = outcome.state
            for at, entity in outcome.alerts.select("time", "entity").iter_rows() if len(outcome.alerts) else ():
                costs[number].alerts[at.date().isoformat()] += 1
                costs[number].entities[entity] += 1
    if not seen:
        types = ", ".join(_read(plans[0]))
        raise RunFault(f"no {types} records", str(lake), "gridwatch archive fills the lake")
    # Days that only an alert names: a clock of the past.
    for cost in costs:
        for day in cost.alerts:
            seen.setdefault(day, 0)
    return Backtest(name, dict(sorted(seen.items())), costs[0], costs[1] if changes else None)


def _plan(detector: Detector, site: Site) -> Plan:
    enabled = site.model_copy(update={"disabled": {k: v for k, v in site.disabled.items() if k != detector.id}})
    check_site(enabled)
    plan = make_plan([detector], records_of(detector.record.domain), enabled)
    if detector.id in plan.off:
        raise ConfigFault(f"{detector.id} cannot run: {plan.off[detector.id]}", "site file", "add what it needs")
    return plan


def _with(site: Site, name: str, changes: Mapping[str, Any]) -> Site:
    facts = site.model_dump()
    facts["detectors"] = {**site.detectors, name: {**site.detectors.get(name, {}), **changes}}
    return parse_site(facts, "--set")


def _read(plan: Plan) -> dict[str, Sequence[str]]:
    """Record types that the plan looks at, with the columns of each."""
    return {
        name: record.columns
        for name, record in plan.records.items()
        if record.rules or record.scored or record.steps or record.silences or record.excuses or record.asked
    }


def _batches(root: Path, plan: Plan, days: int) -> Iterator[tuple[str, dict[str, pl.DataFrame], int | None]]:
    """The telemetry by hour of arrival, in the order of arrival; with the last batch of an hour its end as a tick."""
    wanted = _read(plan)
    files: dict[str, dict[str, list[Path]]] = {}
    for name in wanted:
        domain = plan.records[name].schema.domain.value
        for folder in (root / partition(domain=domain, record=name)).glob("hour=*"):
            hour = folder.name.removeprefix("hour=")
            files.setdefault(hour, {})[name] = sorted(p for p in folder.glob("*.parquet") if p.name[0] != ".")
    if not files:
        return
    first = _begin(max(files)) - timedelta(days=days)
    arrival = 0
    for hour in sorted(h for h in files if _begin(h) > first):
        frames = {name: _frame(paths, plan, name) for name, paths in files[hour].items() if paths}
        order = pl.concat(
            [
                f.select(
                    "_broker", "_partition", "_offset", pl.lit(name).alias("type"), pl.int_range(pl.len()).alias("at")
                )
                for name, f in frames.items()
            ]
        ).sort("_broker", "_partition", "_offset", nulls_last=True)
        order = order.with_columns(pl.int_range(arrival, arrival + pl.len(), dtype=pl.Int64).alias("_arrival"))
        arrival += len(order)
        for begin in range(0, len(order), BATCH):
            part = order.slice(begin, BATCH)
            batch = {}
            for (name,), own in part.group_by("type", maintain_order=True):
                rows = frames[str(name)][own["at"]]
                batch[str(name)] = rows.with_columns(own["_arrival"])
            ends = begin + BATCH >= len(order)
            yield hour, batch, round((_begin(hour) + timedelta(hours=1)).timestamp() * 1e6) if ends else None


def _frame(paths: Sequence[Path], plan: Plan, name: str) -> pl.DataFrame:
    schema = plan.records[name].schema
    types = pl.Schema(to_arrow(schema))
    columns = list(plan.records[name].columns)
    read = [pl.read_parquet(path, hive_partitioning=False) for path in paths]
    frame = pl.concat(read, how="diagonal_relaxed")
    missing = [pl.lit(None, dtype=types[c]).alias(c) for c in columns if c not in frame.columns]
    return frame.with_columns(missing).select(
        *(pl.col(c).cast(types[c]) for c in columns),
        pl.lit(schema.domain.topic).alias("_topic"),
        pl.col(PROVENANCE[0].name).cast(pl.Int32).alias("_partition"),
        pl.col(PROVENANCE[1].name).cast(pl.Int64).alias("_offset"),
        pl.col(PROVENANCE[2].name).cast(pl.Int64).alias("_broker"),
    )


def _begin(hour: str) -> datetime:
    return datetime.fromisoformat(f"{hour}:00").replace(tzinfo=UTC)
