"""The tables and views of our PostgreSQL database, made and brought up to date in place."""

from importlib.resources import files
from typing import Final

import psycopg
from psycopg import sql

from infra.postgres import READER
from schemas.project.postgres import create_table, postgres_type
from schemas.records import ALERT, DEADLETTER
from schemas.types import Schema

#: Advisory lock under which the tables are made: two programs that start at once must not race.
_LOCK: Final = 0x67726964


def prepare(connection: psycopg.Connection) -> None:
    """Make what is missing: tables of the contract, columns added to it since, the ledger, indices and views.

    The reading role, where the server has it, may read them all.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        _run(connection, _script("ledger"))
        for schema, key in ((ALERT, ("alert_id",)), (DEADLETTER, ())):
            _run(connection, create_table(schema, key))
            _add_columns(connection, schema)
            _run(connection, _script(schema.name))
        _run(connection, _script("incident"))
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (READER,)).fetchone():
            grant = sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}")
            connection.execute(grant.format(sql.Identifier(READER)))


def _script(name: str) -> str:
    return (files("infra") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def _add_columns(connection: psycopg.Connection, schema: Schema) -> None:
    """Fields appended to the contract after the table was made; they are nullable by its rules."""
    for f in schema.fields:
        connection.execute(
            sql.SQL("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} {}").format(
                sql.Identifier(schema.name), sql.Identifier(f.name), sql.SQL(postgres_type(f.type))
            )
        )


def _run(connection: psycopg.Connection, script: str) -> None:
    # Our own files and projections, no input.
    connection.execute(sql.SQL(script))
