"""The console as a server: what it listens on, with or without TLS."""

import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from infra.postgres import CONSOLE
from jobs.connections import postgres_dsn
from jobs.console.access import Console
from jobs.console.app import make, pool, tls
from jobs.console.sessions import Signer, secret_of
from jobs.console.users import Role, load
from jobs.settings import Settings
from schemas.errors import ConfigFault, RunFault

SECRET: Final = "console.key"


def prepared(settings: Settings) -> Console:
    """What the requests share, of the settings.

    Raises:
        ConfigFault: a setting is wrong.
    """
    own = settings.console
    for address in own.trusted_proxies:
        try:
            ipaddress.ip_network(address, strict=False)
        except ValueError as wrong:
            raise ConfigFault(
                f"{address!r} is no address", "console.trusted_proxies", "give addresses or networks"
            ) from wrong
    load(settings.users_file)
    grafana = settings.grafana.url
    return Console(
        pool=pool(postgres_dsn(settings, CONSOLE)),
        signer=Signer(secret_of(settings.run_dir / SECRET)),
        users_file=settings.users_file,
        proxies=tuple(own.trusted_proxies),
        user_header=own.user_header,
        roles_header=own.roles_header,
        groups={group: Role[role.upper()] for group, role in own.groups.items()},
        secure=own.tls_cert_file is not None or (own.url or "").startswith("https:"),
        incident_url=f"{grafana.rstrip('/')}/d/gridwatch-incident?var-incident=" if grafana else None,
    )


def address(settings: Settings) -> str:
    """How people reach the console."""
    own = settings.console
    scheme = "https" if own.tls_cert_file else "http"
    return (own.url or f"{scheme}://{own.host}:{own.port}").rstrip("/")


def serve(settings: Settings, stop: threading.Event, say: Callable[[str], None]) -> None:
    """Serve until told to stop.

    Raises:
        ConfigFault: TLS is set by halves, or missing where others than this machine would reach the console.
        RunFault: the port is taken.
    """
    own = settings.console
    _check_tls(settings)
    config = uvicorn.Config(
        make(prepared(settings)),
        host=own.host,
        port=own.port,
        log_level="warning",
        server_header=False,
        # Who a proxy says that somebody is, we judge ourselves, by the proxy's own address.
        proxy_headers=False,
        ssl_certfile=own.tls_cert_file,
        ssl_keyfile=own.tls_key_file,
        timeout_graceful_shutdown=5,
        limit_concurrency=200,
        h11_max_incomplete_event_size=16 * 1024,
    )
    server = _Server(config, stop, lambda: say(f"console: {address(settings)}/incidents"))
    server.run()
    if not server.started:
        raise RunFault("the console cannot listen", f"{own.host}:{own.port}", "free the port or set console.port")


class _Server(uvicorn.Server):
    """Ends with our event; whoever called us keeps its signals."""

    def __init__(self, config: uvicorn.Config, stop: threading.Event, began: Callable[[], None]) -> None:
        super().__init__(config)
        self._stop = stop
        self._began = began

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ours are installed already."""
        yield

    async def on_tick(self, counter: int) -> bool:
        if counter == 0:
            self._began()
        return await super().on_tick(counter) or self._stop.is_set()


def _check_tls(settings: Settings) -> None:
    own = settings.console
    if (own.tls_cert_file is None) != (own.tls_key_file is None):
        raise ConfigFault("only one of them is set", "console.tls_cert_file, console.tls_key_file", "set both or none")
    if own.tls_cert_file is not None and own.tls_key_file is not None:
        try:
            tls(str(own.tls_cert_file), str(own.tls_key_file))
        except (ssl.SSLError, OSError) as wrong:
            remedy = "name PEM files of a certificate and its key"
            raise ConfigFault(
                f"no certificate: {wrong}", "console.tls_cert_file, console.tls_key_file", remedy
            ) from wrong
    elif not _loopback(own.host) and not own.tls_elsewhere:
        raise ConfigFault(
            f"{own.host} would be reached without TLS",
            "console.host",
            "set console.tls_cert_file and console.tls_key_file, or console.tls_elsewhere where a proxy before it does TLS",
        )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
