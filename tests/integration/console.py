"""What the tests of the console share: a console on a real PostgreSQL, on a port of its own, and incidents in it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from pydantic import SecretStr

from infra.ports import choose
from jobs.console import users
from jobs.console.serve import serve
from jobs.console.users import Role
from jobs.land.rows import row_of
from jobs.land.store import Store
from jobs.reader import Place
from jobs.settings import ConsoleSettings, PostgresSettings, Settings
from schemas.records import ALERT
from tests.conftest import Database
from tests.integration.landing import alert


def landed(dsn: str, *alerts: dict[str, Any]) -> None:
    """Alerts in PostgreSQL, with their incidents, as the landing step puts them there."""
    store = Store(dsn)
    try:
        given = [a | {"storm": None, "suppression": a.get("suppression")} for a in alerts]
        rows = [row_of(ALERT, a, str(n)) for n, a in enumerate(given)]
        from jobs.land.store import Row

        store.land([Row(ALERT, identity, values) for identity, values in rows], "test", {Place("alerts", 0): len(rows)})
    finally:
        store.close()


@dataclass(frozen=True)
class Running:
    """A console that serves.

    Args:
        url: its root.
        tokens: of a viewer, two operators and an admin, by name.
        settings: with which it was started.
    """

    url: str
    tokens: dict[str, str]
    settings: Settings


PEOPLE = {"vera": Role.VIEWER, "otto": Role.OPERATOR, "olga": Role.OPERATOR, "ada": Role.ADMIN}


@contextmanager
def running(database: Database, folder: Path, **own: Any) -> Iterator[Running]:
    """A console on a database, until the end of the block."""
    port = choose(0)
    settings = Settings(
        run_dir=folder,
        postgres=PostgresSettings(dsn=SecretStr(database.console_dsn)),
        console=ConsoleSettings(port=port, **own),
    )
    tokens = {name: users.add(settings.users_file, name, role) for name, role in PEOPLE.items()}
    stop, began = threading.Event(), threading.Event()
    failed: list[Exception] = []

    def run() -> None:
        try:
            serve(settings, stop, lambda _: began.set())
        except Exception as wrong:  # noqa: BLE001 -- told by the test, whose thread this is not
            failed.append(wrong)
            began.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert began.wait(30) and not failed, failed
        scheme = "https" if own.get("tls_cert_file") else "http"
        yield Running(f"{scheme}://127.0.0.1:{port}", tokens, settings)
    finally:
        stop.set()
        thread.join(15)
        assert not thread.is_alive() and not failed, failed


def rows(dsn: str, query: str) -> list[tuple[Any, ...]]:
    """What a query gives."""
    with psycopg.connect(dsn) as connection:
        return connection.execute(query).fetchall()  # type: ignore[arg-type]


__all__ = ["PEOPLE", "Running", "alert", "landed", "rows", "running"]
