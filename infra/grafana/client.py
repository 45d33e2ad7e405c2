"""A client of Grafana's interface for programs, and its refusals as faults that say what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException, TokenAuth

from schemas.errors import ConfigFault, RunFault

#: Seconds for one request.
TIMEOUT_S: Final = 5.0


@dataclass(frozen=True)
class Grafana:
    """Where Grafana is.

    Args:
        url: its root, e.g. https://grafana.example/ops.
        token: of a service account.
        ca_file: PEM file of the authorities to trust; None for the system's.
    """

    url: str
    token: str
    ca_file: Path | None = None

    def __repr__(self) -> str:
        return f"Grafana({self.url})"


def connect(where: Grafana, timeout_s: float = TIMEOUT_S) -> GrafanaApi:
    """A client; nothing is sent yet.

    Raises:
        ConfigFault: the address is not http or https.
    """
    parts = urlsplit(where.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigFault("the address of Grafana is not http:// or https://", "grafana.url", "correct it")
    prefix = parts.path.strip("/")
    return GrafanaApi(
        auth=TokenAuth(where.token),  # type: ignore[no-untyped-call]
        host=parts.hostname,
        port=parts.port,
        url_path_prefix=f"{prefix}/" if prefix else "",
        protocol=parts.scheme,
        verify=str(where.ca_file) if where.ca_file else True,
        timeout=timeout_s,
    )


@contextmanager
def explained(url: str, what: str) -> Iterator[None]:
    """What goes wrong within, as a fault.

    Args:
        url: of Grafana.
        what: is done there, in words that follow "to".

    Raises:
        ConfigFault: the token is unknown or may not.
        RunFault: Grafana does not answer, refuses, or what answers is no Grafana.
    """
    try:
        yield
    except GrafanaClientError as wrong:
        said = _message(wrong)
        if wrong.status_code == 401:
            raise ConfigFault(
                "Grafana does not know the token", url, "give the token of a service account: GRIDWATCH_GRAFANA__TOKEN"
            ) from wrong
        if wrong.status_code == 403:
            raise ConfigFault(
                f"the token may not {what}: {said}", url, "give the service account the role Admin in Grafana"
            ) from wrong
        if wrong.status_code == 412:
            raise RunFault(
                f"Grafana refuses to {what}: {said}",
                url,
                "somebody saved it meanwhile, or another has its name: look at it, then run this again",
            ) from wrong
        if wrong.status_code == 404:
            raise RunFault(
                f"nothing is there to {what}: {said}", url, "name the root of a Grafana 9.3 or later as grafana.url"
            ) from wrong
        raise RunFault(f"Grafana refuses to {what}: {said}", url, "see Grafana's log") from wrong
    except GrafanaException as wrong:
        raise RunFault(
            f"Grafana fails to {what}: {_message(wrong)}", url, "see Grafana's log, then try again"
        ) from wrong
    except ValueError as wrong:
        raise RunFault("what answers is no Grafana", url, "name the root of Grafana as grafana.url") from wrong
    except OSError as wrong:
        raise RunFault(
            f"Grafana does not answer: {type(wrong).__name__}",
            url,
            "start it, or correct grafana.url and grafana.ca_file",
        ) from wrong


def _message(wrong: GrafanaException) -> str:
    response = wrong.response
    said = response.get("message") if isinstance(response, dict) else None
    return " ".join(str(said or wrong.message or f"status {wrong.status_code}").split())[:300]
