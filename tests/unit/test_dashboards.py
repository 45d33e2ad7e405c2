"""Structure of the dashboards and of the provisioning: Grafana saves a wrong type or a broken reference without a word."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from infra.grafana.generate import DIRECTORY, PROVISIONING, dashboards, text

PANEL_TYPES = {
    "stat", "timeseries", "table", "bargauge", "gauge", "barchart", "piechart", "heatmap", "state-timeline",
    "status-history", "geomap", "nodeGraph", "text", "alertlist", "dashlist", "annolist", "histogram", "logs",
}  # fmt: skip
GENERATED = dashboards()
SOURCES = {
    path.stem: source
    for path in (PROVISIONING / "datasources").iterdir()
    for source in yaml.safe_load(path.read_text())["datasources"]
}


def references(value: Any) -> Iterator[dict[str, str]]:
    """Every data source that a dashboard names."""
    if isinstance(value, dict):
        if "datasource" in value:
            yield value["datasource"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_committed_files_are_the_generated_ones() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in DIRECTORY.glob("*.json")}
    assert committed == {name: text(board) for name, board in GENERATED.items()}, "python -m infra.grafana.generate"


def test_uids_are_unique() -> None:
    uids = [board["uid"] for board in GENERATED.values()] + [source["uid"] for source in SOURCES.values()]
    assert len(set(uids)) == len(uids) and all(0 < len(uid) <= 40 for uid in uids)


@pytest.mark.parametrize("name", GENERATED)
def test_panels(name: str) -> None:
    panels = GENERATED[name]["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["type"] in PANEL_TYPES
        assert panel["title"] and panel["description"]
        grid = panel["gridPos"]
        assert grid["w"] >= 1 and grid["h"] >= 1 and grid["x"] >= 0 and grid["x"] + grid["w"] <= 24
        own = {(x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])}
        assert not own & cells, f"{panel['title']} covers another panel"
        cells |= own
        if panel["type"] == "text":
            assert panel["options"]["content"].strip() and "targets" not in panel
            continue
        assert panel["fieldConfig"]["defaults"]["noValue"], "what an empty panel says"
        refs = [target["refId"] for target in panel["targets"]]
        assert refs and len(set(refs)) == len(refs)
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"]
            if panel["datasource"]["type"] == "prometheus":
                assert (
                    target["expr"].strip()
                    and target["range"]
                    and target["legendFormat"]
                    and panel["type"] == "timeseries"
                )
            else:
                assert target["rawSql"].strip() and target["rawQuery"] and target["format"] in ("table", "time_series")
        columns = [override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]]
        assert len(set(columns)) == len(columns)


@pytest.mark.parametrize("name", GENERATED)
def test_every_data_source_is_provisioned(name: str) -> None:
    known = {kind: (source["type"], source["uid"]) for kind, source in SOURCES.items()}
    found = {(reference["type"], reference["uid"]) for reference in references(GENERATED[name])}
    measured = name in ("health.json", "detectors.json")
    assert found == (set(known.values()) if measured else {known["gridwatch"]})


@pytest.mark.parametrize("name", GENERATED)
def test_variables_and_annotations(name: str) -> None:
    board = GENERATED[name]
    names = [variable["name"] for variable in board["templating"]["list"]]
    assert len(set(names)) == len(names)
    used = set(re.findall(r"\$\{?(?!__)(\w+)", json.dumps([board["panels"], board["annotations"]])))
    assert used == set(names), "a variable that nothing uses, or one that is missing"
    assert not any(key.startswith("auto") for variable in board["templating"]["list"] for key in variable)
    for annotation in board["annotations"]["list"]:
        assert annotation["rawQuery"] == annotation["target"]["rawSql"]
        assert "limit" not in annotation["target"]


@pytest.mark.parametrize("name", GENERATED)
def test_one_bar_and_links_that_lead_somewhere(name: str) -> None:
    board = GENERATED[name]
    (bar,) = board["links"]
    assert bar["type"] == "dashboards" and bar["tags"] == ["gridwatch"] and "gridwatch" in board["tags"]
    assert any(a["name"] == "Grave incidents" for a in board["annotations"]["list"])
    variables = {of["uid"]: {v["name"] for v in of["templating"]["list"]} for of in GENERATED.values()}
    for panel in board["panels"]:
        for override in panel.get("fieldConfig", {}).get("overrides", []):
            for link in next((p["value"] for p in override["properties"] if p["id"] == "links"), []):
                if target := re.match(r"/d/([\w-]+)\?var-(\w+)=", link["url"]):
                    assert target[2] in variables[target[1]], "a link to a dashboard or variable that is not there"
                else:
                    assert link["url"].startswith("https://attack.mitre.org/")


def test_texts_of_the_wire_are_quoted() -> None:
    for name, board in GENERATED.items():
        free = {v["name"] for v in board["templating"]["list"] if v["type"] == "textbox"}
        sql = "\n".join(t.get("rawSql", "") for panel in board["panels"] for t in panel.get("targets", []))
        found = re.findall(r"\$\{?(\w+)(:sqlstring)?", sql)
        assert all(quoted for variable, quoted in found if variable in free), name


def test_provisioning_is_what_grafana_reads() -> None:
    source = SOURCES["gridwatch"]
    assert source["access"] == "proxy" and source["user"] == "grafana"
    assert source["secureJsonData"]["password"].startswith("$"), "no secret in the repository"
    metrics = SOURCES["prometheus"]
    assert (metrics["access"], metrics["url"]) == ("proxy", "$PROMETHEUS_URL") and not metrics.get("isDefault")
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards/gridwatch.yaml").read_text())["providers"]
    assert provider["type"] == "file" and provider["options"]["path"] == "/etc/grafana/dashboards"
