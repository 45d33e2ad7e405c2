"""Who may do what: every request has a person or none, and every page and call says which role it needs."""

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg
from fastapi import Request
from psycopg_pool import ConnectionPool

from jobs.console import users
from jobs.console.sessions import COOKIE, Session, Signer
from jobs.console.users import Person, Role, Users
from schemas.errors import Fault

#: Failed logins of one address within a minute, after which further ones are refused.
MAX_FAILURES: Final = 10
_MINUTE_S: Final = 60.0


class Refused(Fault):
    """A request that is not allowed.

    Args:
        status: HTTP status: 401 nobody is logged in, 403 may not, 429 too often.
    """

    def __init__(self, status: int, what: str, where: str, remedy: str) -> None:
        super().__init__(what, where, remedy)
        self.status = status


@dataclass
class Console:
    """What all requests share.

    Args:
        pool: connections of the console's role.
        signer: of sessions and forms.
        users_file: who may use it; read anew when it changes.
        proxies: networks of the proxies that log people in.
        user_header, roles_header: in which they say who it is.
        groups: role of each group.
        secure: whether the cookie is for HTTPS alone.
        incident_url: how people reach an incident in Grafana, up to its id; None where there is none.
    """

    pool: ConnectionPool[psycopg.Connection[Any]]
    signer: Signer
    users_file: Path
    proxies: tuple[str, ...] = ()
    user_header: str = "X-Forwarded-User"
    roles_header: str = "X-Forwarded-Groups"
    groups: dict[str, Role] = field(default_factory=dict)
    secure: bool = False
    incident_url: str | None = None
    _failures: dict[str, list[float]] = field(default_factory=dict)
    _users: tuple[float, Users] | None = None

    def users(self) -> Users:
        """The users as the file has them now."""
        changed = self.users_file.stat().st_mtime if self.users_file.exists() else 0.0
        if self._users is None or self._users[0] != changed:
            self._users = (changed, users.load(self.users_file))
        return self._users[1]

    def trusted(self, address: str) -> bool:
        """Whether a request from an address may say in headers who it is."""
        try:
            return any(ipaddress.ip_address(address) in ipaddress.ip_network(net, strict=False) for net in self.proxies)
        except ValueError:
            return False

    def person(self, request: Request) -> tuple[Person | None, Session | None]:
        """Who asks, and in which session; a program with a bearer token has none."""
        session = self.signer.read(request.cookies.get(COOKIE))
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._by_token(request, token.strip()), None
        if self.trusted(address_of(request)) and (name := request.headers.get(self.user_header)):
            given = (group.strip() for group in request.headers.get(self.roles_header, "").split(","))
            roles = [self.groups[group] for group in given if group in self.groups]
            return (Person(name[:64], max(roles)) if roles else None), session
        if session is not None and session.name:
            # As the file has it now: who was taken away, or has a new token, is nobody at once.
            users = self.users()
            valid = hmac.compare_digest(session.by, users.fingerprint(session.name))
            return (users.named(session.name) if valid else None), session
        return None, session

    def log_in(self, request: Request, token: str) -> Person | None:
        """Whose token it is."""
        return self._by_token(request, token)

    def _by_token(self, request: Request, token: str) -> Person | None:
        address = address_of(request)
        now = self.signer.clock()
        recent = [at for at in self._failures.get(address, ()) if now - at < _MINUTE_S]
        if len(recent) >= MAX_FAILURES:
            raise Refused(429, "too many failed logins", address, "wait a minute")
        found = self.users().of_token(token)
        if found is None:
            self._failures[address] = [*recent, now]
            if len(self._failures) > 10_000:
                self._failures = {a: times for a, times in self._failures.items() if now - times[-1] < _MINUTE_S}
        return found

    def note(self, request: Request, person: Person | None, action: str, target: str, outcome: str) -> None:
        """Write into the audit log what was asked and what came of it."""
        with self.pool.connection() as connection:
            connection.execute(
                "INSERT INTO audit (actor, role, address, action, target, outcome) VALUES (%s, %s, %s, %s, %s, %s)",
                (
                    person.name if person else "",
                    person.role.word if person else "",
                    address_of(request),
                    action,
                    target[:200].replace("\0", ""),
                    outcome[:500].replace("\0", ""),
                ),
            )


def console_of(request: Request) -> Console:
    """What all requests share."""
    console: Console = request.app.state.console
    return console


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else ""


def needs(role: Role) -> Callable[[Request], Person]:
    """A dependency: the person who asks, who has this role or a higher one.

    Raises:
        Refused: nobody is logged in, or the role does not suffice.
    """

    def person(request: Request) -> Person:
        found, _ = console_of(request).person(request)
        if found is None:
            raise Refused(401, "nobody is logged in", request.url.path, "log in with a token: gridwatch users add NAME")
        if not found.may(role):
            raise Refused(
                403,
                f"this needs the role {role.word}; {found.name} is {found.role.word}",
                request.url.path,
                "ask an admin",
            )
        return found

    return person


async def guarded(request: Request, call: Callable[[Request], Awaitable[Any]]) -> Any:
    """Middleware: what every answer carries, so that a browser keeps to our own pages and scripts."""
    answer = await call(request)
    answer.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["X-Frame-Options"] = "DENY"
    answer.headers["Referrer-Policy"] = "same-origin"
    if not request.url.path.startswith("/static/"):
        answer.headers["Cache-Control"] = "no-store"
    if console_of(request).secure:
        answer.headers["Strict-Transport-Security"] = "max-age=31536000"
    return answer
