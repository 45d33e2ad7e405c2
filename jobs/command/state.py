"""`gridwatch state`: what the detectors remember."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.command.context import say, settings_of
from schemas.errors import RunFault

if TYPE_CHECKING:
    import polars as pl

    from jobs.state_store import StateStore

app = typer.Typer(no_args_is_help=True, epilog="Example: gridwatch state show M00042")

#: Rows of a table that are shown at most.
SHOWN = 20
#: Integers in this range are times in microseconds (2000 to 2200); the columns of the state say so by nothing else.
TIMES = range(946_684_800_000_000, 7_258_118_400_000_000)


class Which(StrEnum):
    """The query whose state is meant."""

    METER = "meter"
    SUBSTATION = "substation"
    VEHICLE = "vehicle"
    NETWORK = "network"
    CORRELATION = "correlation"
    ALL = "all"


Domain = Annotated[Which, typer.Option(help="Query whose state is meant.")]


@app.command()
def show(context: typer.Context, entity: str, domain: Domain = Which.ALL) -> None:
    """Show what the detectors remember of an entity: a meter, station, server, site, ...

    Example: gridwatch state show M00042
    """
    from rich.console import Console

    from jobs.state_tools import find

    console, found = Console(), False
    for store in _stores(context, domain):
        for name, rows in find(store, entity).items():
            found = True
            console.print(_table(f"{store.domain}: {name}", rows))
            if len(rows) > SHOWN:
                console.print(f"... and {len(rows) - SHOWN} rows more")
    if not found:
        raise RunFault(f"nothing is remembered of {entity}", "state", "names are as in the records, case included")


@app.command()
def rebucket(
    context: typer.Context,
    buckets: Annotated[int, typer.Argument(min=1, max=4096, help="New number of locality buckets.")],
    domain: Domain = Which.ALL,
) -> None:
    """Split the state into another number of buckets, while no job runs; then set spark.buckets to it.

    Example: gridwatch state rebucket 16
    """
    from jobs import state_tools

    done = [state_tools.rebucket(store, buckets, say) for store in _stores(context, domain)]
    say(f"set spark.buckets = {buckets} before the next start" if any(done) else f"it has {buckets} buckets already")


@app.command()
def verify(context: typer.Context, domain: Domain = Which.ALL) -> None:
    """Check every state file: there, of the right length and checksum, every row in its bucket.

    Example: gridwatch state verify
    """
    from jobs import state_tools

    faults = 0
    for store in _stores(context, domain):
        for line in state_tools.verify(store):
            faults += 1
            typer.echo(f"{store.domain}: {line}")
        latest = store.latest()
        size = sum(file.size for file in latest.buckets.values())
        say(
            f"{store.domain}: batch {latest.batch}, {len(latest.buckets)} of {latest.of} buckets in use, {size:,} bytes"
        )
    if faults:
        raise RunFault(f"{faults} faults in the state", settings_of(context).state_uri, "restore the state folder")


def _stores(context: typer.Context, domain: Which) -> list["StateStore"]:
    from jobs.state_store import StateStore

    settings = settings_of(context)
    names = [w.value for w in Which if w is not Which.ALL and domain in (w, Which.ALL)]
    stores = [store for name in names if (store := StateStore(settings.state_uri, name)).batches()]
    if not stores:
        raise RunFault("there is no state", settings.state_uri, "run `gridwatch detect` first, or correct store.state")
    return stores


def _table(title: str, rows: "pl.DataFrame") -> object:
    from rich.table import Table

    table = Table(title=title, title_justify="left", show_header=False)
    for _ in range(1 + min(len(rows), SHOWN)):
        table.add_column(overflow="fold")
    # One column a row of the state: there are many more values than rows.
    for column in rows.columns:
        table.add_row(column, *(_text(value) for value in rows[column].head(SHOWN).to_list()))
    return table


def _text(value: object) -> str:
    from datetime import UTC, datetime

    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int() if value in TIMES:
            return f"{datetime.fromtimestamp(value / 1e6, UTC):%Y-%m-%d %H:%M:%S.%f}"
        case float():
            return f"{value:.6g}"
        case list():
            shown = ", ".join(map(_text, value[-5:]))
            return f"{len(value)}: ..., {shown}" if len(value) > 5 else shown
        case dict():
            return ", ".join(f"{name} {_text(v)}" for name, v in value.items() if v is not None)
        case _:
            return str(value)
