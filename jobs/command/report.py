"""`gridwatch report`: a period or one incident as a page that stands alone."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from jobs.command.context import console_connection, say, settings_of


def report(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(metavar="OUT.html", help="Where to write the page; - for standard output.")],
    incident: Annotated[str | None, typer.Option(help="Of one incident, as gridwatch incidents names it.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Of a period: a span such as 24h, 7d or 4w, or a moment; default: 24h.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="End of the period; default: now.")] = None,
) -> None:
    """Write what happened, and what was done about it, as one page of HTML: to be read anywhere, sent or printed.

    The page holds no script and fetches nothing.

    Example: gridwatch report --since 7d week.html

    Example: gridwatch report --incident 0123456789abcdef incident.html
    """
    from jobs.land.suppressions import load
    from jobs.report.figures import figures
    from jobs.report.period import period
    from jobs.report.render import of_incident, of_period
    from jobs.triage.page import whole
    from schemas.errors import UsageFault

    if incident is not None and (since is not None or until is not None):
        raise UsageFault("an incident is reported whole", "--incident", "leave out --since and --until")
    now = datetime.now(UTC)
    if incident is not None:
        with console_connection(context) as connection:
            page = of_incident(whole(connection, incident), now)
    else:
        wanted = period(since or "24h", until, now)
        suppressions = load(settings_of(context).suppressions)
        with console_connection(context) as connection:
            page = of_period(figures(connection, wanted), suppressions)
    if str(out) == "-":
        sys.stdout.write(page)
        return
    # It appears whole.
    draft = out.with_name(f".{out.name}.part")
    draft.write_text(page, encoding="utf-8")
    draft.replace(out)
    say(f"wrote {out}")
