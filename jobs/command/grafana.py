"""`gridwatch grafana`: what Gridwatch brings into a Grafana of your own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.command.context import say, settings_of

if TYPE_CHECKING:
    from infra.grafana.resources import DataSource
    from jobs.settings import Settings

app = typer.Typer(no_args_is_help=True, epilog="Example: gridwatch grafana push --dry-run")


@app.callback()
def grafana() -> None:
    """Dashboards, alert rules, and who is told."""


@app.command("push")
def push(
    context: typer.Context,
    url: Annotated[str | None, typer.Option(help="Root of Grafana; default: setting grafana.url.")] = None,
    token: Annotated[
        str | None, typer.Option(help="Of a service account; default: setting grafana.token, which nobody sees in ps.")
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option(help="Authorities to trust; default: setting grafana.ca_file.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and stop.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what others changed.")] = False,
) -> None:
    """Create or update folders, data sources, dashboards, alert rules, contact points and policies in a Grafana.

    What would be done is shown first: + is created, ~ updated, = the same already, ! changed by others, . left alone.
    Run again, it changes nothing. What others changed since the last push stops it unless --force is given.

    Example: gridwatch grafana push --url https://grafana.example.org --dry-run
    """
    from infra.grafana.client import Grafana, connect
    from infra.grafana.generate import dashboards
    from infra.grafana.push import Step, plan
    from infra.grafana.push import push as write
    from infra.grafana.resources import Wanted
    from jobs.console.serve import address
    from schemas.errors import ConfigFault

    settings = settings_of(context)
    own = settings.grafana
    where = url or own.url
    if where is None:
        raise ConfigFault("no address of Grafana", "grafana.url", "set it, or give --url")
    if token is None and own.token is not None:
        token = own.token.get_secret_value()
    if token is None:
        raise ConfigFault(
            "Grafana needs a token",
            "grafana.token",
            "make a service account of the role Admin: GRIDWATCH_GRAFANA__TOKEN",
        )
    wanted = Wanted(
        dashboards=dashboards(),
        console=address(settings),
        source=_source(settings),
        prometheus=own.prometheus or "",
        webhook=own.alert_webhook.get_secret_value() if own.alert_webhook else "",
        email=own.alert_email or "",
    )
    api = connect(Grafana(where, token, ca_file or own.ca_file), timeout_s=30.0)
    what = plan(api, where, wanted)
    for line in what.lines():
        print(line)
    if not (wanted.webhook or wanted.email):
        say(
            "alerts go where Grafana's own policy sends them: grafana.alert_webhook and grafana.alert_email are not set"
        )
    if not wanted.prometheus:
        say(
            "panels of how detection fares find no data source, and no rule watches its lag: grafana.prometheus is not set"
        )
    if dry_run:
        say("nothing was written")
        return
    done = write(api, where, what, force)
    say(
        f"Grafana at {where}: {done[Step.CREATE]} created, {done[Step.UPDATE]} updated, {done[Step.SAME]} left as they were"
    )


def _source(settings: "Settings") -> "DataSource | None":
    """The data source of the setting.

    Raises:
        ConfigFault: it is no address of PostgreSQL.
    """
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    from infra.grafana.resources import DataSource
    from schemas.errors import ConfigFault

    if settings.grafana.datasource is None:
        return None
    try:
        parts = conninfo_to_dict(settings.grafana.datasource.get_secret_value())
    except ProgrammingError as wrong:
        raise ConfigFault(
            "no address of PostgreSQL", "grafana.datasource", "postgresql://user:password@host/db"
        ) from wrong
    missing = [name for name in ("host", "dbname", "user") if not parts.get(name)]
    if missing:
        raise ConfigFault(f"without {', '.join(missing)}", "grafana.datasource", "postgresql://user:password@host/db")
    return DataSource(
        address=f"{parts['host']}:{parts.get('port') or 5432}",
        database=str(parts["dbname"]),
        user=str(parts["user"]),
        password=str(parts.get("password") or ""),
        sslmode=str(parts.get("sslmode") or "require"),
    )
