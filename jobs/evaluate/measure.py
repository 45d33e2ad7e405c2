"""Scenarios and quiet traffic through the real detectors, two processes side by side; each measurement is a pure function of its seed."""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from statistics import median
from typing import Any, Final

from ingest.lab.scenarios import BY_NAME, EXPERIMENTS, QUIET, SCENARIOS
from ingest.lab.scenarios.scenario import Scenario

#: Seeds that no detector was tuned on.
SEEDS: Final = (70_101, 70_102, 70_103)
#: When the traffic begins: a Monday, microseconds since 1970 (2026-01-05).
START: Final = 1_767_571_200_000_000
DAY_S: Final = 86_400.0


@dataclass(frozen=True)
class Found:
    """What became of one scenario over all seeds.

    Args:
        promised: False for an experiment, which nobody promises to find.
        recall: share of the seeds on which a detector of the threat named the attack.
        after_s: median of the event time from the attack's begin to the first such alert, seconds.
        proven: share of the seeds on which such an alert has a forged record among its evidence (a few at most; all, where none is).
        precision: alerts that name the attack, of all alerts of medium severity or above.
        by, others: detectors of the threat, and of other threats, that named it.
        unexplained: alerts of medium severity or above that name nothing that took part, a detector.
    """

    name: str
    threat: str
    says: str
    promised: bool
    runs: int
    recall: float
    after_s: float | None
    proven: float
    precision: float | None
    by: tuple[str, ...]
    others: tuple[str, ...]
    unexplained: dict[str, int]


@dataclass(frozen=True)
class Calm:
    """What quiet traffic raised.

    Args:
        assets: how many there are.
        hours: how long.
        records: how many, all seeds together.
        alerts: of medium severity or above, a detector.
        per_1000: such alerts a thousand asset-days.
    """

    name: str
    says: str
    assets: int
    hours: float
    records: int
    alerts: dict[str, int]
    per_1000: float


def scenarios(
    seeds: Sequence[int], workers: int, say: Callable[[str], None], wanted: Callable[[Scenario], bool] = lambda _: True
) -> list[Found]:
    """Every scenario on every seed.

    Args:
        seeds: of the traffic and the attack.
        workers: processes.
        say: progress, one line a scenario.
        wanted: which scenarios.
    """
    chosen = [s for s in (*SCENARIOS, *EXPERIMENTS) if wanted(s)]
    runs: dict[str, list[dict[str, Any]]] = {s.name: [] for s in chosen}
    out: dict[str, Found] = {}
    for done, run in enumerate(spread(_judged, [(s.name, seed) for s in chosen for seed in seeds], workers), 1):
        own = runs[run["name"]]
        own.append(run)
        if len(own) == len(seeds):
            found = _summed(BY_NAME[run["name"]], own)
            out[found.name] = found
            say(f"{done} of {len(chosen) * len(seeds)}: {found.threat} {found.name}: {_told(found)}")
    return [out[s.name] for s in chosen]


def quiet(seeds: Sequence[int], hours: float, workers: int, say: Callable[[str], None]) -> list[Calm]:
    """Every kind of quiet traffic on every seed, `hours` long."""
    jobs = [(q.name, seed, hours) for q in QUIET for seed in seeds]
    runs: dict[str, list[dict[str, Any]]] = {q.name: [] for q in QUIET}
    for done, run in enumerate(spread(_calm, jobs, workers), 1):
        runs[run["name"]].append(run)
        say(f"quiet: {done} of {len(jobs)}: {run['name']}: {sum(run['alerts'].values())} alerts")
    out = []
    for kind in QUIET:
        alerts = sum((Counter(run["alerts"]) for run in runs[kind.name]), Counter[str]())
        days = kind.assets * hours / 24 * len(seeds)
        calm = Calm(
            kind.name,
            kind.says,
            kind.assets,
            hours,
            sum(run["records"] for run in runs[kind.name]),
            dict(sorted(alerts.items())),
            round(1000 * alerts.total() / days, 3),
        )
        say(f"quiet {calm.name}: {calm.records} records, {alerts.total()} alerts, {calm.per_1000} a 1,000 asset-days")
        out.append(calm)
    return out


def spread(
    work: Callable[..., dict[str, Any]], jobs: Iterable[tuple[Any, ...]], workers: int
) -> Iterator[dict[str, Any]]:
    """The results of some work, a process a core, in the order in which they are done."""
    if workers == 1:
        yield from (work(*job) for job in jobs)
        return
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(work, *job) for job in jobs]):
            yield future.result()


def _judged(name: str, seed: int) -> dict[str, Any]:
    from jobs.scenarios import judge

    scenario = BY_NAME[name]
    return {"name": name, **asdict(judge(scenario, scenario.build(seed, START)))}


def _calm(name: str, seed: int, hours: float) -> dict[str, Any]:
    from jobs.scenarios import false_alarms

    kind = next(q for q in QUIET if q.name == name)
    records = kind.build(random.Random(f"{seed} {kind.name}"), START, hours * 3600)
    return {"name": name, "records": len(records), "alerts": false_alarms(kind, records)}


def _summed(scenario: Scenario, runs: Sequence[dict[str, Any]]) -> Found:
    times = [run["after_s"] for run in runs if run["after_s"] is not None]
    unexplained = sum((Counter(run["unexplained"]) for run in runs), Counter[str]())
    explained = sum(run["explained"] for run in runs)
    alerts = explained + unexplained.total()
    return Found(
        scenario.name,
        scenario.threat,
        scenario.says,
        scenario in SCENARIOS,
        len(runs),
        sum(bool(run["found"]) for run in runs) / len(runs),
        round(median(times), 3) if times else None,
        sum(bool(run["proven"]) for run in runs) / len(runs),
        round(explained / alerts, 4) if alerts else None,
        tuple(sorted({d for run in runs for d in run["found"]})),
        tuple(sorted({d for run in runs for d in run["others"]})),
        dict(sorted(unexplained.items())),
    )


def _told(found: Found) -> str:
    if not found.recall:
        return "not found"
    after = f", after {found.after_s:g} s" if found.after_s is not None else ""
    return f"recall {found.recall:.2f}{after}, by {', '.join(found.by)}"
