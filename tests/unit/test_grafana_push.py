"""`gridwatch grafana push` with the real client over loopback, against a stub that is no Grafana: `tests.unit.grafana_stub`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.grafana.alert_rules import GROUPS
from infra.grafana.generate import dashboards
from infra.grafana.push import LEDGER
from jobs.command.root import run
from tests.unit.grafana_stub import TOKEN, VIEWER, Stub

SOURCE = "postgresql://grafana:s3cret@db.example.org:5433/gridwatch?sslmode=verify-full"
RULES = {rule.uid for group in GROUPS for rule in group.rules}
BOARDS = {board["uid"] for board in dashboards().values()}
#: Two folders, two data sources, a template, two contact points, a branch of the policies.
OTHERS = 8


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stub]:
    server = Stub()
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "URL": server.url,
        "TOKEN": TOKEN,
        "DATASOURCE": SOURCE,
        "PROMETHEUS": "http://prometheus.example.org:9090",
        "ALERT_WEBHOOK": "https://hooks.example.org/soc",
        "ALERT_EMAIL": "soc@example.org",
    }.items():
        monkeypatch.setenv(f"GRIDWATCH_GRAFANA__{name}", value)
    monkeypatch.setenv("GRIDWATCH_CONSOLE__URL", "https://soc.example.org")
    yield server
    server.close()


def push(*options: str) -> int:
    return run(["grafana", "push", *options])


def told(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_a_dry_run_shows_all_and_writes_nothing(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    assert push("--dry-run") == 0
    out, err = told(capsys)
    lines = out.splitlines()
    assert len(lines) == OTHERS + len(BOARDS) + len(RULES) + len(GROUPS)
    assert all(line.startswith("+ ") and line.endswith(": create") for line in lines)
    assert "nothing was written" in err and not stub.writes
    assert "s3cret" not in out + err and TOKEN not in out + err


def test_what_is_pushed_is_what_was_generated(stub: Stub) -> None:
    assert push() == 0
    assert set(stub.dashboards) == {*BOARDS, LEDGER} and set(stub.rules) == RULES
    for name, board in dashboards().items():
        kept = stub.dashboards[board["uid"]]
        assert kept["meta"]["folderUid"] == "gridwatch"
        assert kept["dashboard"]["panels"] == board["panels"], name
    consoles = [
        variable["query"]
        for kept in stub.dashboards.values()
        for variable in kept["dashboard"].get("templating", {}).get("list", [])
        if variable["name"] == "console"
    ]
    assert consoles and set(consoles) == {"https://soc.example.org"}
    source = stub.sources["gridwatch-postgres"]
    assert (source["url"], source["user"], source["jsonData"]["database"]) == (
        "db.example.org:5433",
        "grafana",
        "gridwatch",
    )
    assert source["jsonData"]["sslmode"] == "verify-full"
    metrics = stub.sources["gridwatch-prometheus"]
    assert (metrics["type"], metrics["url"]) == ("prometheus", "http://prometheus.example.org:9090")
    assert stub.intervals == {group.name: group.interval_s for group in GROUPS if group.interval_s != 60}
    critical = stub.rules["gridwatch-critical"]
    assert critical["folderUID"] == "gridwatch-rules" and critical["ruleGroup"] == "incidents"
    assert critical["annotations"]["console"].startswith("https://soc.example.org/incidents/")
    assert "$" not in json.dumps(list(stub.rules.values())), "variables of provisioning mean nothing here"
    assert [point["type"] for point in stub.points] == ["webhook", "email"]
    assert stub.points[0]["settings"]["url"] == "https://hooks.example.org/soc"


def test_policies_of_others_stay(stub: Stub) -> None:
    assert push() == 0
    ours, others = stub.tree["routes"]
    assert ours["object_matchers"] == [["source", "=", "gridwatch"]]
    assert others == {"receiver": "others", "object_matchers": [["team", "=", "network"]]}
    assert stub.tree["receiver"] == "grafana-default-email"


def test_pushed_again_it_changes_nothing(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    assert push() == 0
    stub.writes.clear()
    told(capsys)
    assert push() == 0
    out, err = told(capsys)
    assert {line[0] for line in out.splitlines()} == {"="}
    assert stub.writes == [] and "0 created, 0 updated" in err


def test_what_is_new_is_brought_up_to_date_without_being_told(
    stub: Stub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert push() == 0
    stub.writes.clear()
    told(capsys)
    monkeypatch.setenv("GRIDWATCH_CONSOLE__URL", "https://new.example.org")
    assert push() == 0
    out, _ = told(capsys)
    assert "~ dashboard gridwatch-incident: update" in out and "~ alert rule gridwatch-critical: update" in out
    assert any(line.strip().startswith("+") and "new.example.org" in line for line in out.splitlines())
    assert "= alert rule gridwatch-lag: same" in out
    assert "new.example.org" in stub.rules["gridwatch-critical"]["annotations"]["console"]
    assert "PUT /v1/provisioning/alert-rules/gridwatch-lag" not in stub.writes


def test_what_others_changed_is_not_overwritten_unless_told(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    assert push() == 0
    stub.edit("gridwatch-incident")
    stub.rules["gridwatch-lag"]["for"] = "10m"
    stub.tree["routes"][0]["group_wait"] = "5m"
    stub.writes.clear()
    told(capsys)
    assert push() == 4
    out, err = told(capsys)
    names = ("dashboard gridwatch-incident", "alert rule gridwatch-lag", "notification policy source=gridwatch")
    for name in names:
        assert f"! {name}: changed by others" in out and name in err
    assert '    - "for": "10m",\n    + "for": "2m",' in out and "--force" in err and err.count("\n") == 1
    assert stub.writes == []
    assert push("--force") == 0
    assert stub.rules["gridwatch-lag"]["for"] == "2m" and stub.tree["routes"][0]["group_wait"] == "30s"
    assert len(stub.tree["routes"]) == 2
    told(capsys)
    assert push("--dry-run") == 0
    assert {line[0] for line in told(capsys)[0].splitlines()} == {"="}


def test_what_people_may_decide_stays(stub: Stub) -> None:
    """A rule that is paused or moved, a dashboard in another folder, a folder with another title: no change of ours."""
    assert push() == 0
    stub.rules["gridwatch-lag"]["isPaused"] = True
    stub.folders["mine"] = {"uid": "mine", "title": "Mine"}
    stub.dashboards["gridwatch-overview"]["meta"]["folderUid"] = "mine"
    stub.folders["gridwatch"]["title"] = "Security"
    assert push() == 0
    stub.edit("gridwatch-overview")
    stub.rules["gridwatch-lag"]["for"] = "10m"
    assert push("--force") == 0
    assert stub.rules["gridwatch-lag"]["isPaused"] is True and stub.rules["gridwatch-lag"]["for"] == "2m"
    assert stub.dashboards["gridwatch-overview"]["meta"]["folderUid"] == "mine"
    assert stub.dashboards["gridwatch-overview"]["dashboard"]["panels"][0]["title"] != "mine"


def test_what_grafana_migrates_by_itself_is_no_change(
    stub: Stub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Newer versions give back another dashboard than they were given."""
    stub.migrates = True
    assert push() == 0
    assert stub.dashboards["gridwatch-overview"]["dashboard"]["schemaVersion"] == 99
    stub.writes.clear()
    assert push() == 0
    assert not stub.writes
    monkeypatch.setenv("GRIDWATCH_CONSOLE__URL", "https://new.example.org")
    told(capsys)
    assert push() == 0
    assert "~ dashboard gridwatch-incident: update" in told(capsys)[0]
    stub.edit("gridwatch-incident")
    assert push() == 4


def test_what_people_added_is_not_overwritten_by_a_later_version(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert push() == 0
    panel = stub.dashboards["gridwatch-incident"]["dashboard"]["panels"][0]
    panel["transformations"] = [{"id": "sortBy"}]
    assert push() == 0, "what we want is there"
    monkeypatch.setenv("GRIDWATCH_CONSOLE__URL", "https://new.example.org")
    assert push() == 4


def test_a_last_push_that_cannot_be_read_counts_as_none(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert push() == 0
    stub.dashboards[LEDGER]["dashboard"]["panels"][0]["options"]["content"] = "scribbled"
    assert push() == 0, "all is as it should be"
    stub.dashboards.pop(LEDGER)
    monkeypatch.setenv("GRIDWATCH_CONSOLE__URL", "https://new.example.org")
    assert push() == 4


def test_a_dashboard_that_was_there_before_is_adopted_or_told(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    board = next(board for board in dashboards().values() if board["uid"] == "gridwatch-overview")
    kept: dict[str, Any] = {**board, "title": "by hand", "id": 1, "version": 3}
    stub.dashboards["gridwatch-overview"] = {"dashboard": kept, "meta": {"folderUid": ""}}
    assert push() == 4
    assert "! dashboard gridwatch-overview: changed by others" in told(capsys)[0]
    stub.dashboards["gridwatch-overview"]["meta"]["provisioned"] = True
    assert push() == 0
    assert ". dashboard gridwatch-overview: left alone (it is provisioned from files)" in told(capsys)[0]
    assert stub.dashboards["gridwatch-overview"]["dashboard"]["title"] == "by hand"


def test_who_saves_at_the_same_time_is_not_overwritten(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    assert push() == 0
    stub.edit("gridwatch-incident")
    told(capsys)

    def meanwhile(method: str, path: str) -> None:
        if path == "/dashboards/db":
            stub.before = lambda *_: None
            stub.edit("gridwatch-incident")

    stub.before = meanwhile  # type: ignore[assignment]
    assert push("--force") == 4
    _, err = told(capsys)
    assert "changed by someone else" in err and "run this again" in err and err.count("\n") == 1


def test_without_a_receiver_policies_are_not_touched(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ALERT_WEBHOOK", "ALERT_EMAIL"):
        monkeypatch.delenv(f"GRIDWATCH_GRAFANA__{name}")
    assert push() == 0
    assert not stub.points and len(stub.tree["routes"]) == 1 and set(stub.rules) == RULES
    assert "grafana.alert_webhook" in told(capsys)[1]


def test_the_data_source_is_left_to_others_or_asked_for(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GRIDWATCH_GRAFANA__DATASOURCE")
    assert push() == 3
    assert "grafana.datasource" in told(capsys)[1] and not stub.writes
    stub.sources["gridwatch-postgres"] = {"uid": "gridwatch-postgres", "type": "postgres", "url": "elsewhere:5432"}
    assert push() == 0
    assert stub.sources["gridwatch-postgres"]["url"] == "elsewhere:5432"


def test_without_prometheus_no_rule_asks_it(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GRIDWATCH_GRAFANA__PROMETHEUS")
    assert push() == 0
    assert set(stub.sources) == {"gridwatch-postgres"} and set(stub.dashboards) == {*BOARDS, LEDGER}
    assert RULES - set(stub.rules) == {"gridwatch-detect-lag"}
    assert "grafana.prometheus is not set" in told(capsys)[1]
    monkeypatch.setenv("GRIDWATCH_GRAFANA__PROMETHEUS", "http://prometheus.example.org:9090")
    assert push() == 0
    assert set(stub.rules) == RULES and len(stub.sources) == 2


@pytest.mark.parametrize("dsn", ["not a dsn", "postgresql://db/gridwatch", "postgresql://"])
def test_a_data_source_that_is_none_is_told(
    stub: Stub, dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRIDWATCH_GRAFANA__DATASOURCE", dsn)
    assert push() == 3
    assert "grafana.datasource" in told(capsys)[1]


def test_refusals_are_told_in_one_line(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    def fails(code: int, words: str, *options: str) -> None:
        assert push(*options) == code
        _, err = told(capsys)
        assert words in err and err.count("\n") == 1 and "Traceback" not in err and "stub-" not in err

    fails(3, "does not know the token", "--token", "wrong")
    fails(3, "the token may not write folder gridwatch", "--token", VIEWER)
    fails(4, "Grafana does not answer", "--url", "http://127.0.0.1:9")
    fails(3, "http:// or https://", "--url", "grafana:3000")
    fails(4, "name the root", "--url", stub.url + "/else")
    stub.before = lambda *_: (500, {"message": "database is locked"})
    fails(4, "database is locked")
    stub.before = lambda *_: (200, "<html>log in</html>")
    assert push() != 0 and "Traceback" not in told(capsys)[1]


def test_what_breaks_off_in_the_middle_goes_on(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    def breaks(method: str, path: str) -> tuple[int, Any] | None:
        return (500, {"message": "gone"}) if path.startswith("/v1") else None

    stub.before = breaks
    assert push() == 4
    stub.before = lambda *_: None
    told(capsys)
    assert push() == 0
    out, _ = told(capsys)
    assert "= dashboard gridwatch-incident: same" in out and "+ alert rule gridwatch-lag: create" in out
    assert set(stub.rules) == RULES


def test_address_and_token_are_needed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert push() == 3 and "grafana.url" in told(capsys)[1]
    assert push("--url", "http://127.0.0.1:9") == 3 and "grafana.token" in told(capsys)[1]
