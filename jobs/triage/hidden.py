"""What suppressions have hidden, as PostgreSQL tells; and its refusals in words."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from jobs.land.suppressions import Suppression
from schemas.errors import RunFault


@dataclass(frozen=True)
class Hidden:
    """What one suppression has hidden.

    Args:
        alerts: how many.
        first, last: event times; None where it hid nothing.
        severity_id: the highest of them; 0 where it hid nothing.
    """

    suppression: Suppression
    alerts: int = 0
    first: datetime | None = None
    last: datetime | None = None
    severity_id: int = 0

    def state(self, now: datetime) -> str:
        """`active`, `expired`, or `to come`."""
        if now < self.suppression.begins:
            return "to come"
        return "active" if now < self.suppression.expires else "expired"

    def days_left(self, now: datetime) -> float:
        """Days until it expires; 0 where it has."""
        return max(0.0, (self.suppression.expires - now).total_seconds() / 86_400)


def removed(dsn: str, suppressions: Sequence[Suppression]) -> dict[str, int]:
    """How many alerts are hidden by suppressions that are no longer in the file, by id.

    Raises:
        RunFault: as `explained`.
    """
    known = [one.id for one in suppressions]
    query = (
        "SELECT suppression, count(*) AS alerts FROM alert"
        " WHERE suppression IS NOT NULL AND suppression <> ALL(%(known)s) GROUP BY 1 ORDER BY 1"
    )
    return {row["suppression"]: row["alerts"] for row in _rows(dsn, query, {"known": known})}


def hidden(dsn: str, suppressions: Sequence[Suppression]) -> list[Hidden]:
    """What each of the suppressions has hidden.

    Raises:
        RunFault: as `explained`.
    """
    rows = _rows(
        dsn,
        'SELECT suppression, count(*) AS alerts, min("time") AS first, max("time") AS last, max(severity_id) AS severity'
        " FROM alert WHERE suppression IS NOT NULL GROUP BY suppression",
        {},
    )
    found = {row["suppression"]: row for row in rows}
    out = []
    for one in suppressions:
        row = found.get(one.id)
        out.append(Hidden(one, row["alerts"], row["first"], row["last"], row["severity"]) if row else Hidden(one))
    return out


def _rows(dsn: str, query: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    with (
        explained(),
        psycopg.connect(dsn, connect_timeout=10, options="-c timezone=UTC", row_factory=dict_row) as connection,
    ):
        return connection.execute(query.encode(), values).fetchall()


@contextmanager
def explained() -> Iterator[None]:
    """What PostgreSQL refuses, as a fault that says what to do.

    Raises:
        RunFault: it does not answer, nothing was ever landed there, or the role may not.
    """
    try:
        yield
    except psycopg.errors.UndefinedTable as wrong:
        raise RunFault("nothing was landed here yet", "postgres.dsn", "run gridwatch land") from wrong
    except psycopg.errors.InsufficientPrivilege as wrong:
        raise RunFault(
            f"PostgreSQL refuses: {wrong}", "postgres.dsn", "gridwatch database gives the roles rights"
        ) from wrong
    except psycopg.OperationalError as wrong:
        said = str(wrong).splitlines()[0]
        raise RunFault(f"PostgreSQL does not answer: {said}", "postgres.dsn", "gridwatch status") from wrong
