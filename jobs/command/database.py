"""`gridwatch database`: tables and rights."""

import typer

from jobs.command.context import say, settings_of


def database(context: typer.Context) -> None:
    """Make or update the tables, and give the roles gridwatch_land, gridwatch_console and grafana their rights.

    Run it as the owner of the database, before landing and the console run as roles of their own. Roles are made by
    an administrator; those that the server does not have are left out.

    Example: gridwatch database
    """
    import psycopg

    from infra.database import prepare
    from jobs.connections import postgres_dsn
    from schemas.errors import RunFault

    try:
        with psycopg.connect(postgres_dsn(settings_of(context)), connect_timeout=10, autocommit=True) as connection:
            roles = prepare(connection)
    except psycopg.errors.InsufficientPrivilege as wrong:
        raise RunFault(f"PostgreSQL refuses: {wrong}", "postgres.dsn", "run it as the owner of the tables") from wrong
    except psycopg.OperationalError as wrong:
        said = str(wrong).splitlines()[0]
        raise RunFault(f"PostgreSQL does not answer: {said}", "postgres.dsn", "gridwatch status") from wrong
    say(f"tables are up to date; rights given to {', '.join(roles) or 'nobody: none of the roles is there'}")
