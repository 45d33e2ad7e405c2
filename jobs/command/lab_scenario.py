"""`gridwatch lab scenario`: the records of one attack within quiet traffic, as `gridwatch evaluate` runs them."""

import json
import sys
from dataclasses import fields as fields_of
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.command.context import say
from schemas.errors import UsageFault, meant

if TYPE_CHECKING:
    from ingest.lab.scenarios.scenario import Injected, Scenario


def scenario(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The scenario; see --list.")] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="List the scenarios with their threats and parameters.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 1,
    start: Annotated[str, typer.Option(metavar="TIME", help="Begin, ISO 8601 with a zone.")] = "2026-01-05T00:00:00Z",
    parameter: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=NUMBER", help="Parameter of the attack; repeatable.")
    ] = None,
    to: Annotated[
        str, typer.Option("--to", metavar="kafka|-", help="Kafka of the settings, or - for JSON lines.")
    ] = "-",
    site: Annotated[Path | None, typer.Option(help="Write the site file that goes with it there (YAML).")] = None,
    truth: Annotated[Path | None, typer.Option(help="Write there what was done, when and to whom (JSON).")] = None,
) -> None:
    """Write the records of a scenario: quiet traffic with one attack in it, the same for the same seed.

    Example: gridwatch lab scenario mass_disconnect --site lab/site.yaml > disconnects.jsonl
    """
    from ingest.lab.scenarios import BY_NAME
    from jobs.command.ingest import publisher_of

    if listed:
        for known in BY_NAME.values():
            numbers = ", ".join(f"{f.name}={f.default}" for f in fields_of(known.params))
            sys.stdout.write(f"{known.name:32} {known.threat:7} {known.says} ({numbers})\n")
        return
    if name not in BY_NAME:
        remedy = meant(name or "", BY_NAME, "gridwatch lab scenario --list names them")
        raise UsageFault(f"no such scenario: {name or ''}", "lab scenario", remedy)
    chosen = BY_NAME[name]
    injected = chosen.build(seed, _time(start), _parameters(chosen, parameter or []))
    if site is not None:
        import yaml

        facts = {"name": "lab", **chosen.quiet.site}
        site.write_text(yaml.safe_dump(facts, sort_keys=False, allow_unicode=True), encoding="utf-8")
        say(f"wrote {site}")
    if truth is not None:
        truth.write_text(json.dumps(_truth(chosen, injected), indent=1) + "\n", encoding="utf-8")
        say(f"wrote {truth}")
    publisher = publisher_of(context, to, bulk=True)
    for schema in {record.schema.name: record.schema for record in injected.records}.values():
        publisher.announce(schema)
    for record in injected.records:
        publisher.publish(record.schema, record.fields)
    publisher.flush()
    say(
        f"{chosen.name}: {len(injected.records)} records, {len(injected.attack)} of them of the attack ({chosen.threat})"
    )


def _truth(scenario: "Scenario", injected: "Injected") -> dict[str, Any]:
    return {
        "scenario": scenario.name,
        "threat": scenario.threat,
        "start": datetime.fromtimestamp(injected.start / 1e6, UTC).isoformat(),
        "end": datetime.fromtimestamp(injected.end / 1e6, UTC).isoformat(),
        "entities": sorted(injected.entities),
        "attack": list(injected.attack),
    }


def _parameters(scenario: "Scenario", asked: list[str]) -> Any:
    known: dict[str, Any] = {f.name: f.default for f in fields_of(scenario.params)}
    values: dict[str, Any] = {}
    for pair in asked:
        key, equals, text = pair.partition("=")
        if not equals or key not in known:
            raise UsageFault(
                f"no such parameter: {pair}", "--set", f"one of {', '.join(known) or 'none'}, as NAME=NUMBER"
            )
        try:
            values[key] = type(known[key])(text)
        except ValueError as wrong:
            raise UsageFault(f"not {type(known[key]).__name__}: {pair}", "--set", f"e.g. {key}={known[key]}") from wrong
    return replace(scenario.params(), **values)


def _time(text: str) -> int:
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is None:
            raise ValueError("it has no zone")
    except ValueError as wrong:
        raise UsageFault(f"no time: {wrong}", "--start", "e.g. 2026-03-02T12:00:00Z") from wrong
    return round(time.timestamp() * 1e6)
