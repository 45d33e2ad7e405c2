"""Incidents to a webhook: one POST each, signed."""

import hmac
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from time import time
from typing import Final
from urllib.parse import urlsplit

from jobs.outflow.message import Answer, Message
from schemas.errors import ConfigFault, UsageFault

#: Seconds for one request.
TIMEOUT_S: Final = 30.0
#: Characters of an answer that are told.
_TOLD: Final = 200
#: What a receiver says of itself, not of the message: everything waits.
_LATER: Final = frozenset({401, 403, 404, 407, 408, 425, 429})
#: Longest that a receiver may ask us to wait, seconds.
_LONGEST_WAIT_S: Final = 300.0


@dataclass(frozen=True)
class Target:
    """Where to post.

    Args:
        url: http:// or https://.
        kind: content type.
        secret: with which each request is signed; None signs none.
        authorization: the header of that name; None sends none.
        ca_file: PEM file of the authorities to trust; None for the system's.
    """

    url: str
    kind: str
    secret: str | None = None
    authorization: str | None = None
    ca_file: Path | None = None

    def __repr__(self) -> str:
        return f"Target({urlsplit(self.url).hostname})"


class Webhook:
    """Posts to an address; what answers 2xx has acknowledged. Redirects are refusals: the address is the operator's word.

    A request carries `X-Gridwatch-Uid`, and with a secret `X-Gridwatch-Timestamp` (seconds) and `X-Gridwatch-Signature`:
    `sha256=` and the HMAC-SHA-256, in hexadecimal, of the time stamp, a full stop and the body.

    Args:
        target: where.
        clock: seconds since 1970.

    Raises:
        UsageFault: the address is none.
        ConfigFault: the authorities cannot be read.
    """

    batch = 1

    def __init__(self, target: Target, clock: Callable[[], float] = time) -> None:
        parts = urlsplit(target.url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
            raise UsageFault("this is no address", "--webhook", "https://host/path")
        if parts.username is not None:
            raise UsageFault("a password does not belong into an address", "--webhook", "set outflow.authorization")
        self._target, self._clock = target, clock
        self._host, self._port = parts.hostname, port
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._tls = _context(target.ca_file) if parts.scheme == "https" else None
        self._connection: HTTPConnection | None = None
        # Without the query, which may hold a key.
        self.name = f"{parts.scheme}://{parts.netloc}{parts.path}"

    def send(self, messages: Sequence[Message]) -> Answer:
        """Post each; stops at the first failure."""
        answer = Answer()
        for message in messages:
            try:
                response, said = self._post(message)
            except (OSError, HTTPException) as wrong:
                self.close()
                answer.failure = f"{type(wrong).__name__}: {wrong}"[:_TOLD]
                return answer
            if 200 <= response.status < 300:
                answer.taken.append(message)
            elif 400 <= response.status < 500 and response.status not in _LATER:
                answer.refused.append((message, f"{response.status} {said}"))
            else:
                answer.failure, answer.wait_s = f"{response.status} {said}", _wait(response)
                return answer
        return answer

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _post(self, message: Message) -> tuple[HTTPResponse, str]:
        if self._connection is None:
            self._connection = (
                HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
                if self._tls is None
                else HTTPSConnection(self._host, self._port, timeout=TIMEOUT_S, context=self._tls)
            )
        headers = {
            "Content-Type": self._target.kind,
            "User-Agent": "gridwatch",
            "X-Gridwatch-Uid": _header(message.uid),
        }
        if self._target.authorization is not None:
            headers["Authorization"] = self._target.authorization
        if self._target.secret is not None:
            stamp = str(int(self._clock()))
            headers |= {
                "X-Gridwatch-Timestamp": stamp,
                "X-Gridwatch-Signature": signature(self._target.secret, stamp, message.body),
            }
        self._connection.request("POST", self._path, message.body, headers)
        response = self._connection.getresponse()
        said = response.read(_TOLD * 4).decode("utf-8", "replace")
        if not response.isclosed():
            # More than anybody wants to read.
            self.close()
        return response, " ".join(said.split())[:_TOLD]


def signature(secret: str, stamp: str, body: bytes) -> str:
    """What the header `X-Gridwatch-Signature` says."""
    return "sha256=" + hmac.new(secret.encode(), stamp.encode() + b"." + body, sha256).hexdigest()


def _context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except (OSError, ssl.SSLError) as wrong:
        raise ConfigFault(f"cannot be read: {wrong}", "outflow.ca_file", "name a PEM file of authorities") from wrong


def _header(text: str) -> str:
    # An id from a foreign topic could hold a line break.
    return "".join(c if " " <= c <= "~" else "?" for c in text)


def _wait(response: HTTPResponse) -> float | None:
    asked = response.getheader("Retry-After", "")
    return min(float(asked), _LONGEST_WAIT_S) if asked.isdecimal() else None
