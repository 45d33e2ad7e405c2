"""Which incidents a receiver has not got as they stand, and what it has got: kept in PostgreSQL."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from infra import database
from jobs.outflow.message import ALERTS, Message

#: Incidents of one look.
PAGE: Final = 200
#: What was written before the last look may be committed after it: each look goes back by this much.
MARGIN: Final = timedelta(minutes=10)
#: Seconds until all incidents are compared again, whenever they were changed: a transaction may have lasted for longer than that.
WHOLE_S: Final = 3600.0

Row = dict[str, Any]


class Changes:
    """One receiver's position, on a connection of its own. A method raises `psycopg.OperationalError` when the server is lost.

    Args:
        dsn: of a role that may read incidents and keep positions.
        receiver: its name.
        margin: how far each look goes back before the last.
        whole_s: seconds between comparisons of all.
    """

    def __init__(self, dsn: str, receiver: str, margin: timedelta = MARGIN, whole_s: float = WHOLE_S) -> None:
        self._connection = psycopg.connect(
            dsn, connect_timeout=10, autocommit=True, application_name="gridwatch outflow", options="-c timezone=UTC"
        )
        self._receiver, self._margin, self._whole_s = receiver, margin, whole_s
        self._since: datetime | None = None
        self._whole_at = 0.0
        database.ensure(self._connection)

    def lock(self) -> bool:
        """Become the one who sends to this receiver, as long as the connection lasts; False while another does.

        Two would send the states of an incident in no order.
        """
        query = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
        row = self._connection.execute(query, (f"gridwatch outflow {self._receiver}",)).fetchone()
        return bool(row and row[0])

    def look(self, aside: Sequence[str] = (), whole: bool = False) -> Iterator[list[tuple[Row, list[Row]]]]:
        """Incidents that the receiver has not got as they stand, the longest unchanged first, in pages.

        The look counts as done only when all pages were taken: one that is broken off begins anew.

        Args:
            aside: incidents that are left out.
            whole: at all incidents, whenever they were changed; the first look is, and one every `whole_s`.

        Returns:
            pages of (incident, its latest alerts, the latest first).
        """
        began = monotonic()
        whole = whole or self._since is None or began - self._whole_at >= self._whole_s
        since: datetime | str = "-infinity" if whole or self._since is None else self._since
        after: tuple[datetime | str, str] = (since, "")
        start = self._now()
        while True:
            page = self._page(after, list(aside))
            if page:
                yield page
            if len(page) < PAGE:
                break
            last = page[-1][0]
            after = (last["updated"], last["incident_id"])
        self._since = start - self._margin
        if whole:
            self._whole_at = began

    def sent(self, messages: Sequence[Message]) -> None:
        """The receiver has acknowledged these."""
        if not messages:
            return
        with self._connection.cursor() as cursor, self._connection.transaction():
            cursor.executemany(
                "INSERT INTO outflow (receiver, incident_id, version, alerts) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (receiver, incident_id) DO UPDATE SET version = excluded.version, alerts = excluded.alerts,"
                " sent = clock_timestamp()",
                [(self._receiver, m.incident_id, m.version, m.alerts) for m in messages],
            )

    def close(self) -> None:
        """Let go of the connection, and of the lock with it."""
        self._connection.close()

    def _now(self) -> datetime:
        row = self._connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        found: datetime = row[0]
        return found

    def _page(self, after: tuple[datetime | str, str], aside: list[str]) -> list[tuple[Row, list[Row]]]:
        """As of one moment, so that an incident and its alerts fit together."""
        values = {"receiver": self._receiver, "updated": after[0], "id": after[1], "aside": aside, "page": PAGE}
        with self._connection.transaction(), self._connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            incidents = cursor.execute(_CHANGED, values).fetchall()
            alerts: dict[str, list[Row]] = {row["incident_id"]: [] for row in incidents}
            for row in cursor.execute(_ALERTS, {"ids": list(alerts), "alerts": ALERTS}):
                alerts[row["incident_id"]].append(row)
        return [(row, alerts[row["incident_id"]]) for row in incidents]


_CHANGED: Final = """
    SELECT i.* FROM incident i
    LEFT JOIN outflow o ON o.receiver = %(receiver)s AND o.incident_id = i.incident_id
    WHERE (i.updated, i.incident_id) > (%(updated)s::timestamptz, %(id)s)
        AND (o.incident_id IS NULL OR (o.version, o.alerts) <> (i.version, i.alerts))
        AND i.incident_id <> ALL (%(aside)s::text[])
    ORDER BY i.updated, i.incident_id LIMIT %(page)s
"""
_ALERTS: Final = """
    SELECT a.* FROM unnest(%(ids)s::text[]) AS wanted (id) CROSS JOIN LATERAL (
        SELECT incident_id, alert_id, title, observed, expected, detector, detected, first_time, last_time, threat, technique
        FROM alert WHERE incident_id = wanted.id ORDER BY "time" DESC, alert_id LIMIT %(alerts)s
    ) a
"""
