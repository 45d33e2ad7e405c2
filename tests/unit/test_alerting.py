"""Structure of the alerting that is provisioned: Grafana refuses to start, or leaves a link empty, over what is tested here."""

import re
from typing import Any

import yaml

from infra.grafana.alert_rules import CONSOLE, GROUPS, INCIDENT_DASHBOARD, INCIDENT_PANEL, MARK
from infra.grafana.contact_points import EMAIL, NAME, WEBHOOK, receivers
from infra.grafana.generate import ALERTING, PROVISIONING, alerting, dashboards

FILES: dict[str, Any] = {name: yaml.safe_load(content) for name, content in alerting().items()}
RULES = [rule for group in FILES["rules.yaml"]["groups"] for rule in group["rules"]]


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


def test_committed_files_are_the_generated_ones() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in ALERTING.iterdir()}
    assert committed == alerting(), "python -m infra.grafana.generate"


def test_rules_are_queries_reduced_and_compared() -> None:
    files = (yaml.safe_load(path.read_text()) for path in (PROVISIONING / "datasources").iterdir())
    sources = {source["uid"]: source["type"] for file in files for source in file["datasources"]}
    assert len({rule["uid"] for rule in RULES}) == len(RULES) == len({rule["title"] for rule in RULES})
    for rule in RULES:
        assert len(rule["uid"]) <= 40
        query, reduced, compared = rule["data"]
        assert [part["refId"] for part in rule["data"]] == ["A", "B", "C"] and rule["condition"] == "C"
        kind = sources[query["datasourceUid"]]
        assert query["model"]["datasource"] == {"type": kind, "uid": query["datasourceUid"]}
        if kind == "prometheus":
            assert query["model"]["instant"] and query["model"]["expr"]
            assert rule["execErrState"] == "OK", (
                "there may be no Prometheus: nobody wants to be told of that every four hours"
            )
        else:
            assert query["model"]["format"] == "table" and query["model"]["rawQuery"]
            assert rule["execErrState"] in ("Error", "Alerting")
        assert (reduced["model"]["type"], reduced["model"]["expression"]) == ("reduce", "A")
        assert (compared["model"]["type"], compared["model"]["expression"]) == ("threshold", "B")
        assert rule["noDataState"] == "OK"
        assert all(re.fullmatch(r"\d+[sm]", text) for text in (rule["for"],))
    for group in FILES["rules.yaml"]["groups"]:
        assert int(group["interval"].rstrip("s")) % 10 == 0, "the scheduler ticks every ten seconds"


def test_notifications_lead_to_the_incident() -> None:
    boards = {board["uid"]: board for board in dashboards().values()}
    for group in GROUPS:
        for made, rule in zip(group.rules, [r for r in RULES if r["uid"] in {x.uid for x in group.rules}], strict=True):
            assert made.uid == rule["uid"]
            notes = rule["annotations"]
            assert notes["summary"] and notes["description"]
            if not made.incident:
                continue
            assert (rule["dashboardUid"], rule["panelId"]) == (INCIDENT_DASHBOARD, INCIDENT_PANEL)
            assert (notes["__dashboardUid__"], notes["__panelId__"]) == (INCIDENT_DASHBOARD, str(INCIDENT_PANEL))
            assert notes["console"] == f'{CONSOLE}/incidents/{{{{ index .Labels "incident_id" }}}}'
            assert notes["dashboard"].endswith('/d/gridwatch-incident?var-incident={{ index .Labels "incident_id" }}')
            assert rule["execErrState"] == "Alerting", "an unreachable database must not resolve incidents"
    if INCIDENT_DASHBOARD in boards:
        board = boards[INCIDENT_DASHBOARD]
        assert INCIDENT_PANEL in {panel["id"] for panel in board["panels"]}
        assert "incident" in {variable["name"] for variable in board["templating"]["list"]}


def test_templates_are_balanced_and_provisioning_takes_nothing_for_a_variable() -> None:
    """Grafana expands `$NAME` and `${NAME}` in all of these files but in queries."""
    for text in strings(FILES):
        known = text
        for variable in (CONSOLE, WEBHOOK, EMAIL):
            known = known.replace(variable, "")
        assert "$" not in known, text
        opened = len(re.findall(r"\{\{-? ?(?:if|range|define|with)\b", text))
        assert opened == len(re.findall(r"\{\{-? ?end\b", text)), text


def test_settings_are_never_empty_whatever_the_environment_holds() -> None:
    """Grafana does not start over an empty address."""
    (point,) = FILES["contact_points.yaml"]["contactPoints"]
    for receiver in point["receivers"]:
        for text in strings(receiver["settings"]):
            assert re.sub(r"\$\{\w+\}", "", text)
    assert [r["type"] for r in point["receivers"]] == ["webhook", "email"]
    assert [r["type"] for r in receivers("https://hooks.example.org/x", "")] == ["webhook"]


def test_one_notification_an_incident() -> None:
    (policy,) = FILES["policies.yaml"]["policies"]
    (ours,) = policy["routes"]
    assert policy["receiver"] == ours["receiver"] == NAME
    assert ours["object_matchers"] == [[name, "=", value] for name, value in MARK.items()]
    (incidents,) = ours["routes"]
    assert incidents["group_by"] == ["incident_id"] and incidents["object_matchers"] == [["incident_id", "=~", ".+"]]
    assert all(MARK.items() <= rule["labels"].items() for rule in RULES)
    text = FILES["templates.yaml"]["templates"][0]["template"]
    used = {name for receiver in receivers("x", "y") for name in re.findall(r'template "([\w.]+)"', str(receiver))}
    assert used == set(re.findall(r'define "([\w.]+)"', text))
