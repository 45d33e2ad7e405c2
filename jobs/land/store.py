"""PostgreSQL as the judge of what has landed: rows, positions and the ledger of files, each step one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, LiteralString

import psycopg
from psycopg import errors, sql

from jobs import positions
from jobs.land import catalogue
from jobs.land.incidents import STORM_WINDOW, TAKEN, Book, Incident
from jobs.land.suppressions import Scope, Suppression
from jobs.reader import Place
from schemas.project.postgres import postgres_type
from schemas.records import ALERT, DEADLETTER
from schemas.types import Schema

#: Advisory locks that the landing process holds, each on a connection of its own: a second process stands by.
LANDING: Final = 0x6C616E64
FILING: Final = 0x66696C65

_POSITIONS: Final = positions.Positions("landed_position")

#: How a server's refusal of the data themselves shows: the row is at fault, not the connection.
REFUSED: Final = (psycopg.DataError, psycopg.IntegrityError, errors.ProgramLimitExceeded)

#: Column that tells two rows apart, and the day under which a row is filed; per table.
_IDENTITY: Final[dict[str, str]] = {ALERT.name: "alert_id", DEADLETTER.name: "deadletter_id"}
_DAY: Final[dict[str, LiteralString]] = {
    # Not the event time: a sender chooses that, and could make a directory for every day there ever was.
    ALERT.name: "(detected AT TIME ZONE 'UTC')::date",
    DEADLETTER.name: "(landed AT TIME ZONE 'UTC')::date",
}
_DOMAIN: Final[dict[str, LiteralString]] = {ALERT.name: "domain", DEADLETTER.name: "NULL::text"}

#: An incident that somebody closed is open again when it gets further alerts.
_REOPEN: Final = """
    WITH again AS (
        UPDATE incident SET status = 'open', version = version + 1, verdict = NULL, closed = NULL, acknowledged = NULL,
            since = clock_timestamp()
        WHERE incident_id = ANY(%s) AND status = 'closed' RETURNING incident_id, version, assignee
    )
    INSERT INTO incident_event (incident_id, version, actor, action, status, assignee, comment)
    SELECT incident_id, version, 'gridwatch', 'reopen', 'open', assignee, 'further alerts' FROM again
"""

#: What adds new rows to the sums of the dashboards.
_ADD: Final[dict[str, LiteralString]] = {
    ALERT.name: "SELECT add_alerts(%s)",
    DEADLETTER.name: "SELECT add_deadletters(%s)",
}


@dataclass(frozen=True)
class Row:
    """A record to land: its table, its identity and its values in the order of the schema."""

    schema: Schema
    identity: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Landed:
    """What a transaction brought: identities that are new, and those of them that a storm swallowed (all but its first)."""

    new: set[str]
    collapsed: set[str]


@dataclass(frozen=True)
class LakeFile:
    """A planned file of the lake; `domain` is None for dead letters."""

    number: int
    schema: Schema
    domain: str | None
    day: date


class Store:
    """One connection. Every method is a transaction, done or not done.

    Any method raises `psycopg.OperationalError` when the server is lost; then `close`, and connect anew.

    Args:
        dsn: connection string of the landing role, or of the owner of the tables.
    """

    def __init__(self, dsn: str) -> None:
        self._connection = positions.connect(dsn, "land")
        for schema in (ALERT, DEADLETTER):
            self._connection.execute(
                sql.SQL("CREATE TEMPORARY TABLE {} ({}, position integer NOT NULL) ON COMMIT DELETE ROWS").format(
                    _stage(schema),
                    sql.SQL(", ").join(
                        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in _columns(schema)
                    ),
                )
            )

    def lock(self, what: int) -> bool:
        """Become the one who does this on this database, as long as the connection lasts; False while another does."""
        return positions.lock(self._connection, what)

    def describe(self) -> None:
        """Write the catalogue of threats and detectors, for dashboards."""
        catalogue.keep(self._connection)

    def ledger(self) -> str:
        """The identity of the lake that belongs to this database."""
        row = self._connection.execute("SELECT ledger FROM lake").fetchone()
        assert row is not None, "database.prepare makes the row"
        return str(row[0])

    def positions(self, cluster: str) -> dict[Place, int]:
        """The next offset to land, of each partition from which something has landed."""
        return _POSITIONS.read(self._connection, cluster)

    def seen(self, cluster: str, ends: Mapping[Place, int]) -> None:
        """Say that landing is there, and how far the partitions reach of which something was landed.

        Args:
            cluster: identity of the Kafka cluster.
            ends: offset behind the last record of each partition.
        """
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE landed_position SET seen = clock_timestamp(), end_offset = %s"
                ' WHERE cluster = %s AND topic = %s AND "partition" = %s',
                [(end, cluster, place.topic, place.partition) for place, end in sorted(ends.items())],
            )

    def land(self, rows: Sequence[Row], cluster: str, reached: Mapping[Place, int]) -> Landed:
        """Insert the rows not known yet, count alerts into their incidents and move the positions, in one transaction.

        Raises:
            psycopg.Error: one of `REFUSED` when the server cannot store a value; nothing is changed.
        """
        landed = Landed(set(), set())
        with self._connection.transaction():
            for schema in (ALERT, DEADLETTER):
                own = [row for row in rows if row.schema is schema]
                if own:
                    new = self._insert(schema, own)
                    self._connection.execute(_ADD[schema.name], (list(new),))
                    landed.new.update(new)
            landed.collapsed.update(self._file(rows, landed.new))
            with self._connection.cursor() as cursor:
                _POSITIONS.move(cursor, cluster, reached)
        return landed

    def _file(self, rows: Sequence[Row], new: set[str]) -> set[str]:
        """Count new alerts that nothing suppresses into their incidents. Returns those that a storm swallowed."""
        fresh = {row.identity: dict(zip(ALERT.names, row.values, strict=True)) for row in rows if row.schema is ALERT}
        alerts = [alert for identity, alert in fresh.items() if identity in new and alert["suppression"] is None]
        if not alerts:
            return set()
        book = Book(self._incidents(alerts))
        filed = [(alert["alert_id"], book.file(alert)) for alert in alerts]
        columns = ("incident_id", "kind", *TAKEN, "first_time", "last_time", "alerts")
        changes = [sql.SQL("{0} = excluded.{0}").format(sql.Identifier(c)) for c in columns[2:]]
        with self._connection.cursor() as cursor:
            cursor.executemany(
                sql.SQL(
                    "INSERT INTO incident ({}) VALUES ({}) ON CONFLICT (incident_id)"
                    " DO UPDATE SET {}, updated = clock_timestamp()"
                ).format(
                    sql.SQL(", ").join(map(sql.Identifier, columns)),
                    sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
                    sql.SQL(", ").join(changes),
                ),
                [(i.incident_id, i.kind, *i.taken, i.first_time, i.last_time, i.alerts) for i in book.changed.values()],
            )
            cursor.execute(
                "UPDATE alert SET incident_id = filed.incident, storm = CASE WHEN filed.stormy THEN filed.incident END"
                " FROM unnest(%s::text[], %s::text[], %s::boolean[]) AS filed (alert, incident, stormy)"
                " WHERE alert_id = filed.alert",
                (
                    [identity for identity, _ in filed],
                    [incident.incident_id for _, incident in filed],
                    [incident.kind == "storm" for _, incident in filed],
                ),
            )
            cursor.execute(_REOPEN, (list(book.changed),))
        return {identity for identity, i in filed if i.kind == "storm" and identity != i.incident_id}

    def _incidents(self, alerts: Sequence[Mapping[str, Any]]) -> list[Incident]:
        """Those that alerts may belong to, oldest first: of their keys, and what their detectors opened lately."""
        times = sorted({alert["time"] for alert in alerts})
        # Event times are the senders': one of long ago must not read what happened since.
        spans = [(times[0] - STORM_WINDOW, times[0] + STORM_WINDOW)]
        for time in times[1:]:
            if time - STORM_WINDOW > spans[-1][1]:
                spans.append((time - STORM_WINDOW, time + STORM_WINDOW))
            else:
                spans[-1] = (spans[-1][0], time + STORM_WINDOW)
        rows = self._connection.execute(
            sql.SQL(
                "SELECT incident_id, kind, {}, first_time, last_time, alerts FROM incident"
                " WHERE dedup = ANY(%s) OR (detector = ANY(%s) AND site = ANY(%s) AND EXISTS ("
                "SELECT FROM unnest(%s::timestamptz[], %s::timestamptz[]) AS span (low, high)"
                " WHERE first_time BETWEEN low AND high OR kind = 'storm' AND first_time <= high AND last_time >= low))"
                " ORDER BY first_time, incident_id"
            ).format(sql.SQL(", ").join(map(sql.Identifier, TAKEN))),
            (
                sorted({a["dedup"] for a in alerts}),
                sorted({a["detector"] for a in alerts}),
                sorted({a["site"] for a in alerts}),
                [low for low, _ in spans],
                [high for _, high in spans],
            ),
        )
        return [Incident(row[0], row[1], tuple(row[2:-3]), *row[-3:]) for row in rows]

    def suppressions(self) -> list[Suppression]:
        """Those that people made on the pages or the command line."""
        rows = self._connection.execute(
            "SELECT id, scope, reason, owner, reviewed_by, begins, expires FROM suppression ORDER BY made, id"
        )
        names = ("id", "scope", "reason", "owner", "reviewed_by", "begins", "expires")
        found = [dict(zip(names, row, strict=True)) for row in rows]
        # They were checked when they were made; a detector that is gone since must not stop the landing.
        return [Suppression.model_construct(**row | {"scope": Scope.model_construct(**row["scope"])}) for row in found]

    def unstorable(self, rows: Sequence[Row]) -> dict[int, str]:
        """Which of the rows the server cannot store, by index, with its reason; changes nothing."""
        found: dict[int, str] = {}
        with self._connection.transaction(force_rollback=True):
            for index, row in enumerate(rows):
                try:
                    with self._connection.transaction():
                        self._insert(row.schema, [row])
                except REFUSED as wrong:
                    found[index] = str(wrong).splitlines()[0]
        return found

    def waiting(self) -> int:
        """Rows that no file is planned for."""
        row = self._connection.execute(
            "SELECT (SELECT count(*) FROM alert WHERE lake_file IS NULL)"
            " + (SELECT count(*) FROM deadletter WHERE lake_file IS NULL)"
        ).fetchone()
        assert row is not None
        return int(row[0])

    def plan(self, schema: Schema, most: int) -> bool:
        """Fix the content of one more file for each domain and day that has rows without one, of at most `most` rows.

        Returns:
            whether there were such rows.
        """
        names = {
            "table": sql.Identifier(schema.name),
            "id": sql.Identifier(_IDENTITY[schema.name]),
            "day": sql.SQL(_DAY[schema.name]),
            "domain": sql.SQL(_DOMAIN[schema.name]),
        }
        with self._connection.transaction():
            groups = self._connection.execute(
                sql.SQL("SELECT DISTINCT {domain}, {day} FROM {table} WHERE lake_file IS NULL").format(**names)
            ).fetchall()
            for domain, day in groups:
                entry = self._connection.execute(
                    "INSERT INTO lake_file (record, domain, day, rows) VALUES (%s, %s, %s, 0) RETURNING number",
                    (schema.name, domain, day),
                ).fetchone()
                assert entry is not None
                taken = self._connection.execute(
                    sql.SQL(
                        "UPDATE {table} SET lake_file = %(number)s WHERE {id} IN ("
                        "SELECT {id} FROM {table} WHERE lake_file IS NULL AND {day} = %(day)s"
                        " AND {domain} IS NOT DISTINCT FROM %(domain)s ORDER BY landed, {id} LIMIT %(most)s)"
                    ).format(**names),
                    {"number": entry[0], "day": day, "domain": domain, "most": most},
                ).rowcount
                self._connection.execute("UPDATE lake_file SET rows = %s WHERE number = %s", (taken, entry[0]))
        return bool(groups)

    def unwritten(self) -> list[LakeFile]:
        """Files that are planned and not known to be written."""
        rows = self._connection.execute(
            "SELECT number, record, domain, day FROM lake_file WHERE written IS NULL ORDER BY number"
        )
        by_name = {schema.name: schema for schema in (ALERT, DEADLETTER)}
        return [LakeFile(number, by_name[record], domain, day) for number, record, domain, day in rows]

    def content(self, file: LakeFile, size: int) -> Iterator[list[dict[str, Any]]]:
        """The rows of a file in a fixed order, `size` at a time."""
        statement = sql.SQL("SELECT {} FROM {} WHERE lake_file = %s ORDER BY {}, {}").format(
            sql.SQL(", ").join(sql.Identifier(name) for name in file.schema.names),
            sql.Identifier(file.schema.name),
            sql.Identifier("time"),
            sql.Identifier(_IDENTITY[file.schema.name]),
        )
        with self._connection.transaction(), self._connection.cursor("content") as cursor:
            cursor.execute(statement, (file.number,))
            while rows := cursor.fetchmany(size):
                yield [dict(zip(file.schema.names, row, strict=True)) for row in rows]

    def mark_written(self, file: LakeFile) -> None:
        """The file is in the lake, durably."""
        self._connection.execute("UPDATE lake_file SET written = clock_timestamp() WHERE number = %s", (file.number,))

    def mark_unwritten(self) -> None:
        """Every file of the ledger is to be written again, into an empty lake."""
        self._connection.execute("UPDATE lake_file SET written = NULL")

    def files_written(self) -> int:
        """Files known to be in the lake."""
        row = self._connection.execute("SELECT count(*) FROM lake_file WHERE written IS NOT NULL").fetchone()
        assert row is not None
        return int(row[0])

    def close(self) -> None:
        """Leave the server; the lock goes with the connection."""
        self._connection.close()

    def _insert(self, schema: Schema, rows: Sequence[Row]) -> set[str]:
        columns = sql.SQL(", ").join(sql.Identifier(name) for name, _ in _columns(schema))
        identity = sql.Identifier(_IDENTITY[schema.name])
        with self._connection.cursor() as cursor:
            copy = sql.SQL("COPY {} ({}, position) FROM STDIN").format(_stage(schema), columns)
            with cursor.copy(copy) as staging:
                for index, row in enumerate(rows):
                    own = (row.identity,) if _has_own_identity(schema) else ()
                    staging.write_row((*row.values, *own, index))
            cursor.execute(
                sql.SQL(
                    "INSERT INTO {} ({}) SELECT {} FROM {} ORDER BY position ON CONFLICT ({}) DO NOTHING RETURNING {}"
                ).format(sql.Identifier(schema.name), columns, columns, _stage(schema), identity, identity)
            )
            new = {str(row[0]) for row in cursor}
            # The next insert of this transaction must not meet these rows.
            cursor.execute(sql.SQL("DELETE FROM {}").format(_stage(schema)))
        return new


def _stage(schema: Schema) -> sql.Composable:
    return sql.Identifier(f"{schema.name}_stage")


def _has_own_identity(schema: Schema) -> bool:
    """True where the identity is no field of the contract."""
    return _IDENTITY[schema.name] not in schema


def _columns(schema: Schema) -> list[tuple[str, str]]:
    columns = [(f.name, postgres_type(f.type)) for f in schema.fields]
    return [*columns, (_IDENTITY[schema.name], "text")] if _has_own_identity(schema) else columns
