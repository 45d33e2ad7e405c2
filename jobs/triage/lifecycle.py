"""The life of an incident: open, acknowledged, closed with a verdict; every step an event that stays.

An incident has a version, the number of its last event. Who acts says which version was looked at: when somebody else was faster,
nothing is changed, and who was late is told what was done meanwhile (an optimistic lock).
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import dict_row

from schemas.errors import RunFault, UsageFault

#: Longest text (characters) of a comment, and of a name.
MAX_COMMENT: Final = 4000
MAX_NAME: Final = 200


class Action(Enum):
    """What a person does about an incident."""

    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    COMMENT = "comment"
    CLOSE = "close"
    REOPEN = "reopen"
    SUPPRESS = "suppress"


class Verdict(Enum):
    """What an incident turned out to be; verdict_id of an OCSF Incident Finding (class 2005)."""

    FALSE_POSITIVE = 1
    TRUE_POSITIVE = 2
    DISREGARD = 3
    SUSPICIOUS = 4
    BENIGN = 5
    TEST = 6
    INSUFFICIENT_DATA = 7
    SECURITY_RISK = 8
    MANAGED_EXTERNALLY = 9
    DUPLICATE = 10

    @property
    def word(self) -> str:
        """As it is typed and stored."""
        return self.name.lower()


@dataclass(frozen=True)
class Standing:
    """Where an incident stands."""

    version: int
    status: str
    assignee: str | None = None
    verdict: str | None = None


@dataclass(frozen=True)
class Change:
    """One step.

    Args:
        action: what is done.
        actor: who does it.
        assignee: to whom it is assigned; None of `ASSIGN`: to nobody.
        verdict: of `CLOSE`.
        comment: why; needed of `COMMENT`.
    """

    action: Action
    actor: str
    assignee: str | None = None
    verdict: Verdict | None = None
    comment: str | None = None


class Outdated(RunFault):
    """Somebody else was faster: nothing was changed.

    Args:
        incident_id: the incident.
        events: what was done since the version that was looked at, oldest first.
    """

    def __init__(self, incident_id: str, events: list[dict[str, Any]]) -> None:
        done = "; ".join(f"{e['actor']}: {e['action']} at {e['at']:%H:%M:%S}" for e in events)
        super().__init__(
            f"the incident was changed meanwhile ({done})",
            incident_id,
            "look at it again, then decide; nothing was done",
        )
        self.events = events


class Unknown(RunFault):
    """There is no such incident."""

    def __init__(self, incident_id: str) -> None:
        super().__init__("no such incident", incident_id[:100], "gridwatch incidents lists them")


def after(now: Standing, change: Change) -> Standing:
    """Where an incident stands after a step.

    Raises:
        UsageFault: the step does not fit, or lacks what it needs.
    """
    action = change.action
    _check(change)
    if now.status == "closed" and action not in (Action.REOPEN, Action.COMMENT):
        raise UsageFault(f"it is closed: {action.value} needs an open one", action.value, "reopen it first")
    if action is Action.REOPEN and now.status != "closed":
        raise UsageFault("it is not closed", action.value, "there is nothing to reopen")
    if action is Action.ACKNOWLEDGE and now.status != "open":
        raise UsageFault("it was acknowledged already", action.value, "assign it, if it is to be somebody else's")
    new = replace(now, version=now.version + 1)
    if action is Action.ACKNOWLEDGE:
        return replace(new, status="acknowledged", assignee=now.assignee or change.actor)
    if action is Action.ASSIGN:
        return replace(new, assignee=change.assignee)
    if action is Action.CLOSE:
        assert change.verdict is not None
        return replace(new, status="closed", verdict=change.verdict.word)
    if action is Action.REOPEN:
        return replace(new, status="open", verdict=None)
    return new


def _check(change: Change) -> None:
    for name, text, most in (
        ("actor", change.actor, MAX_NAME),
        ("assignee", change.assignee, MAX_NAME),
        ("comment", change.comment, MAX_COMMENT),
    ):
        if text is not None and (len(text) > most or "\0" in text):
            raise UsageFault(f"longer than {most} characters, or with a NUL", name, "shorten it")
    if not change.actor.strip():
        raise UsageFault("nobody does this", "actor", "say who acts")
    if change.action is Action.CLOSE and change.verdict is None:
        raise UsageFault("no verdict", "verdict", f"say what it was: {', '.join(v.word for v in Verdict)}")
    if change.action is Action.COMMENT and not (change.comment or "").strip():
        raise UsageFault("the comment is empty", "comment", "write one")
    if change.action is Action.ASSIGN and change.assignee is not None and not change.assignee.strip():
        raise UsageFault("the name is empty", "assignee", "say to whom it is assigned")


_SINCE: Final[dict[str, LiteralString]] = {
    "open": "since = clock_timestamp(), acknowledged = NULL, closed = NULL",
    "acknowledged": "acknowledged = clock_timestamp()",
    "closed": "closed = clock_timestamp()",
}


def apply(connection: psycopg.Connection[Any], incident_id: str, version: int | None, change: Change) -> Standing:
    """Do a step, in a transaction of its own or in the caller's.

    Args:
        connection: of a role that may change incidents.
        incident_id: the incident.
        version: that was looked at; None for whatever it is now.
        change: the step.

    Returns:
        where the incident stands now.

    Raises:
        Unknown: there is no such incident.
        Outdated: it is not at this version.
        UsageFault: as `after`.
    """
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            "SELECT version, status, assignee, verdict FROM incident WHERE incident_id = %s FOR UPDATE", (incident_id,)
        ).fetchone()
        if row is None:
            raise Unknown(incident_id)
        now = Standing(**row)
        if version is not None and version != now.version:
            raise Outdated(incident_id, _events_after(cursor, incident_id, version))
        new = after(now, change)
        moved: LiteralString = f", {_SINCE[new.status]}" if new.status != now.status else ""
        cursor.execute(
            f"UPDATE incident SET version = %s, status = %s, assignee = %s, verdict = %s, updated = clock_timestamp(){moved}"
            " WHERE incident_id = %s",
            (new.version, new.status, new.assignee, new.verdict, incident_id),
        )
        cursor.execute(
            "INSERT INTO incident_event (incident_id, version, actor, action, status, assignee, verdict, comment)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (
                incident_id,
                new.version,
                change.actor,
                change.action.value,
                new.status,
                new.assignee,
                new.verdict,
                change.comment,
            ),
        )
        return new


def _events_after(cursor: psycopg.Cursor[dict[str, Any]], incident_id: str, version: int) -> list[dict[str, Any]]:
    cursor.execute(
        "SELECT * FROM incident_event WHERE incident_id = %s AND version > %s ORDER BY version", (incident_id, version)
    )
    return cursor.fetchall()


def events(connection: psycopg.Connection[Any], incident_id: str) -> list[dict[str, Any]]:
    """What was done about an incident, oldest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return _events_after(cursor, incident_id, -1)
