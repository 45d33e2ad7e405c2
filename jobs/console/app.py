"""The application: routes, what goes wrong in words, and the server that runs it."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from psycopg_pool import ConnectionPool, PoolTimeout

from jobs.console import api, pages
from jobs.console.access import Console, Refused, guarded
from jobs.console.render import rendered, static
from jobs.triage.lifecycle import Outdated, Unknown
from schemas.errors import Fault, UsageFault

#: Connections to PostgreSQL at most, and seconds to wait for one.
CONNECTIONS: Final = 8
PATIENCE_S: Final = 5.0
#: Bytes of a request's body at most.
MAX_BODY: Final = 64 * 1024


def pool(dsn: str) -> ConnectionPool[psycopg.Connection[Any]]:
    """Connections of the console's role; opened when the application starts."""
    return ConnectionPool(
        dsn,
        min_size=1,
        max_size=CONNECTIONS,
        timeout=PATIENCE_S,
        open=False,
        check=ConnectionPool.check_connection,
        kwargs={"application_name": "gridwatch console", "options": "-c timezone=UTC -c statement_timeout=10s"},
    )


def make(console: Console) -> FastAPI:
    """The application on what its requests share."""

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        console.pool.open()
        yield
        console.pool.close()

    app = FastAPI(
        title="Gridwatch console", openapi_url="/api/openapi.json", docs_url=None, redoc_url=None, lifespan=life
    )
    app.state.console = console
    app.include_router(api.router)
    app.include_router(pages.router)

    @app.get("/static/{name}", include_in_schema=False)
    def file(name: str) -> Response:
        try:
            content, kind = static(name)
        except (KeyError, OSError):
            return Response(status_code=404)
        return Response(content, media_type=kind, headers={"Cache-Control": "max-age=3600"})

    @app.middleware("http")
    async def bounded(request: Request, call: Any) -> Any:
        length = request.headers.get("content-length", "0" if request.method in ("GET", "HEAD") else "")
        if not length.isdigit() or int(length) > MAX_BODY:
            return JSONResponse({"what": f"a body without length, or above {MAX_BODY} bytes"}, 413)
        return await guarded(request, call)

    @app.exception_handler(Fault)
    async def told(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, Fault)
        return _tell(request, fault, _status(fault))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, wrong: Exception) -> Response:
        assert isinstance(wrong, RequestValidationError)
        problem = wrong.errors()[0]
        return _tell(request, UsageFault(problem["msg"], ".".join(map(str, problem["loc"])), "correct it"), 422)

    @app.exception_handler(psycopg.DataError)
    async def unknown(request: Request, wrong: Exception) -> Response:
        # A NUL, or a number that no column holds: nothing of ours is called so.
        return _tell(request, UsageFault(f"not a value: {wrong}", request.url.path, "correct it"), 422)

    @app.exception_handler(PoolTimeout)
    @app.exception_handler(psycopg.OperationalError)
    async def lost(request: Request, _: Exception) -> Response:
        return _tell(request, UsageFault("the database does not answer", "PostgreSQL", "try again in a moment"), 503)

    return app


def _status(fault: Fault) -> int:
    if isinstance(fault, Refused):
        return fault.status
    if isinstance(fault, Unknown):
        return 404
    if isinstance(fault, Outdated):
        return 409
    return 422 if isinstance(fault, UsageFault) else 400


def _tell(request: Request, fault: Fault, status: int) -> Response:
    if request.url.path.startswith("/api/"):
        body: dict[str, Any] = {"what": fault.what, "where": fault.where, "remedy": fault.remedy}
        if isinstance(fault, Outdated):
            body["events"] = [
                {k: e[k] for k in ("version", "actor", "action", "status", "assignee", "verdict", "comment")}
                for e in fault.events
            ]
        return JSONResponse(body, status)
    if status == 401 and request.method == "GET":
        return RedirectResponse("/login", 303)
    console: Console = request.app.state.console
    try:
        person, _ = console.person(request)
    except Refused:
        person = None
    return rendered(
        request, "error.html", person, status=status, what=fault.what, where=fault.where, remedy=fault.remedy
    )


def tls(cert: str, key: str) -> None:
    """Check a certificate and its key before the server starts.

    Raises:
        ssl.SSLError, OSError: they are none, or do not fit.
    """
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key)
