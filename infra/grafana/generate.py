"""Dashboards and alerting as the files that Grafana provisions: `python -m infra.grafana.generate` writes the committed ones."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import yaml
from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from infra.grafana import alert_rules, contact_points
from infra.grafana.coverage import coverage
from infra.grafana.detectors import detectors
from infra.grafana.entity import entity
from infra.grafana.health import health
from infra.grafana.incident import incident
from infra.grafana.incidents import incidents
from infra.grafana.meters import meters
from infra.grafana.overview import overview
from infra.grafana.substation import substation
from infra.grafana.vehicles import vehicles

DIRECTORY: Final = Path(__file__).parent / "dashboards"
PROVISIONING: Final = Path(__file__).parent / "provisioning"
ALERTING: Final = PROVISIONING / "alerting"

#: Every dashboard; its file is named as its uid, without what all uids begin with.
MADE: Final[tuple[Callable[[], Dashboard], ...]] = (
    overview,
    incidents,
    incident,
    entity,
    meters,
    substation,
    vehicles,
    detectors,
    coverage,
    health,
)


def dashboards() -> dict[str, dict[str, Any]]:
    """File name -> dashboard."""
    made = [_tidy(json.loads(JSONEncoder().encode(make().build()))) for make in MADE]
    return {f"{board['uid'].removeprefix('gridwatch-')}.json": board for board in made}


def text(dashboard: dict[str, Any]) -> str:
    """The content of a dashboard's file."""
    return json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"


def alerting() -> dict[str, str]:
    """File name -> content, of provisioning/alerting."""
    made = {"rules.yaml": alert_rules.file(), **contact_points.files()}
    head = "# Made by python -m infra.grafana.generate.\n"
    return {name: head + yaml.safe_dump(content, sort_keys=False, width=1000) for name, content in made.items()}


def main() -> None:
    """Write the files."""
    ALERTING.mkdir(exist_ok=True)
    for name, content in alerting().items():
        (ALERTING / name).write_text(content, encoding="utf-8")
    DIRECTORY.mkdir(exist_ok=True)
    for name, dashboard in dashboards().items():
        (DIRECTORY / name).write_text(text(dashboard), encoding="utf-8")


def _tidy(dashboard: dict[str, Any]) -> dict[str, Any]:
    """What the SDK leaves out or says too much for this data source."""
    for variable in dashboard["templating"].setdefault("list", []):
        for key in ("auto", "auto_min", "auto_count"):
            variable.pop(key, None)
        if variable["type"] == "query":
            # Older versions show the definition, all of them run the query.
            variable["definition"] = variable["query"]
        if variable["type"] in ("constant", "textbox"):
            variable["current"] = {"selected": True, "text": variable["query"], "value": variable["query"]}
    for annotation in dashboard["annotations"]["list"]:
        sql = annotation.pop("expr")
        annotation["rawQuery"] = sql
        annotation["target"] = {
            "refId": "Anno",
            "format": "table",
            "editorMode": "code",
            "rawQuery": True,
            "rawSql": sql,
        }
    for panel in dashboard["panels"]:
        # The SDK turns the old footer of tables off; versions that have another one call it unknown, and none needs it.
        panel["options"].pop("footer", None)
    return dashboard


if __name__ == "__main__":
    main()
