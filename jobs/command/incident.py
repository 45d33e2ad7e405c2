"""`gridwatch incident`: what a person does about one incident; the console's pages do the same."""

import getpass
import json
import sys
from typing import Annotated

import typer

from jobs.command.context import console_connection, say

app = typer.Typer(no_args_is_help=True, epilog="Example: gridwatch incident acknowledge 0123456789abcdef")

Id = Annotated[str, typer.Argument(metavar="INCIDENT", help="As `gridwatch incidents --json` names it.")]
Who = Annotated[str | None, typer.Option("--as", help="Who acts; default: the user of this system.")]
Seen = Annotated[
    int | None, typer.Option("--version", help="Version that was looked at: refused if somebody else was faster.")
]
Why = Annotated[str | None, typer.Option("--comment", "-m", help="Why.")]


@app.command("show")
def show(context: typer.Context, incident: Id) -> None:
    """Print all of an incident as JSON: its row, what was done, its alerts with their evidence, what stands beside it.

    Example: gridwatch incident show 0123456789abcdef
    """
    from dataclasses import asdict

    from jobs.triage.page import whole

    with console_connection(context) as connection:
        found = whole(connection, incident)
    json.dump(asdict(found), sys.stdout, indent=2, default=str)
    sys.stdout.write("\n")


@app.command("acknowledge")
def acknowledge(
    context: typer.Context, incident: Id, who: Who = None, version: Seen = None, comment: Why = None
) -> None:
    """Take an incident up; it is assigned to who does, unless it is somebody's already.

    Example: gridwatch incident acknowledge 0123456789abcdef
    """
    _step(context, incident, version, "acknowledge", who, comment=comment)


@app.command("assign")
def assign(
    context: typer.Context,
    incident: Id,
    to: Annotated[str | None, typer.Option("--to", help="To whom; without it, to nobody.")] = None,
    who: Who = None,
    version: Seen = None,
    comment: Why = None,
) -> None:
    """Say whose incident it is.

    Example: gridwatch incident assign 0123456789abcdef --to anna
    """
    _step(context, incident, version, "assign", who, assignee=to, comment=comment)


@app.command("comment")
def comment(
    context: typer.Context,
    incident: Id,
    text: Annotated[str, typer.Argument(help="What is to be remembered.")],
    who: Who = None,
) -> None:
    """Write something down about an incident.

    Example: gridwatch incident comment 0123456789abcdef "the relay was being tested"
    """
    _step(context, incident, None, "comment", who, comment=text)


@app.command("close")
def close(
    context: typer.Context,
    incident: Id,
    verdict: Annotated[str, typer.Option(help="true_positive, false_positive, benign, test, duplicate, ...")],
    who: Who = None,
    version: Seen = None,
    comment: Why = None,
) -> None:
    """Close an incident, and say what it was.

    Example: gridwatch incident close 0123456789abcdef --verdict false_positive -m "planned test"
    """
    _step(context, incident, version, "close", who, verdict=verdict, comment=comment)


@app.command("reopen")
def reopen(context: typer.Context, incident: Id, who: Who = None, version: Seen = None, comment: Why = None) -> None:
    """Open a closed incident again.

    Example: gridwatch incident reopen 0123456789abcdef -m "it went on"
    """
    _step(context, incident, version, "reopen", who, comment=comment)


@app.command("suppress")
def hide(
    context: typer.Context,
    incident: Id,
    reason: Annotated[str, typer.Option(help="Why.")],
    hours: Annotated[float, typer.Option(min=0.01, max=366 * 24, help="For how long from now.")] = 8.0,
    scope: Annotated[
        str, typer.Option(help="What must be as in the incident: of detector, threat, site, entity.")
    ] = "detector,entity",
    who: Who = None,
    version: Seen = None,
) -> None:
    """Hide further alerts like those of an incident for a time; longer than a day once somebody else has reviewed it.

    Example: gridwatch incident suppress 0123456789abcdef --hours 8 --reason "relay test in bay 4"
    """
    from datetime import UTC, datetime, timedelta

    from jobs.triage.suppress import suppress

    keep = tuple(name.strip() for name in scope.split(",") if name.strip())
    with console_connection(context) as connection:
        _, made = suppress(
            connection, incident, version, _name(who), keep, reason, timedelta(hours=hours), datetime.now(UTC)
        )
    say(f"{made.id} hides until {made.expires:%Y-%m-%d %H:%M} UTC" + (", once reviewed" if made.waits else ""))


def _step(
    context: typer.Context,
    incident: str,
    version: int | None,
    action: str,
    who: str | None,
    verdict: str | None = None,
    **more: str | None,
) -> None:
    from jobs.triage.lifecycle import Action, Change, Verdict, apply
    from schemas.errors import UsageFault, meant

    if verdict is not None and verdict.upper() not in Verdict.__members__:
        words = [v.word for v in Verdict]
        raise UsageFault(f"no verdict {verdict!r}", "--verdict", meant(verdict, words, f"one of {', '.join(words)}"))
    found = None if verdict is None else Verdict[verdict.upper()]
    with console_connection(context) as connection:
        standing = apply(connection, incident, version, Change(Action(action), _name(who), verdict=found, **more))
    say(f"{incident}: {standing.status}, assigned to {standing.assignee or 'nobody'}, version {standing.version}")


def _name(who: str | None) -> str:
    return who if who is not None else getpass.getuser()
