"""Pages from templates; a page's own texts are escaped by the template engine, whatever they hold."""

import json
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from detectors.profiles.threat import Severity
from jobs.console.access import console_of
from jobs.console.users import Person, Role
from jobs.export.chart import timeline

#: Fields of a record of the evidence that a page shows; the rest is in the lake.
_MOST_FIELDS: Final = 60


def rendered(request: Request, template: str, person: Person | None, status: int = 200, **values: Any) -> HTMLResponse:
    """A page for a person, in a session: begun where there is none, so that its forms can be told from forged ones."""
    console = console_of(request)
    _, session = console.person(request)
    cookie = None
    # Not in answer to a form: one of another site comes without the cookie, and a new one would end the session.
    if session is None and request.method == "GET":
        session, cookie = console.signer.begin("")
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


def _severity(number: int) -> str:
    return Severity(number).name.lower() if number in {s.value for s in Severity} else "unknown"


def _when(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _ago(moment: datetime) -> str:
    seconds = max(0.0, (datetime.now(UTC) - moment).total_seconds())
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds:.0f} s"


def _records(evidence: list[str]) -> list[dict[str, Any]]:
    """Records of an alert's evidence, without what they lack."""
    found = []
    for text in evidence:
        try:
            record = json.loads(text)
        except ValueError:
            record = {"record": text}
        pairs = record.items() if isinstance(record, dict) else [("record", record)]
        found.append(dict([(k, v) for k, v in pairs if v is not None and v != ""][:_MOST_FIELDS]))
    return found


def _frames_command(alert: dict[str, Any]) -> str:
    numbers = ",".join(map(str, alert["frames"] or ()))
    return f"tshark -r {alert['capture']} -Y 'frame.number in {{{numbers}}}'"


_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("jobs.console"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {
    "severity": _severity,
    "when": _when,
    "ago": _ago,
    "records": _records,
    "frames": _frames_command,
}
_ENVIRONMENT.globals |= {"timeline": timeline, "SEVERITIES": [s.value for s in reversed(Severity)]}


def static(name: str) -> tuple[bytes, str]:
    """A file of the pages and its kind.

    Raises:
        KeyError: there is none.
    """
    return (files("jobs.console") / "static" / name).read_bytes(), _STATIC[name]


_STATIC: Final = {"console.css": "text/css; charset=utf-8", "htmx-2.0.8.min.js": "text/javascript; charset=utf-8"}
