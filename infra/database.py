"""The tables and views of our PostgreSQL database, made and brought up to date in place, and who may do what with them."""

from collections.abc import Iterator
from hashlib import sha256
from importlib.resources import files
from typing import Final

import psycopg
from psycopg import sql

from infra.postgres import CONSOLE, LANDING, READER
from schemas.errors import RunFault
from schemas.project.postgres import create_table, postgres_type
from schemas.records import ALERT, DEADLETTER
from schemas.types import Schema

#: Advisory lock under which the tables are made: two programs that start at once must not race.
_LOCK: Final = 0x67726964

#: Rights of the roles that do not own the tables: role -> (rights, tables). Nobody else but the owner may change a table, or
#: take away a row of what happened.
RIGHTS: Final = {
    LANDING: (
        ("SELECT, INSERT", "alert, deadletter, incident_event"),
        ("UPDATE (incident_id, storm, lake_file)", "alert"),
        ("UPDATE (lake_file)", "deadletter"),
        (
            "SELECT, INSERT, UPDATE",
            "incident, landed_position, observed_position, lake_file, alert_rollup, latency_rollup, deadletter_rollup,"
            " alert_rollup_hour, latency_rollup_hour, threat, detector",
        ),
        # Sums that are let go of when they are old.
        ("SELECT, INSERT, UPDATE, DELETE", "talk, level, track, talk_hour, level_hour, track_hour, seen"),
        ("SELECT", "lake, suppression, table_version"),
    ),
    CONSOLE: (
        ("SELECT", "alert, alert_overview, incident, incident_event, suppression, table_version, landed_position"),
        ("SELECT", "alert_rollup, deadletter_rollup"),
        ("UPDATE (version, status, assignee, verdict, since, acknowledged, closed, updated)", "incident"),
        ("UPDATE (reviewed_by, expires)", "suppression"),
        ("INSERT", "incident_event, suppression, audit"),
        ("SELECT, INSERT, UPDATE", "outflow"),
        ("SELECT", "audit"),
    ),
    READER: (
        (
            "SELECT",
            "alert, alert_overview, incident, incident_overview, incident_event, suppression, deadletter, landed_position,"
            " lake_file, alert_rollup, latency_rollup, deadletter_rollup, alert_rollup_hour, latency_rollup_hour,"
            " threat, detector, talk, level, track, talk_hour, level_hour, track_hour, seen, site_place",
        ),
    ),
}


def prepare(connection: psycopg.Connection) -> list[str]:
    """Make what is missing: tables of the contract, columns added to it since, the ledger, indices and views.

    The roles that the server has get their rights, and lose all others.

    Args:
        connection: of the owner.

    Returns:
        the roles.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        _run(connection, _script("ledger"))
        for schema, key in _TABLES:
            _run(connection, create_table(schema, key))
            _add_columns(connection, schema)
            _run(connection, _script(schema.name))
        for name in _FURTHER:
            _run(connection, _script(name))
        connection.execute(
            "INSERT INTO table_version (digest) VALUES (%s) ON CONFLICT (single) DO UPDATE SET digest = excluded.digest",
            (digest(),),
        )
        known = {str(row[0]) for row in connection.execute("SELECT rolname FROM pg_roles")}
        found = [role for role in RIGHTS if role in known]
        for role in found:
            for statement in _grants(role):
                connection.execute(statement)
        return found


def ensure(connection: psycopg.Connection) -> None:
    """The tables are as this version needs them: the owner makes them so.

    Raises:
        RunFault: they are not, and this role may not make them.
    """
    wrong = _differs(connection)
    if wrong is None:
        return
    row = connection.execute("SELECT has_schema_privilege('public', 'CREATE')").fetchone()
    if row is None or not row[0]:
        raise RunFault(wrong, "postgres.dsn", "run gridwatch database as the owner of the tables")
    prepare(connection)


def _differs(connection: psycopg.Connection) -> str | None:
    """How the tables differ from what this version needs; None where they do not."""
    try:
        found = connection.execute("SELECT digest FROM table_version").fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
        return "the tables are missing, or this role may not see them"
    return None if found is not None and found[0] == digest() else "the tables are of another version of Gridwatch"


def digest() -> str:
    """What tables and rights are made from, as one number: another version of them has another."""
    texts = [_script("ledger"), *(create_table(schema, key) + _script(schema.name) for schema, key in _TABLES)]
    return sha256("\n".join([*texts, *map(_script, _FURTHER), repr(RIGHTS)]).encode()).hexdigest()[:16]


_TABLES: Final = ((ALERT, ("alert_id",)), (DEADLETTER, ()))
_FURTHER: Final = ("incident", "lifecycle", "rollup", "observe", "place", "audit", "catalogue", "outflow")


def _grants(role: str) -> Iterator[sql.Composed]:
    name = sql.Identifier(role)
    yield sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(name)
    # Older versions gave the reader all that the owner makes.
    yield sql.SQL("ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM {}").format(name)
    yield sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(name)
    for rights, tables in RIGHTS[role]:
        yield sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(rights), sql.SQL(tables), name)


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
