"""The pages: a work list, an incident, what is suppressed, the audit log. Every form works without a script."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from detectors import profiles
from jobs.console.access import Console, Refused, address_of, console_of, needs
from jobs.console.render import rendered
from jobs.console.sessions import COOKIE, LASTS_S
from jobs.console.users import Person, Role
from jobs.triage import page, suppress
from jobs.triage.lifecycle import Action, Change, Outdated, Verdict, apply
from schemas.errors import UsageFault

router: Final = APIRouter(include_in_schema=False)

Viewer = Annotated[Person, Depends(needs(Role.VIEWER))]
Operator = Annotated[Person, Depends(needs(Role.OPERATOR))]
Admin = Annotated[Person, Depends(needs(Role.ADMIN))]


def own_form(request: Request, mark: Annotated[str, Form()] = "") -> None:
    """A form that changes something comes from a page of the same session.

    Raises:
        Refused: it does not.
    """
    console = console_of(request)
    person, session = console.person(request)
    name = person.name if person else ""
    if session is None or not console.signer.right_form(session, name, mark):
        # Of people alone: whoever reaches the port could fill the log.
        if person is not None:
            console.note(request, person, "form", request.url.path, "refused: forged or too old")
        raise Refused(403, "a forged form, or one of a session that has ended", request.url.path, "open the page again")


@router.get("/")
def root() -> Response:
    """The work list."""
    return RedirectResponse("/incidents", 303)


@router.get("/login")
def login_page(request: Request) -> Response:
    """Ask for the token."""
    return rendered(request, "login.html", None)


@router.post("/login", dependencies=[Depends(own_form)])
def login(request: Request, token: Annotated[str, Form(max_length=200)]) -> Response:
    """Begin a session."""
    console = console_of(request)
    person = console.log_in(request, token.strip())
    console.note(request, person, "login", "", "done" if person else "refused: unknown token")
    if person is None:
        return rendered(request, "login.html", None, status=401, wrong="This token is not known.")
    answer = RedirectResponse("/incidents", 303)
    _, cookie = console.signer.begin(person.name, console.users().fingerprint(person.name))
    keep(console, answer, cookie)
    return answer


@router.post("/logout", dependencies=[Depends(own_form)])
def logout(request: Request) -> Response:
    """End a session."""
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


def keep(console: Console, answer: Response, cookie: str) -> None:
    """Give the browser its session."""
    answer.set_cookie(
        COOKIE, cookie, max_age=LASTS_S, secure=console.secure, httponly=True, samesite="strict", path="/"
    )


@router.get("/incidents")
def worklist(
    request: Request,
    person: Viewer,
    status: Annotated[str, Query(pattern="^(active|open|acknowledged|closed|all)$")] = "active",
    severity: Annotated[str, Query(pattern="^[1-5]?$")] = "",
    domain: str = "",
    mine: bool = False,
    text: Annotated[str, Query(max_length=200)] = "",
    number: Annotated[int, Query(alias="page", ge=1, le=100_000)] = 1,
) -> Response:
    """What there is to work on."""
    wanted = page.Wanted(
        status=None if status == "all" else status,
        severity_id=int(severity) if severity else None,
        domain=domain or None,
        assignee=person.name if mine else None,
        text=text or None,
    )
    with console_of(request).pool.connection() as connection:
        found, counts = page.worklist(connection, wanted, number), page.counts(connection)
    chosen = {"status": status, "severity": severity, "domain": domain, "mine": mine, "text": text}
    return rendered(request, "incidents.html", person, found=found, counts=counts, chosen=chosen)


@router.get("/incidents/{incident_id}")
def incident(request: Request, person: Viewer, incident_id: str) -> Response:
    """One incident."""
    return _incident(request, person, incident_id)


def _incident(request: Request, person: Person, incident_id: str, status: int = 200, **more: Any) -> HTMLResponse:
    console = console_of(request)
    with console.pool.connection() as connection:
        found = page.whole(connection, incident_id)
    threat = profiles.BY_ID.get(found.incident["threat"])
    grafana = console.incident_url + quote(incident_id, safe="") if console.incident_url else None
    return rendered(
        request,
        "incident.html",
        person,
        status=status,
        whole=found,
        threat=threat,
        verdicts=list(Verdict),
        scopes=suppress.SCOPES,
        grafana=grafana,
        **more,
    )


@router.post("/incidents/{incident_id}/suppress", dependencies=[Depends(own_form)])
def hide(
    request: Request,
    person: Operator,
    incident_id: str,
    version: Annotated[int, Form()],
    reason: Annotated[str, Form(max_length=2000)] = "",
    hours: Annotated[float, Form(gt=0, le=366 * 24)] = 8,
    scope: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Hide further alerts like those of an incident."""
    lasts, now, keep_to = timedelta(hours=hours), datetime.now(UTC), tuple(scope or ())

    def do(connection: Any) -> None:
        suppress.suppress(connection, incident_id, version, person.name, keep_to, reason, lasts, now)

    return _done(request, person, incident_id, "suppress", do)


@router.post("/incidents/{incident_id}/{action}", dependencies=[Depends(own_form)])
def step(
    request: Request,
    person: Operator,
    incident_id: str,
    action: str,
    version: Annotated[int, Form()],
    assignee: Annotated[str, Form()] = "",
    verdict: Annotated[str, Form()] = "",
    comment: Annotated[str, Form()] = "",
) -> Response:
    """Take a step."""
    known = {"acknowledge", "assign", "comment", "close", "reopen"}
    if action not in known or (verdict and verdict.upper() not in Verdict.__members__):
        raise UsageFault("no such step or verdict", action, f"one of {', '.join(sorted(known))}")
    found = Verdict[verdict.upper()] if verdict else None
    change = Change(Action(action), person.name, assignee.strip() or None, found, comment.strip() or None)
    return _done(request, person, incident_id, action, lambda c: apply(c, incident_id, version, change))


def _done(request: Request, person: Person, incident_id: str, action: str, do: Any) -> Response:
    """Do a step and show the incident; who was too late, or asked for what does not fit, sees it with the reason."""
    console = console_of(request)
    try:
        with console.pool.connection() as connection:
            do(connection)
    except Outdated as late:
        console.note(request, person, action, incident_id, "refused: outdated")
        return _incident(request, person, incident_id, status=409, late=late)
    except UsageFault as wrong:
        console.note(request, person, action, incident_id, f"refused: {wrong.what}")
        return _incident(request, person, incident_id, status=422, wrong=wrong)
    console.note(request, person, action, incident_id, "done")
    return RedirectResponse(f"/incidents/{incident_id}", 303)


@router.get("/suppressions")
def suppressions(request: Request, person: Viewer) -> Response:
    """What people hide."""
    with console_of(request).pool.connection() as connection:
        rows = page.suppressions(connection)
    return rendered(request, "suppressions.html", person, rows=rows, now=datetime.now(UTC))


@router.post("/suppressions/{name}/{action}", dependencies=[Depends(own_form)])
def suppression(request: Request, person: Operator, name: str, action: str) -> Response:
    """Review a suppression, or withdraw it."""
    console = console_of(request)
    with console.pool.connection() as connection:
        if action == "review":
            suppress.review(connection, name, person.name)
        elif action == "withdraw":
            suppress.withdraw(connection, name, datetime.now(UTC))
        else:
            raise UsageFault("no such step", action, "review or withdraw")
    console.note(request, person, f"{action} suppression", name, "done")
    return RedirectResponse("/suppressions", 303)


@router.get("/audit")
def audit(request: Request, person: Admin) -> Response:
    """What was asked of the console."""
    with console_of(request).pool.connection() as connection:
        rows = page.audit(connection)
    return rendered(request, "audit.html", person, rows=rows)


@router.get("/health")
def health(request: Request) -> dict[str, str]:
    """Whether the console and its database answer."""
    with console_of(request).pool.connection() as connection:
        connection.execute("SELECT 1 FROM table_version")
    return {"status": "ok", "from": address_of(request)}
