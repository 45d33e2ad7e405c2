"""Sums into PostgreSQL: added to what stands there, in one transaction with the positions that they reach."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, LiteralString

import psycopg

from jobs import positions
from jobs.observe.sums import MINUTE_US, Sums
from jobs.reader import Place

#: Advisory lock of the one process that observes on this database.
OBSERVING: Final = 0x6F627376
#: Days after which sums are let go of, and assets that were not heard of since.
KEPT_DAYS: Final = 35
SEEN_DAYS: Final = 180

_POSITIONS: Final = positions.Positions("observed_position")

# Each statement adds the rows of a write to the sums of minutes, and what they come to in each hour to those of hours.
_TALK: Final = """
    WITH new (slot, domain, site, protocol, client, server, action, class, records, failures) AS MATERIALIZED (
        SELECT * FROM unnest(%s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
            %s::text[], %s::bigint[], %s::bigint[])
    ), minutes AS (
        INSERT INTO talk AS had SELECT * FROM new
        ON CONFLICT (slot, domain, site, protocol, client, server, action, class)
        DO UPDATE SET records = had.records + excluded.records, failures = had.failures + excluded.failures
    )
    INSERT INTO talk_hour AS had
    SELECT date_bin('1 hour', slot, 'epoch'), domain, site, protocol, client, server, action, class, sum(records), sum(failures)
    FROM new GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
    ON CONFLICT (slot, domain, site, protocol, client, server, action, class)
    DO UPDATE SET records = had.records + excluded.records, failures = had.failures + excluded.failures
"""
_LEVEL: Final = """
    WITH new (slot, domain, site, kind, entity, measure, low, high, last, total, records) AS MATERIALIZED (
        SELECT * FROM unnest(%s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
            %s::double precision[], %s::double precision[], %s::double precision[], %s::double precision[], %s::bigint[])
    ), minutes AS (
        INSERT INTO level AS had SELECT * FROM new
        ON CONFLICT (slot, domain, site, kind, entity, measure)
        DO UPDATE SET low = least(had.low, excluded.low), high = greatest(had.high, excluded.high), last = excluded.last,
            total = had.total + excluded.total, records = had.records + excluded.records
    )
    INSERT INTO level_hour AS had
    SELECT date_bin('1 hour', slot, 'epoch'), domain, site, kind, entity, measure, min(low), max(high),
        (array_agg(last ORDER BY slot DESC))[1], sum(total), sum(records)
    FROM new GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (slot, domain, site, kind, entity, measure)
    DO UPDATE SET low = least(had.low, excluded.low), high = greatest(had.high, excluded.high), last = excluded.last,
        total = had.total + excluded.total, records = had.records + excluded.records
"""
_TRACK: Final = """
    WITH new (slot, receiver, station, latitude, longitude, speed_ms, heading_deg, records) AS MATERIALIZED (
        SELECT * FROM unnest(%s::timestamptz[], %s::text[], %s::text[], %s::double precision[], %s::double precision[],
            %s::double precision[], %s::double precision[], %s::bigint[])
    ), minutes AS (
        INSERT INTO track AS had SELECT * FROM new
        ON CONFLICT (slot, receiver, station)
        DO UPDATE SET latitude = excluded.latitude, longitude = excluded.longitude, speed_ms = excluded.speed_ms,
            heading_deg = excluded.heading_deg, records = had.records + excluded.records
    )
    INSERT INTO track_hour AS had
    SELECT DISTINCT ON (hour, receiver, station) hour, receiver, station, latitude, longitude, speed_ms, heading_deg,
        sum(records) OVER (PARTITION BY hour, receiver, station)
    FROM new, LATERAL (SELECT date_bin('1 hour', slot, 'epoch') AS hour) AS slots ORDER BY hour, receiver, station, slot DESC
    ON CONFLICT (slot, receiver, station)
    DO UPDATE SET latitude = excluded.latitude, longitude = excluded.longitude, speed_ms = excluded.speed_ms,
        heading_deg = excluded.heading_deg, records = had.records + excluded.records
"""
_SEEN: Final = """
    INSERT INTO seen AS had (domain, kind, site, entity, first, last, records)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::bigint[])
    ON CONFLICT (domain, kind, site, entity)
    DO UPDATE SET first = least(had.first, excluded.first), last = greatest(had.last, excluded.last),
        records = had.records + excluded.records
"""


class Store:
    """One connection. Every method is a transaction, done or not done.

    Any method raises `psycopg.OperationalError` when the server is lost; then `close`, and connect anew.

    Args:
        dsn: connection string of the landing role, or of the owner of the tables.
    """

    def __init__(self, dsn: str) -> None:
        self._connection = positions.connect(dsn, "observe")

    def lock(self) -> bool:
        """Become the one who observes on this database, as long as the connection lasts; False while another does."""
        return positions.lock(self._connection, OBSERVING)

    def positions(self, cluster: str) -> dict[Place, int]:
        """The next offset to observe, of each partition of which something was observed."""
        return _POSITIONS.read(self._connection, cluster)

    def add(self, sums: Sums, cluster: str, reached: Mapping[Place, int]) -> None:
        """Add sums and move the positions, in one transaction."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            _insert(cursor, _TALK, [(_time(m), *key, *counts) for (m, key), counts in sums.talk.items()])
            _insert(
                cursor,
                _LEVEL,
                [(_time(m), *key, v.low, v.high, v.last, v.total, v.records) for (m, key), v in sums.level.items()],
            )
            _insert(
                cursor,
                _TRACK,
                [
                    (_time(m), *key, f.latitude, f.longitude, f.speed_ms, f.heading_deg, f.records)
                    for (m, key), f in sums.track.items()
                ],
            )
            _insert(cursor, _SEEN, [(*key, _us(s.first), _us(s.last), s.records) for key, s in sums.seen.items()])
            _POSITIONS.move(cursor, cluster, reached)

    def forget(self) -> None:
        """Let go of what is older than dashboards look."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            for table in ("talk", "level", "track", "talk_hour", "level_hour", "track_hour"):
                cursor.execute(
                    f"DELETE FROM {table} WHERE slot < now() - make_interval(days => %s)".encode(), (KEPT_DAYS,)
                )
            cursor.execute("DELETE FROM seen WHERE last < now() - make_interval(days => %s)", (SEEN_DAYS,))

    def close(self) -> None:
        """Leave the server; the lock goes with the connection."""
        self._connection.close()


def _insert(cursor: psycopg.Cursor[Any], statement: LiteralString, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        # In one order always: two transactions that touch the same rows cannot wait for each other.
        cursor.execute(statement, [list(column) for column in zip(*sorted(rows, key=repr), strict=True)])


def _time(minute: int) -> datetime:
    return _us(minute * MINUTE_US)


def _us(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1e6, UTC)
