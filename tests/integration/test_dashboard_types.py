"""Options and fields of every panel against the types that Grafana publishes: Grafana itself ignores what it does not know."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from infra.grafana.generate import DIRECTORY
from tests.integration.grafana_types import faults

COMMITTED = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(DIRECTORY.glob("*.json"))}
ANYWHERE: dict[str, Any] = {"id": "byName", "options": "x"}

#: What is spoilt in a panel of a kind, as a path and a value, where the fault is told, and a part of what is told.
SPOILT: dict[str, tuple[str, list[str | int], Any, str, str]] = {
    "an option that there is not": ("stat", ["options", "colourMode"], "value", "options.colourMode", "colorMode"),
    "an option of another type": ("stat", ["options", "wideLayout"], "yes", "options.wideLayout", "boolean"),
    "a word that is none of the enum": ("stat", ["options", "graphMode"], "bars", "options.graphMode", '"area"'),
    "a deeper option": (
        "timeseries",
        ["options", "legend", "show"],
        True,
        "options.legend.show",
        "does not exist in type",
    ),
    "an option of another kind of panel": ("piechart", ["options", "graphMode"], "none", "options.graphMode", "exist"),
    "no list where one belongs": ("nodeGraph", ["options", "nodes", "arcs"], {}, "options.nodes.arcs", "length"),
    "a view of a map": ("geomap", ["options", "view", "zoom"], "15", "options.view.zoom", "number"),
    "a setting of a field": ("stat", ["fieldConfig", "defaults", "units"], "s", "fieldConfig.defaults.units", "unit"),
    "a setting of the kind's own": (
        "timeseries",
        ["fieldConfig", "defaults", "custom", "fillOpacty"],
        80,
        "fieldConfig.defaults.custom.fillOpacty",
        "does not exist in type",
    ),
    "its type": (
        "state-timeline",
        ["fieldConfig", "defaults", "custom", "lineWidth"],
        "0",
        "fieldConfig.defaults.custom.lineWidth",
        "number",
    ),
    "a property of an override": (
        "table",
        ["fieldConfig", "overrides"],
        [{"matcher": ANYWHERE, "properties": [{"id": "custom.widht", "value": 80}]}],
        "fieldConfig.overrides[0].properties[0].id",
        "custom.widht",
    ),
    "a value of an override": (
        "table",
        ["fieldConfig", "overrides"],
        [{"matcher": ANYWHERE, "properties": [{"id": "custom.width", "value": "80"}]}],
        "fieldConfig.overrides[0].properties[0]",
        "number",
    ),
    "a kind of panel that there is not": ("stat", ["type"], "stats", "type", '"stats"'),
}


def test_every_panel_is_of_its_type(tmp_path: Path) -> None:
    assert COMMITTED
    found = faults(COMMITTED, tmp_path)
    assert not found, "\n".join(found)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What is told of everything spoilt, by one run of the compiler."""
    return faults({name: {"panels": [spoilt(name)]} for name in SPOILT}, tmp_path_factory.mktemp("spoilt"))


def spoilt(name: str) -> dict[str, Any]:
    kind, (*way, last), value, _, _ = SPOILT[name]
    panel: dict[str, Any] = copy.deepcopy(
        next(panel for board in COMMITTED.values() for panel in board["panels"] if panel["type"] == kind)
    )
    inner: Any = panel
    for key in way:
        inner = inner[key]
    inner[last] = value
    return panel


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_spoilt_is_found_where_it_stands(told: list[str], name: str) -> None:
    _, _, _, where, what = SPOILT[name]
    of_it = [fault for fault in told if fault.startswith(f"{name}: panel {spoilt(name)['id']} (")]
    assert of_it, "nothing is told"
    place, _, says = of_it[0].partition("): ")[2].partition(": ")
    assert (place, what in says) == (where, True), of_it
