"""`gridwatch archive`: telemetry into the Parquet lake."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.command.context import say, settings_of


def archive(
    context: typer.Context,
    domain: Annotated[
        list[str] | None, typer.Option(help="meter, substation or vehicle; may be repeated; default: all.")
    ] = None,
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
) -> None:
    """Keep telemetry in Parquet files by domain, record type and hour of arrival, each record once.

    Runs until Ctrl-C. Killed at any moment, it takes up where it was. For more speed run one a domain.

    Example: gridwatch archive --domain meter --once
    """
    from jobs.archive.run import Archiving
    from jobs.archive.run import archive as run
    from jobs.connections import lake_directory, reached_broker
    from jobs.signals import stop_on_signals
    from schemas.errors import UsageFault
    from schemas.types import TELEMETRY_DOMAINS

    names = {known.value: known for known in TELEMETRY_DOMAINS}
    unknown = sorted(set(domain or ()) - set(names))
    if unknown:
        raise UsageFault(f"no domain {unknown[0]}", "--domain", f"choose from {', '.join(names)}")
    settings = settings_of(context)
    what = Archiving(
        broker=reached_broker(settings),
        lake=lake or lake_directory(settings),
        domains=tuple(names[name] for name in dict.fromkeys(domain)) if domain else TELEMETRY_DOMAINS,
        roll_s=roll_seconds or settings.store.roll_s,
        roll_mb=settings.store.roll_mb,
        until_end=once,
        until_idle_s=until_idle,
        from_start=from_start,
    )
    with stop_on_signals() as stop:
        run(what, stop, say)
