"""`gridwatch observe`: sums of the telemetry for dashboards."""

from typing import Annotated

import typer

from jobs.command.context import say, settings_of


def observe(
    context: typer.Context,
    domain: Annotated[
        list[str] | None, typer.Option(help="Only this domain (several may be given); default: all.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop behind the records that are there now.")] = False,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Begin at the first record kept where a position is gone.")
    ] = False,
) -> None:
    """Keep sums of the telemetry in PostgreSQL, from which dashboards draw: who talks to whom, process values, tracks, assets.

    Killed at any moment it takes up where it was; nothing is counted twice.

    Example: gridwatch observe --domain substation
    """
    from infra.postgres import LANDING
    from jobs.connections import postgres_dsn, reached_broker
    from jobs.observe.run import Observing
    from jobs.observe.run import observe as run
    from jobs.signals import stop_on_signals
    from schemas.errors import UsageFault, meant
    from schemas.types import TELEMETRY_DOMAINS

    known = {d.value: d for d in TELEMETRY_DOMAINS}
    for name in domain or ():
        if name not in known:
            raise UsageFault(f"no domain {name!r}", "--domain", meant(name, known, f"one of {', '.join(known)}"))
    settings = settings_of(context)
    domains = tuple(known[name] for name in dict.fromkeys(domain or known))
    what = Observing(
        reached_broker(settings), postgres_dsn(settings, LANDING), domains, until_end=once, from_start=from_start
    )
    with stop_on_signals() as stop:
        run(what, stop, say)
