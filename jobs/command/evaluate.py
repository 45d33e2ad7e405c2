"""`gridwatch evaluate`: what the detectors find, measured."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from jobs.command.context import say
from schemas.errors import UsageFault


def evaluate(
    only: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="Only scenarios with this threat or name; may be repeated.")
    ] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Seed of the traffic; may be repeated.")] = None,
    hours: Annotated[float, typer.Option(min=0, help="Length of quiet traffic a seed; 0 leaves it out.")] = 24.0,
    data: Annotated[
        Path | None, typer.Option(help="Folder of labelled data sets; docs/evaluation.md says what it holds.")
    ] = None,
    v2x: Annotated[bool, typer.Option("--v2x/--no-v2x", help="Position falsification on SUMO traffic.")] = False,
    into: Annotated[Path | None, typer.Option(help="Write evaluation.json, evaluation.md and plots there.")] = None,
    scores: Annotated[
        bool, typer.Option("--scores", help="Keep the scores that `gridwatch catalog` shows (needs a checkout).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes side by side.")] = 2,
) -> None:
    """Run scenarios, quiet traffic and labelled data through the detectors and say what they find.

    Example: gridwatch evaluate --only SG-01 --hours 0
    Example: gridwatch evaluate --data ../shared/data --v2x --into docs --scores
    """
    from jobs.evaluate import report
    from jobs.evaluate.run import What, run
    from jobs.evaluate.scores import SCORES

    if scores and (only or not hours):
        raise UsageFault("scores are those of everything", "--scores", "leave out --only and --hours 0")
    if data is not None and not data.is_dir():
        raise UsageFault("no such folder", str(data), "name the folder of the data sets")
    result = run(What(tuple(only or ()), tuple(seed or ()), hours, data, v2x, workers), say)
    if into is not None:
        for path in report.write(result, into):
            say(f"wrote {path}")
    if scores:
        SCORES.write_text(json.dumps(report.by_threat(result), indent=1) + "\n", encoding="utf-8")
        say(f"wrote {SCORES}")
    if as_json:
        json.dump(result, sys.stdout, indent=1)
        sys.stdout.write("\n")
    elif into is None:
        sys.stdout.write(report.page(result))
