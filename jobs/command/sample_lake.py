"""`gridwatch sample-lake`: something for the notebooks to open."""

from pathlib import Path
from typing import Annotated

import typer


def sample_lake(
    directory: Annotated[Path, typer.Argument(help="A new or empty directory.")],
    seed: Annotated[int, typer.Option(help="Of the random values: the same seed gives the same lake.")] = 1,
) -> None:
    """Make a small Parquet lake of generated telemetry with three attacks, and the alerts that the detectors raise.

    Example: gridwatch sample-lake var/sample
    """
    from datetime import UTC, datetime

    from jobs.sample_lake import make_sample_lake

    contents = make_sample_lake(directory, datetime.now(UTC).replace(microsecond=0), seed)
    for name, count in contents.records.items():
        typer.echo(f"{name:<16} {count:>6} records")
    for name, count in contents.alerts.items():
        typer.echo(f"{name:<24} {count:>6} alerts")
