"""`gridwatch console`: the triage service."""

from typing import Annotated

import typer

from jobs.command.context import say, settings_of


def console(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on; default: setting console.host.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; default: setting console.port.")] = None,
) -> None:
    """Serve the pages on which people work on incidents, and their interface for programs, until stopped.

    Who may use it: gridwatch users add NAME --role operator

    Example: gridwatch console --port 8080
    """
    from jobs.console.serve import serve
    from jobs.signals import stop_on_signals

    settings = settings_of(context)
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = settings.model_copy(update={"console": settings.console.model_copy(update=given)})
    with stop_on_signals() as stop:
        serve(settings, stop, say)
