"""What stands before the subcommand, and the settings that follow from it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from schemas.errors import UsageFault

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


def require_files(files: Sequence[Path] | None) -> None:
    """Refuse files that are not there, before anything else is done; `-` is standard input.

    Raises:
        UsageFault: naming the first.
    """
    for path in files or ():
        if str(path) != "-" and (not path.exists() or path.is_dir()):
            what = "this is a directory" if path.is_dir() else "no such file"
            raise UsageFault(what, str(path), "name a file that exists")


def say(line: str) -> None:
    """Print one line of progress on standard error, so that standard output holds results alone."""
    typer.echo(line, err=True)


@contextmanager
def console_connection(context: typer.Context) -> Iterator[Any]:
    """PostgreSQL as the role that works on incidents, each statement a transaction.

    Raises:
        ConfigFault: none is set and the embedded stack is down.
        RunFault: it does not answer, nothing was ever landed there, or the role may not.
    """
    import psycopg

    from infra.postgres import CONSOLE
    from jobs.connections import postgres_dsn
    from jobs.triage.hidden import explained

    with (
        explained(),
        psycopg.connect(
            postgres_dsn(settings_of(context), CONSOLE), connect_timeout=10, options="-c timezone=UTC", autocommit=True
        ) as connection,
    ):
        yield connection
