"""`gridwatch train`: fit a learned detector and measure it."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.command.context import say


def train(
    model: Annotated[str, typer.Argument(help="The model, e.g. unusual_reading.")],
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 7,
    budget: Annotated[float, typer.Option(min=1e-6, max=0.1, help="False alarms an asset and day.")] = 0.001,
    meters: Annotated[int, typer.Option(min=9, max=2000, help="Meters to make readings of.")] = 240,
    days: Annotated[int, typer.Option(min=56, max=360, help="Days of readings.")] = 150,
    into: Annotated[
        Path | None, typer.Option(help="Folder of the model; default: where the detectors read it.")
    ] = None,
) -> None:
    """Fit a learned detector on made readings of honest meters, measure it on other meters and days, and write its card.

    Example: gridwatch train unusual_reading --into /tmp/models
    """
    from detectors.scoring import MODELS
    from jobs.train import train as run

    facts = run(model, seed, budget, meters, days, into or MODELS, say)
    for kind, attacks in facts["recall"].items():
        for attack, found in attacks.items():
            after = "" if found["days"] is None else f", after {found['days']:g} days"
            typer.echo(
                f"{kind:<24} {attack:<28} found {found['recall']:.0%} (by chance {found['expected']:.0%}){after}"
            )
