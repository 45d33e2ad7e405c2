"""`gridwatch land`: alerts and dead letters into PostgreSQL and the Parquet lake."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.command.context import say, settings_of

if TYPE_CHECKING:
    from infra.grafana.annotate import Annotator
    from jobs.settings import Settings


def land(
    context: typer.Context,
    lake: Annotated[
        Path | None, typer.Option(help="Directory of the Parquet lake; default: setting store.lake.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop behind the records that are there now.")] = False,
    until_idle: Annotated[
        float | None, typer.Option(min=0.1, help="Stop when nothing has come for this many seconds.")
    ] = None,
    roll_seconds: Annotated[
        float | None, typer.Option(min=0.1, help="Age at which rows become a Parquet file; default: store.roll_s.")
    ] = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Where a position is gone, begin at the first record there is.")
    ] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Write every Parquet file anew from PostgreSQL, into this lake.")
    ] = False,
) -> None:
    """Land alerts and dead letters in PostgreSQL and in Parquet, each exactly once.

    Alerts of one key are one incident; what the setting suppressions hides opens none.

    Runs until Ctrl-C. Killed at any moment, it takes up where it was. A second one stands by. With the settings
    grafana.url and grafana.token each incident of severity high or above becomes an annotation in Grafana.

    Example: gridwatch land --until-idle 10
    """
    from infra.postgres import LANDING
    from jobs.connections import lake_directory, postgres_dsn, reached_broker
    from jobs.land.run import Landing
    from jobs.land.run import land as run
    from jobs.land.suppressions import load
    from jobs.signals import stop_on_signals

    settings = settings_of(context)
    what = Landing(
        broker=reached_broker(settings),
        dsn=postgres_dsn(settings, LANDING),
        lake=lake or lake_directory(settings),
        roll_s=roll_seconds or settings.store.roll_s,
        until_end=once,
        until_idle_s=until_idle,
        from_start=from_start,
        rebuild=rebuild,
        suppressions=load(settings.suppressions),
    )
    annotator = _annotator(settings, what.dsn)
    try:
        with stop_on_signals() as stop:
            run(what, stop, say, annotator)
    finally:
        if annotator is not None:
            annotator.close()
            say(annotator.line())


def _annotator(settings: "Settings", dsn: str) -> "Annotator | None":
    """Who writes annotations, where Grafana is set.

    Raises:
        ConfigFault: there is an address but no token, or the address is wrong.
    """
    from infra.grafana.annotate import Annotator
    from infra.grafana.client import Grafana, connect
    from jobs.console.serve import address
    from schemas.errors import ConfigFault

    if settings.grafana.url is None:
        return None
    if settings.grafana.token is None:
        raise ConfigFault("Grafana needs a token", "grafana.token", "make a service account that may write annotations")
    where = Grafana(settings.grafana.url, settings.grafana.token.get_secret_value(), settings.grafana.ca_file)
    return Annotator(connect(where), dsn, address(settings), say)
