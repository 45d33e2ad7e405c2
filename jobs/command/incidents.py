"""`gridwatch incidents` and `gridwatch suppressions`: what there is to work on, and what is hidden from it."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.command.context import console_connection, settings_of


def incidents(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output instead of a table.")] = False,
) -> None:
    """List the incidents, the most severe and latest first: alerts of one key, or a storm, are one incident.

    Example: gridwatch incidents --limit 20
    """
    from jobs.triage.page import Wanted, worklist

    with console_connection(context) as connection:
        rows = worklist(connection, Wanted(status=None if everything else "active"), size=limit).rows
    if as_json:
        _json({"incidents": rows})
        return
    from detectors.profiles.threat import Severity

    table = _table("severity", "status", "last", "alerts", "site", "entity", "detector", "what", "incident")
    for row in rows:
        severity = Severity(row["severity_id"]).name.lower()
        last = row["last_time"].strftime("%Y-%m-%d %H:%M:%S")
        status = row["status"] + (f" ({row['assignee']})" if row["assignee"] else "")
        where = (row["site"], row["entity"], row["detector"], row["title"], row["incident_id"])
        table.add_row(severity, status, last, str(row["alerts"]), *(str(value)[:200] for value in where))
    _print(table, f"{len(rows)} incidents")


def suppressions(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Option("--file", help="File of suppressions; default: setting suppressions.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only check the file; no PostgreSQL is asked.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output instead of a table.")] = False,
) -> None:
    """Show each suppression with what it has hidden, its owner and how long it lasts.

    Example: gridwatch suppressions --file suppressions.yaml --check
    """
    from infra.postgres import CONSOLE
    from jobs.connections import postgres_dsn
    from jobs.land.suppressions import load
    from jobs.triage.hidden import Hidden, hidden, removed
    from schemas.errors import UsageFault

    settings = settings_of(context)
    path = file or settings.suppressions
    if path is None:
        raise UsageFault("no file of suppressions", "suppressions", "name one with --file or in the settings")
    entries = load(path)
    found = [Hidden(one) for one in entries] if check else hidden(postgres_dsn(settings, CONSOLE), entries)
    gone = {} if check else removed(postgres_dsn(settings, CONSOLE), entries)
    now = datetime.now(UTC)
    if as_json:
        rows: list[dict[str, Any]] = [
            {
                **one.suppression.model_dump(mode="json", exclude_none=True),
                "state": one.state(now),
                "alerts": one.alerts,
                "first": one.first,
                "last": one.last,
            }
            for one in found
        ]
        _json({"suppressions": rows, "removed": gone})
        return
    table = _table("id", "state", "days left", "hid", "last", "owner", "reason")
    for one in found:
        last = "" if one.last is None else one.last.strftime("%Y-%m-%d %H:%M:%S")
        own = one.suppression
        table.add_row(own.id, one.state(now), f"{one.days_left(now):.1f}", str(one.alerts), last, own.owner, own.reason)
    for name, alerts in gone.items():
        table.add_row(name, "not in the file", "", str(alerts), "", "", "")
    _print(table, f"{len(found)} suppressions in {path}")


def _json(content: object) -> None:
    json.dump(content, sys.stdout, indent=2, default=lambda value: value.isoformat())
    sys.stdout.write("\n")


def _table(*columns: str) -> Any:
    from rich.table import Table

    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _print(table: Any, line: str) -> None:
    from rich.console import Console

    console = Console()
    console.print(table)
    console.print(line)
