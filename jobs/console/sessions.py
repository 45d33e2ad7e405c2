"""Who asks: a session cookie after a login with a token, a bearer token, or a header that a trusted proxy sets.

A session is a signed text, so that nothing is kept between requests; what is not signed by this console, or is too old, is nobody.
Forms carry a mark that only pages of the same session know (against forged requests).
"""

import hmac
import json
import os
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

#: Seconds after which a login ends.
LASTS_S: Final = 12 * 3600
COOKIE: Final = "gridwatch_session"


@dataclass(frozen=True)
class Session:
    """Args:
    name: who logged in; "" for a session in which nobody has.
    mark: of the session, random.
    by: fingerprint of the token that began it; "" where nobody has logged in.
    """

    name: str
    mark: str
    by: str = ""


@dataclass(frozen=True)
class Signer:
    """Signs sessions and forms.

    Args:
        secret: of this console.
        clock: seconds since 1970.
    """

    secret: bytes
    clock: Callable[[], float] = time.time

    def begin(self, name: str = "", by: str = "") -> tuple[Session, str]:
        """A new session, and its cookie."""
        session = Session(name, secrets.token_urlsafe(16), by)
        body = urlsafe_b64encode(json.dumps([name, session.mark, by, int(self.clock())]).encode()).decode()
        return session, f"{body}.{self._sign('session', body)}"

    def read(self, cookie: str | None) -> Session | None:
        """The session of a cookie; None where it is no good."""
        body, _, signature = (cookie or "").partition(".")
        if not body or not hmac.compare_digest(signature.encode(), self._sign("session", body).encode()):
            return None
        try:
            name, mark, by, begun = json.loads(urlsafe_b64decode(body))
        except (ValueError, NotBase64):
            return None
        return Session(name, mark, by) if 0 <= self.clock() - begun < LASTS_S else None

    def form_mark(self, session: Session, name: str) -> str:
        """What a form of this session and person carries."""
        return self._sign("form", f"{session.mark}|{name}")

    def right_form(self, session: Session, name: str, mark: str | None) -> bool:
        """Whether a form comes from a page of this session."""
        return hmac.compare_digest((mark or "").encode(), self.form_mark(session, name).encode())

    def _sign(self, use: str, text: str) -> str:
        return hmac.new(self.secret, f"{use}|{text}".encode(), sha256).hexdigest()


def secret_of(path: Path) -> bytes:
    """The console's secret, made when it is missing; only its owner may read it."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = secrets.token_bytes(32)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_bytes()
        with os.fdopen(descriptor, "wb") as file:
            file.write(fresh)
        return fresh
