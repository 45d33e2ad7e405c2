"""`gridwatch backtest`: how many alerts a day a detector costs, before it is switched on."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.command.context import say, settings_of
from schemas.errors import ConfigFault, UsageFault

if TYPE_CHECKING:
    from jobs.backtest import Backtest

#: Width of the longest bar, characters.
WIDTH = 40


def backtest(
    context: typer.Context,
    detector: Annotated[str, typer.Argument(help="The detector, also a rule of the site.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="Back from the last hour in the lake.")] = 30,
    parameter: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A changed parameter; may be repeated.")
    ] = None,
    site: Annotated[Path | None, typer.Option(help="Site file (YAML); default: setting site.")] = None,
    lake: Annotated[Path | None, typer.Option(help="Root of the lake; default: setting store.lake.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Tell from the archived telemetry how many alerts a day a detector, or a changed parameter, would have raised.

    Example: gridwatch backtest modbus_scan --days 30 --set exceptions_min=20
    """
    import yaml

    from detectors.site import load_site
    from jobs.backtest import backtest as run

    settings = settings_of(context)
    changes: dict[str, float | int | bool | str] = {}
    for pair in parameter or ():
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise UsageFault(f"not NAME=VALUE: {pair}", "--set", "e.g. --set exceptions_min=20")
        changes[name] = yaml.safe_load(text)
    root = lake or Path(settings.lake_uri)
    if not root.is_dir():
        raise ConfigFault(
            "no lake", str(root), "set store.lake, name one with --lake, or fill one with gridwatch archive"
        )
    result = run(root, detector, days, changes, load_site(site or settings.site), say)
    if as_json:
        json.dump(result.as_json(), sys.stdout, indent=1)
        sys.stdout.write("\n")
    else:
        _show(result, changes)


def _show(result: "Backtest", changes: dict[str, float | int | bool | str]) -> None:
    costs = [("now", result.now)] + ([("changed", result.changed)] if result.changed is not None else [])
    highest = max((cost.alerts[day] for _, cost in costs for day in result.days), default=0) or 1
    for day, records in result.days.items():
        for label, cost in costs:
            number = cost.alerts[day]
            bar = "#" * max(round(number / highest * WIDTH), 1 if number else 0)
            head = f"{day} {records:>10} records" if label == "now" else " " * 29
            sys.stdout.write(f"{head}  {label:<7} {number:>6} {bar}\n")
    for label, cost in costs:
        total = sum(cost.alerts.values())
        with_what = (
            ", ".join(f"{k}={v}" for k, v in changes.items()) if label == "changed" else "as the site file has it"
        )
        most = ", ".join(f"{entity} {number}" for entity, number in cost.entities.most_common(5))
        sys.stdout.write(
            f"{label}: {total} alerts in {len(result.days)} days, {total / len(result.days):.2f} a day ({with_what})"
            f"{'; most: ' + most if most else ''}\n"
        )
