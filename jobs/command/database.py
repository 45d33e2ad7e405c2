"""`gridwatch database`: tables, rights, and where sites are."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.command.context import say, settings_of

if TYPE_CHECKING:
    import psycopg

app = typer.Typer(invoke_without_command=True, epilog="Example: gridwatch database")


@app.callback()
def database(context: typer.Context) -> None:
    """Make or update the tables, and give the roles gridwatch_land, gridwatch_console and grafana their rights.

    Run it as the owner of the database, before landing and the console run as roles of their own. Roles are made by
    an administrator; those that the server does not have are left out.

    Example: gridwatch database
    """
    if context.invoked_subcommand is not None:
        return
    from infra.database import prepare

    with _owned(context) as connection:
        roles = prepare(connection)
    say(f"tables are up to date; rights given to {', '.join(roles) or 'nobody: none of the roles is there'}")


@app.command("places")
def places(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV with the columns site, latitude, longitude (degrees, WGS 84).")],
) -> None:
    """Say where sites are, for the map of the overview dashboard.

    The file names all of them: a site that it does not name loses its place. Sites are named as alerts name them.

    Example: gridwatch database places places.csv
    """
    from infra.database import ensure
    from jobs.places import read_places, write_places

    found = read_places(file)
    with _owned(context) as connection:
        ensure(connection)
        changes = write_places(connection, found)
    say(f"{len(found)} places: {changes.new} new, {changes.moved} moved; {changes.gone} gone")


@contextmanager
def _owned(context: typer.Context) -> Iterator["psycopg.Connection"]:
    """The database, as its owner.

    Raises:
        RunFault: it does not answer, or who is logged in may not do it.
    """
    import psycopg

    from jobs.connections import postgres_dsn
    from schemas.errors import RunFault

    try:
        with psycopg.connect(postgres_dsn(settings_of(context)), connect_timeout=10, autocommit=True) as connection:
            yield connection
    except psycopg.errors.InsufficientPrivilege as wrong:
        raise RunFault(f"PostgreSQL refuses: {wrong}", "postgres.dsn", "run it as the owner of the tables") from wrong
    except psycopg.OperationalError as wrong:
        said = str(wrong).splitlines()[0]
        raise RunFault(f"PostgreSQL does not answer: {said}", "postgres.dsn", "gridwatch status") from wrong
