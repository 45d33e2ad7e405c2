"""How far a stage has read its topics: kept in PostgreSQL, in the transaction that writes what was read."""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql

from infra import database
from jobs.reader import Place


def connect(dsn: str, name: str) -> psycopg.Connection[Any]:
    """A connection of a stage, once the tables are as this version needs them.

    Args:
        dsn: of the landing role, or of the owner of the tables.
        name: of the stage, in PostgreSQL's list of connections.

    Raises:
        psycopg.OperationalError: the server does not answer.
        RunFault: the tables are of another version, and this role may not make them.
    """
    connection = psycopg.connect(
        dsn, connect_timeout=10, autocommit=True, application_name=f"gridwatch {name}", options="-c timezone=UTC"
    )
    database.ensure(connection)
    return connection


def lock(connection: psycopg.Connection[Any], what: int) -> bool:
    """Become the one who does this on this database, as long as the connection lasts; False while another does."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (what,)).fetchone()
    return bool(row and row[0])


class Positions:
    """The positions of one stage.

    Args:
        table: that holds them: `landed_position` or `observed_position`.
    """

    def __init__(self, table: str) -> None:
        self._table = sql.Identifier(table)

    def read(self, connection: psycopg.Connection[Any], cluster: str) -> dict[Place, int]:
        """The next offset of each partition from which something was read."""
        rows = connection.execute(
            sql.SQL('SELECT topic, "partition", next_offset FROM {} WHERE cluster = %s').format(self._table), (cluster,)
        )
        return {Place(topic, partition): offset for topic, partition, offset in rows}

    def move(self, cursor: psycopg.Cursor[Any], cluster: str, positions: Mapping[Place, int]) -> None:
        """Set the next offsets; the caller's transaction writes what was read before them."""
        cursor.executemany(
            sql.SQL(
                'INSERT INTO {} (cluster, topic, "partition", next_offset) VALUES (%s, %s, %s, %s) '
                'ON CONFLICT (cluster, topic, "partition") '
                "DO UPDATE SET next_offset = excluded.next_offset, updated = clock_timestamp()"
            ).format(self._table),
            [(cluster, place.topic, place.partition, offset) for place, offset in sorted(positions.items())],
        )
