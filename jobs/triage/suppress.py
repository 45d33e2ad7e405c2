"""Suppressions that people make while they work on an incident, kept in PostgreSQL; a file of the site has its own."""

import json
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row
from pydantic import ValidationError

from jobs.land.suppressions import ALONE, Scope, Suppression
from jobs.triage.lifecycle import Action, Change, Standing, apply
from schemas.errors import RunFault, UsageFault

#: Fields of an incident that a suppression made from it may keep to.
SCOPES: Final = ("detector", "threat", "site", "entity")


def suppress(
    connection: psycopg.Connection[Any],
    incident_id: str,
    version: int | None,
    actor: str,
    keep: tuple[str, ...],
    reason: str,
    lasts: timedelta,
    now: datetime,
) -> tuple[Standing, Suppression]:
    """Hide further alerts like those of an incident, none more severe than it, from now on.

    Args:
        connection: of a role that may change incidents.
        incident_id: the incident.
        version: that was looked at; None for whatever it is now.
        actor: who does it, and owns the suppression.
        keep: which of `SCOPES` must be as in the incident.
        reason: why.
        lasts: how long; for longer than `ALONE` somebody else has to `review` it before it hides anything.
        now: when it begins.

    Returns:
        where the incident stands, and the suppression.

    Raises:
        UsageFault: the suppression is none, by key.
        Unknown, Outdated: as `lifecycle.apply`.
    """
    if not keep or set(keep) - set(SCOPES):
        raise UsageFault("the scope is empty or unknown", "scope", f"one or more of {', '.join(SCOPES)}")
    with connection.transaction():
        change = Change(Action.SUPPRESS, actor, comment=f"for {_span(lasts)}: {reason}"[:4000])
        standing = apply(connection, incident_id, version, change)
        with connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(
                "SELECT detector, threat, site, entity, severity_id, kind FROM incident WHERE incident_id = %s",
                (incident_id,),
            ).fetchone()
        assert row is not None, "apply has seen it"
        if row["kind"] == "storm" and "entity" in keep:
            raise UsageFault("a storm has no entity of its own", "scope", "keep to its site and detector")
        made = _checked(row, keep, f"i-{incident_id[:32].lower()}-{standing.version}", actor, reason, now, now + lasts)
        connection.execute(
            "INSERT INTO suppression (id, scope, reason, owner, begins, expires, incident_id)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (
                made.id,
                json.dumps(made.scope.model_dump(exclude_none=True)),
                made.reason,
                made.owner,
                made.begins,
                made.expires,
                incident_id,
            ),
        )
    return standing, made


def review(connection: psycopg.Connection[Any], name: str, actor: str) -> None:
    """Say that a suppression of somebody else is right: from now on it hides, however long it lasts.

    Raises:
        RunFault: there is none of this name, it was reviewed, or the actor made it.
    """
    done = connection.execute(
        "UPDATE suppression SET reviewed_by = %s WHERE id = %s AND reviewed_by IS NULL AND lower(owner) <> lower(%s)",
        (actor, name, actor),
    )
    if done.rowcount == 0:
        raise RunFault("nothing to review", name[:100], "somebody else than its owner reviews it, once")


def withdraw(connection: psycopg.Connection[Any], name: str, now: datetime) -> None:
    """End a suppression now.

    Raises:
        RunFault: there is none of this name that still hides.
    """
    done = connection.execute(
        "UPDATE suppression SET expires = greatest(%s, begins + interval '1 microsecond') WHERE id = %s AND expires > %s",
        (now, name, now),
    )
    if done.rowcount == 0:
        raise RunFault("nothing to withdraw", name[:100], "it has expired, or there is none of this name")


def _checked(
    row: dict[str, Any], keep: tuple[str, ...], name: str, owner: str, reason: str, begins: datetime, expires: datetime
) -> Suppression:
    from detectors.profiles.threat import Severity

    try:
        scope = Scope(**{k: row[k] for k in keep}, up_to=Severity(row["severity_id"]).name.lower())
        return Suppression(id=name, scope=scope, reason=reason.strip(), owner=owner, begins=begins, expires=expires)
    except ValidationError as wrong:
        problem = wrong.errors()[0]
        key = ".".join(map(str, problem["loc"])) or "suppression"
        raise UsageFault(
            problem["msg"].removeprefix("Value error, "), key, "docs/incidents.md tells the rules"
        ) from wrong


def _span(lasts: timedelta) -> str:
    hours = lasts.total_seconds() / 3600
    words = f"{hours:g} h" if hours < 48 else f"{hours / 24:g} days"
    return words if lasts <= ALONE else f"{words}, once reviewed"
