"""What stands before the subcommand, and the settings that follow from it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from jobs.settings import Settings


@dataclass
class Options:
    """The options of the command itself."""

    settings: Path | None = None
    debug: bool = False


def settings_of(context: typer.Context) -> "Settings":
    """The settings of this call.

    Raises:
        ConfigFault: they are wrong.
    """
    from jobs.settings import load

    options = context.find_object(Options) or Options()
    return load(options.settings)


def say(line: str) -> None:
    """Print one line of progress on standard error, so that standard output holds results alone."""
    typer.echo(line, err=True)
