"""`gridwatch catalog`: which threat has which detectors."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from jobs.command.context import say


def catalog(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Id of a threat or detector: all that is known of it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output instead of a table.")] = False,
    navigator: Annotated[Path | None, typer.Option(help="Write a layer of ATT&CK Navigator (JSON) there.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write a Markdown page there.")] = None,
    only: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only threats with this in id, service, title or detectors.")
    ] = None,
) -> None:
    """Show every threat of the profiles with its detectors, or why it has none yet.

    Example: gridwatch catalog --only goose
    Example: gridwatch catalog SG-26
    """
    if name is not None:
        from jobs.catalog_card import card

        sys.stdout.write(card(name))
        return
    from jobs import catalog as pages

    if navigator is not None:
        navigator.write_text(json.dumps(pages.navigator(), indent=2) + "\n", encoding="utf-8")
        say(f"wrote {navigator}")
    if markdown is not None:
        markdown.write_text(pages.markdown(), encoding="utf-8")
        say(f"wrote {markdown}")

    def asked(threats: list[dict[str, object]]) -> list[dict[str, object]]:
        return [t for t in threats if only is None or only.lower() in _words(t)]

    if as_json:
        json.dump({kind: asked(threats) for kind, threats in pages.content().items()}, sys.stdout, indent=2)
        sys.stdout.write("\n")
    elif navigator is None and markdown is None:
        _show(asked(pages.threats()))


def _words(threat: dict[str, object]) -> str:
    return " ".join(str(threat[key]) for key in ("id", "service", "title", "detectors")).lower()


def _show(threats: list[dict[str, object]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for column in ("threat", "service", "severity", "what", "detectors", "recall"):
        table.add_column(column, overflow="fold")
    for threat in threats:
        names = threat["detectors"]
        assert isinstance(names, list)
        served = ", ".join(names) or f"[dim]{threat['accepted_gap']}[/dim]"
        scores = threat["scores"]
        assert isinstance(scores, dict)
        recall = f"{scores['recall']:.2f}" if scores else ""
        head = (str(threat[key]) for key in ("id", "service", "severity", "title"))
        table.add_row(*head, served, recall)
    console = Console()
    console.print(table)
    counted = [t for t in threats if t["service"] != "correlation"]
    console.print(f"{sum(bool(t['detectors']) for t in counted)} of {len(counted)} threats have a detector")
