"""`gridwatch rules`: a site's own rules in Sigma's syntax."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from jobs.command.context import say
from schemas.errors import UsageFault

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Rules without Python: YAML in Sigma's syntax over the fields of our records.",
    epilog="Example: gridwatch rules example rules && gridwatch rules check rules",
)


@app.command()
def check(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with the rules (*.yml).")]) -> None:
    """Compile every rule and say what it reads; every fault is told with file, line and key.

    Example: gridwatch rules check rules
    """
    from rich.console import Console
    from rich.table import Table

    from detectors.rules.compile import compiled
    from detectors.site import read_rules

    rules = compiled(read_rules(folder))
    table = Table()
    for column in ("rule", "reads", "severity", "entity", "threat", "technique"):
        table.add_column(column, overflow="fold")
    for rule in rules:
        threat = rule.threat
        table.add_row(
            rule.id, rule.record.name, rule.severity.name.lower(), rule.parties.entity, threat.id, threat.technique.id
        )
    Console().print(table)
    sys.stdout.write(f"{len(rules)} rules are sound; name the folder in the site file: rules: {folder}\n")


@app.command()
def example(folder: Annotated[Path, typer.Argument(metavar="DIR", help="New or empty folder.")]) -> None:
    """Write a pack of example rules, one of each kind, to begin from.

    Example: gridwatch rules example rules
    """
    from importlib.resources import files

    if folder.exists() and any(folder.iterdir()):
        raise UsageFault("the folder is not empty", str(folder), "name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    for rule in sorted(files("detectors.rules.examples").iterdir(), key=lambda r: r.name):
        if rule.name.endswith(".yml"):
            (folder / rule.name).write_text(rule.read_text(encoding="utf-8"), encoding="utf-8")
            say(f"wrote {folder / rule.name}")
