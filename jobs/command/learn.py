"""`gridwatch learn`: a site file from quiet traffic, and from what a person accepts."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.command.context import require_files, say, settings_of
from schemas.errors import UsageFault


def learn(
    context: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="Quiet traffic: captures, logs, tables, Parquet.")
    ] = None,
    into: Annotated[
        Path | None, typer.Option(help="The site file to write or to extend; default: standard output.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the site, the substation of captures.")] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Only show what would change in the file.")] = False,
    accept: Annotated[str | None, typer.Option(metavar="ALERT", help="Take this alert for normal from now on.")] = None,
    alerts: Annotated[
        Path | None, typer.Option(help="Where the alert is: output of scan --json, or the lake (default: store.lake).")
    ] = None,
    who: Annotated[str, typer.Option(help="Who accepts it.")] = "",
    why: Annotated[str, typer.Option(help="Why it is normal.")] = "",
    vehicle: Annotated[str | None, typer.Option(help="Vehicle of candump logs.")] = None,
) -> None:
    """Learn what is normal at a site: masters, writers, registers and their ranges, reads and periods, IEC 104 commands and
    objects, GOOSE publishers, CAN identifiers, meters a transformer. Read the file before you use it.

    Example: gridwatch learn quiet.pcap --name substation-1 --into site.yaml
    Example: gridwatch learn --accept 3f2a --who anna --why "new bay controller" --into site.yaml
    """
    from datetime import UTC, datetime

    from ingest.files import FileOptions
    from jobs import learn as work

    if bool(files) == bool(accept):
        raise UsageFault("name files to learn from, or one alert", "learn", "gridwatch learn FILE... or --accept ALERT")
    old: dict[str, Any] = work.read_facts(into) if into is not None and into.exists() else {}
    if accept is not None:
        if into is None or not who or not why:
            raise UsageFault("say who accepts it, why, and in which site file", "--accept", "--who, --why and --into")
        place = alerts or Path(settings_of(context).lake_uri)
        alert = work.find_alert(place, accept)
        say(f"accepting: {alert['title']}")
        new = work.accept(old, alert, who, why, datetime.now(UTC))
    else:
        assert files is not None
        require_files(files)
        site = name or str(old.get("name", "site"))
        facts = work.learn(files, site, FileOptions(vehicle=vehicle), say)
        new = work.merged(old or {"name": site}, facts)
    text = work.as_yaml(new)
    changes = work.difference(work.as_yaml(old) if old else "", text, str(into or "site file"))
    if diff:
        sys.stdout.write(changes)
    elif into is None:
        sys.stdout.write(text)
    else:
        work.write(into, text)
        if old:
            sys.stdout.write(changes)
        say(f"wrote {into}; read it before you use it" if changes else f"{into}: nothing new")
