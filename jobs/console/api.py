"""The interface for programs: incidents as JSON, and the steps that pages and commands know. /api/openapi.json describes it."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from jobs.console.access import Refused, console_of, needs
from jobs.console.users import Person, Role
from jobs.export import formats
from jobs.triage import page, suppress
from jobs.triage.lifecycle import Action, Change, Verdict, apply

router: Final = APIRouter(prefix="/api")

Viewer = Annotated[Person, Depends(needs(Role.VIEWER))]
Operator = Annotated[Person, Depends(needs(Role.OPERATOR))]


class Step(BaseModel):
    """One step in the life of an incident."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["acknowledge", "assign", "comment", "close", "reopen"]
    version: int = Field(description="version of the incident that was looked at; another one is refused with 409")
    assignee: str | None = Field(default=None, description="of assign; null: nobody")
    verdict: (
        Literal[
            "false_positive",
            "true_positive",
            "disregard",
            "suspicious",
            "benign",
            "test",
            "insufficient_data",
            "security_risk",
            "managed_externally",
            "duplicate",
        ]
        | None
    ) = Field(default=None, description="of close (OCSF verdict_id)")
    comment: str | None = None


class Hiding(BaseModel):
    """A suppression made from an incident."""

    model_config = ConfigDict(extra="forbid")

    version: int
    scope: list[Literal["detector", "threat", "site", "entity"]] = Field(description="what must be as in the incident")
    reason: str
    hours: float = Field(gt=0, le=366 * 24, description="more than 24 hide nothing until somebody else has reviewed it")


def from_program(request: Request) -> None:
    """What changes something takes a bearer token, or the mark of the session: a cookie alone may be sent by any page.

    Raises:
        Refused: neither is there.
    """
    console = console_of(request)
    if request.headers.get("authorization", "").lower().startswith("bearer "):
        return
    person, session = console.person(request)
    mark = request.headers.get("x-form-mark")
    if person is None or session is None or not console.signer.right_form(session, person.name, mark):
        raise Refused(403, "a forged request", request.url.path, "send Authorization: Bearer TOKEN")


@router.get("/incidents")
def incidents(
    request: Request,
    _person: Viewer,
    status: Literal["active", "open", "acknowledged", "closed", "all"] = "active",
    severity: Annotated[int | None, Query(ge=1, le=5, description="this OCSF severity_id or worse")] = None,
    domain: str | None = None,
    site: str | None = None,
    detector: str | None = None,
    assignee: str | None = None,
    text: str | None = None,
    number: Annotated[int, Query(alias="page", ge=1, le=100_000)] = 1,
) -> dict[str, Any]:
    """A page of the work list."""
    wanted = page.Wanted(None if status == "all" else status, severity, domain, site, detector, assignee, text)
    with console_of(request).pool.connection() as connection:
        found = page.worklist(connection, wanted, number)
    return {"incidents": found.rows, "page": found.number, "pages": found.pages, "total": found.total}


@router.get("/incidents/{incident_id}")
def incident(request: Request, _person: Viewer, incident_id: str) -> dict[str, Any]:
    """All of an incident: its row, what was done, its alerts with their evidence, and what stands beside it."""
    with console_of(request).pool.connection() as connection:
        found = page.whole(connection, incident_id)
    return {
        "incident": found.incident,
        "events": found.events,
        "alerts": found.alerts,
        "beside": found.beside,
        "suppressions": found.suppressions,
    }


@router.get("/incidents/{incident_id}/export", response_class=Response)
def export(
    request: Request, _person: Viewer, incident_id: str, form: Annotated[str, Query(alias="format")] = "ocsf"
) -> Response:
    """An incident for other systems: `ocsf` (JSON), `stix` (2.1, JSON) or `cef`."""
    with console_of(request).pool.connection() as connection:
        found = page.whole(connection, incident_id)
    written = formats.write(form, found.incident, found.alerts)
    return PlainTextResponse(written, media_type="text/plain" if form == "cef" else "application/json")


@router.post("/incidents/{incident_id}/steps", dependencies=[Depends(from_program)])
def step(request: Request, person: Operator, incident_id: str, body: Step) -> dict[str, Any]:
    """Take a step: acknowledge, assign, comment, close, reopen."""
    verdict = Verdict[body.verdict.upper()] if body.verdict else None
    change = Change(Action(body.action), person.name, body.assignee, verdict, body.comment)
    console = console_of(request)
    with console.pool.connection() as connection:
        standing = apply(connection, incident_id, body.version, change)
    console.note(request, person, body.action, incident_id, "done")
    return {"version": standing.version, "status": standing.status, "assignee": standing.assignee}


@router.post("/incidents/{incident_id}/suppress", dependencies=[Depends(from_program)])
def hide(request: Request, person: Operator, incident_id: str, body: Hiding) -> dict[str, Any]:
    """Hide further alerts like those of an incident for a time."""
    console = console_of(request)
    with console.pool.connection() as connection:
        standing, made = suppress.suppress(
            connection,
            incident_id,
            body.version,
            person.name,
            tuple(body.scope),
            body.reason,
            timedelta(hours=body.hours),
            datetime.now(UTC),
        )
    console.note(request, person, "suppress", incident_id, made.id)
    return {"version": standing.version, "suppression": made.model_dump(mode="json"), "waits": made.waits}


@router.get("/suppressions")
def suppressions(request: Request, _person: Viewer) -> dict[str, Any]:
    """What people hide, and how many alerts each has hidden."""
    with console_of(request).pool.connection() as connection:
        return {"suppressions": page.suppressions(connection)}
