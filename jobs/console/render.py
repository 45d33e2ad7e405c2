"""Pages from templates; a page's own texts are escaped by the template engine, whatever they hold."""

from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse

from jobs.console.access import console_of
from jobs.console.users import Person, Role
from jobs.export.html import environment


def rendered(request: Request, template: str, person: Person | None, status: int = 200, **values: Any) -> HTMLResponse:
    """A page for a person, in a session: begun where there is none, so that its forms can be told from forged ones."""
    console = console_of(request)
    _, session = console.person(request)
    cookie = None
    # Not in answer to a form: one of another site comes without the cookie, and a new one would end the session.
    if session is None and request.method == "GET":
        session, cookie = console.signer.begin()
    mark = console.signer.form_mark(session, person.name if person else "") if session else ""
    text = _ENVIRONMENT.get_template(template).render(
        person=person,
        mark=mark,
        operator=person is not None and person.may(Role.OPERATOR),
        admin=person is not None and person.may(Role.ADMIN),
        path=request.url.path,
        query=request.url.query,
        **values,
    )
    answer = HTMLResponse(text, status)
    if cookie is not None:
        from jobs.console.pages import keep

        keep(console, answer, cookie)
    return answer


def ago(moment: datetime, now: datetime | None = None) -> str:
    """How long ago, in words."""
    seconds = max(0.0, ((now or datetime.now(UTC)) - moment).total_seconds())
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds:.0f} s"


_ENVIRONMENT: Final = environment("jobs.console")
_ENVIRONMENT.filters["ago"] = ago


def static(name: str) -> tuple[bytes, str]:
    """A file of the pages and its kind.

    Raises:
        KeyError: there is none.
    """
    return (files("jobs.console") / "static" / name).read_bytes(), _STATIC[name]


_STATIC: Final = {"console.css": "text/css; charset=utf-8", "htmx-2.0.8.min.js": "text/javascript; charset=utf-8"}
