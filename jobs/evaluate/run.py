"""One evaluation: what was asked for, in one result that can be written down."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ingest.lab.scenarios.scenario import Scenario
from jobs.evaluate import curves, datasets, measure
from schemas.errors import UsageFault


@dataclass(frozen=True)
class What:
    """What is evaluated.

    Args:
        only: threats or scenarios; () for all.
        seeds: () for `measure.SEEDS`.
        hours: of quiet traffic a seed; 0 for none.
        data: folder of the labelled data sets; None for none.
        v2x: whether attacks on SUMO traffic are measured, on the first of the seeds.
        workers: processes side by side.
    """

    only: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    hours: float = 24.0
    data: Path | None = None
    v2x: bool = False
    workers: int = 2


def run(what: What, say: Callable[[str], None]) -> dict[str, Any]:
    """Evaluate; `say` takes progress, one line each.

    Raises:
        UsageFault: no scenario is meant.
    """

    def wanted(scenario: Scenario) -> bool:
        return not what.only or scenario.threat in what.only or scenario.name in what.only

    seeds = what.seeds or measure.SEEDS
    found = measure.scenarios(seeds, what.workers, say, wanted)
    if not found:
        raise UsageFault("no such threat or scenario", "--only", "gridwatch lab scenario --list names them")
    result: dict[str, Any] = {
        "seeds": list(seeds),
        "scenarios": [asdict(f) for f in found],
        "quiet": [],
        "data": [],
        "v2x": {},
        "curves": [],
    }
    if what.hours:
        result["quiet"] = [asdict(c) for c in measure.quiet(seeds, what.hours, what.workers, say)]
    if not what.only:
        result["curves"] = curves.curves(seeds[0], say)
    if what.v2x:
        from jobs.evaluate import v2x

        result["v2x"] = v2x.measure(seeds[:1], what.workers, say)
    if what.data is not None:
        result["data"] = [asdict(row) for row in datasets.measure(what.data, say)]
    return result
