"""`gridwatch records`: the record types, for those who write exporters."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.types import Schema


def records(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Record types or domains; default: an overview.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output instead of tables.")] = False,
) -> None:
    """Show the record types with their fields, types, units and bounds, and a line that gridwatch ingest records reads.

    Example: gridwatch records meter_reading
    """
    from jobs import records as pages

    schemas = pages.chosen(names or ())
    if as_json:
        json.dump({"records": [pages.described(schema) for schema in schemas]}, sys.stdout, indent=2)
        sys.stdout.write("\n")
    elif names:
        for schema in schemas:
            _show(schema)
    else:
        _overview(schemas)


def _overview(schemas: "Sequence[Schema]") -> None:
    from rich.console import Console
    from rich.table import Table

    from ingest.table import given

    table = Table()
    for column in ("record", "domain", "key", "what", "fields"):
        table.add_column(column, overflow="fold")
    for schema in schemas:
        fields = ", ".join(field.name for field in given(schema))
        table.add_row(schema.name, schema.domain.value, schema.locality, schema.says, fields)
    console = Console()
    console.print(table)
    console.print("Fields of one: gridwatch records NAME. Everything: gridwatch records --json", markup=False)


def _show(schema: "Schema") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from ingest.table import given
    from jobs import records as pages

    page = pages.described(schema)
    table = Table(title=f"{schema.name}: {schema.says}", title_justify="left")
    for column in ("field", "type", "unit", "needed", "bounds", "meaning"):
        table.add_column(column, overflow="fold")
    for field, shown in zip(given(schema), page["fields"], strict=True):
        needed = "yes" if shown["needed"] else ""
        name = f"{field.name} (key)" if field.name == schema.locality else field.name
        table.add_row(name, shown["type"], escape(field.unit), needed, pages.allowed(field), escape(field.says))
    Console().print(table)
    # As it is: a line that is wrapped is no JSON line.
    sys.stdout.write(pages.line(schema) + "\n\n")
