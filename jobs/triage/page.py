"""What a page about incidents shows, read from PostgreSQL: the work list, and all that is known of one incident."""

from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from jobs.land.suppressions import waits
from jobs.triage.lifecycle import Unknown, events

#: Rows of a page of the work list; alerts that a page of an incident shows; incidents beside it.
PER_PAGE: Final = 50
ALERTS: Final = 200
BESIDE: Final = 20
#: Slots into which the time line of an incident is cut.
SLOTS: Final = 60

#: As the index of the work list has it.
_ACTIVE: Final = sql.SQL("status IN ('open', 'acknowledged')")
#: The order of the work list: what waits first, the most severe and latest of it first.
_ORDER: Final = sql.SQL("ORDER BY status = 'closed', severity_id DESC, last_time DESC, incident_id")


@dataclass(frozen=True)
class Wanted:
    """Which incidents of the work list; None does not restrict.

    Args:
        status: open, acknowledged, closed, or `active` for all that are not closed.
        severity_id: this or worse.
        text: part of the title, the entity, the site or the detector, in any case.
    """

    status: str | None = "active"
    severity_id: int | None = None
    domain: str | None = None
    site: str | None = None
    detector: str | None = None
    assignee: str | None = None
    text: str | None = None

    def condition(self) -> tuple[sql.Composable, list[Any]]:
        """As SQL with its values."""
        parts: list[sql.Composable] = []
        values: list[Any] = []
        if self.status == "active":
            parts.append(_ACTIVE)
        elif self.status is not None:
            parts.append(sql.SQL("status = %s"))
            values.append(self.status)
        if self.severity_id is not None:
            parts.append(sql.SQL("severity_id >= %s"))
            values.append(self.severity_id)
        for name in ("domain", "site", "detector", "assignee"):
            if (value := getattr(self, name)) is not None:
                parts.append(sql.SQL("{} = %s").format(sql.Identifier(name)))
                values.append(value)
        if self.text is not None:
            parts.append(sql.SQL("position(lower(%s) IN lower(concat_ws(' ', title, entity, site, detector))) > 0"))
            values.append(self.text)
        return (sql.SQL(" AND ").join(parts) if parts else sql.SQL("true")), values


@dataclass(frozen=True)
class Page:
    """One page of the work list.

    Args:
        rows: incidents.
        number: of the page, from 1.
        total: incidents on all pages.
        size: rows of a whole page.
    """

    rows: list[dict[str, Any]]
    number: int
    total: int
    size: int

    @property
    def pages(self) -> int:
        """How many there are."""
        return max(1, -(-self.total // self.size))


def worklist(connection: psycopg.Connection[Any], wanted: Wanted, number: int = 1, size: int = PER_PAGE) -> Page:
    """A page of the work list.

    Args:
        connection: of a role that may read incidents.
        wanted: which of them.
        number: of the page, from 1.
        size: rows of a page.
    """
    condition, values = wanted.condition()
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        count = cursor.execute(sql.SQL("SELECT count(*) FROM incident WHERE {}").format(condition), values).fetchone()
        cursor.execute(
            sql.SQL("SELECT * FROM incident WHERE {} {} LIMIT %s OFFSET %s").format(condition, _ORDER),
            [*values, size, (number - 1) * size],
        )
        return Page(cursor.fetchall(), number, count["count"] if count else 0, size)


def counts(connection: psycopg.Connection[Any]) -> dict[int, int]:
    """How many incidents are not closed, by severity."""
    rows = connection.execute(sql.SQL("SELECT severity_id, count(*) FROM incident WHERE {} GROUP BY 1").format(_ACTIVE))
    return {int(severity): int(number) for severity, number in rows}


@dataclass(frozen=True)
class Whole:
    """All that is known of an incident.

    Args:
        incident: its row.
        events: what was done, oldest first.
        alerts: the latest, the latest first, `ALERTS` at most.
        timeline: (begin of the slot, severity, alerts), oldest first.
        beside: incidents of the same entity or site in the day around it, latest first.
        suppressions: made from it.
    """

    incident: dict[str, Any]
    events: list[dict[str, Any]]
    alerts: list[dict[str, Any]]
    timeline: list[dict[str, Any]]
    beside: list[dict[str, Any]]
    suppressions: list[dict[str, Any]]


def whole(connection: psycopg.Connection[Any], incident_id: str) -> Whole:
    """All of one incident, as of one moment.

    Raises:
        Unknown: there is none.
    """
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        incident = cursor.execute("SELECT * FROM incident WHERE incident_id = %s", (incident_id,)).fetchone()
        if incident is None:
            raise Unknown(incident_id)
        alerts = cursor.execute(
            'SELECT * FROM alert WHERE incident_id = %s ORDER BY "time" DESC, alert_id LIMIT %s', (incident_id, ALERTS)
        ).fetchall()
        timeline = cursor.execute(_TIMELINE, incident | {"slots": SLOTS}).fetchall()
        beside = cursor.execute(_BESIDE, incident | {"most": BESIDE}).fetchall()
        made = cursor.execute(
            "SELECT * FROM suppression WHERE incident_id = %s ORDER BY made", (incident_id,)
        ).fetchall()
        return Whole(incident, events(connection, incident_id), alerts, timeline, beside, made)


_TIMELINE: Final = """
    SELECT date_bin(greatest(interval '1 second', (%(last_time)s - %(first_time)s) / %(slots)s), "time", %(first_time)s) AS slot,
        max(severity_id) AS severity_id, count(*) AS alerts
    FROM alert WHERE incident_id = %(incident_id)s GROUP BY 1 ORDER BY 1
"""
_BESIDE: Final = """
    SELECT *, entity = %(entity)s AS same_entity FROM incident
    WHERE incident_id <> %(incident_id)s AND (entity = %(entity)s AND entity_kind = %(entity_kind)s
        OR site = %(site)s AND domain = %(domain)s AND last_time >= %(first_time)s::timestamptz - interval '1 day'
            AND first_time <= %(last_time)s::timestamptz + interval '1 day')
    ORDER BY entity = %(entity)s DESC, last_time DESC, incident_id LIMIT %(most)s
"""


def suppressions(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """Those that people made, the latest first, with how many alerts each has hidden and whether it `waits` for a review."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            "SELECT s.*, (SELECT count(*) FROM alert WHERE suppression = s.id) AS alerts FROM suppression s"
            " ORDER BY made DESC, id LIMIT 500"
        )
        return [{**row, "waits": waits(row["reviewed_by"], row["begins"], row["expires"])} for row in cursor]


def audit(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """The last of what was asked of the console, the latest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("SELECT * FROM audit ORDER BY number DESC LIMIT 500")
        return cursor.fetchall()
