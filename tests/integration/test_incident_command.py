"""An incident from its opening to its end on the command line, with the words of docs/console.md."""

import json
import shlex
from pathlib import Path

import pytest

from jobs.command.root import run
from jobs.settings import PREFIX
from tests.conftest import REPOSITORY, Database
from tests.integration.console import alert, landed

PAGE = (REPOSITORY / "docs/console.md").read_text(encoding="utf-8")
LINES = [line for line in PAGE.splitlines() if line.startswith("gridwatch incident ") and "3f2a91" in line]
ID = "3f2a91"


@pytest.fixture
def incident(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    landed(database.landing_dsn, alert(1, alert_id=ID, severity_id=5))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"{PREFIX}POSTGRES__DSN", database.console_dsn)
    return ID


def shown(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    capsys.readouterr()
    assert run(["incident", "show", ID]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_a_life_on_the_command_line(incident: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(LINES) == 7
    for line in LINES:
        assert run(shlex.split(line)[1:]) == 0, capsys.readouterr().err
    whole = shown(capsys)
    events = whole["events"]
    assert isinstance(events, list)
    done = [(event["action"], event["status"], event["assignee"]) for event in events]
    assert [action for action, _, _ in done] == ["acknowledge", "assign", "comment", "close", "reopen", "suppress"]
    assert done[1][2] == "anna" and done[3][1] == "closed" and done[-1][1] == "open"
    assert run(["incidents"]) == 0
    assert "1 incidents" in capsys.readouterr().out


def test_what_does_not_fit_is_told(incident: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words, code, says in (
        (["close", ID, "--verdict", "false_positiv"], 2, "did you mean false_positive?"),
        (["reopen", ID], 2, "not closed"),
        (["acknowledge", "nothing"], 4, "no such incident"),
        (["acknowledge", ID, "--version", "7"], 4, "changed meanwhile"),
        (["suppress", ID, "--reason", "x", "--scope", "all"], 2, "scope"),
        (["comment", ID, " "], 2, "empty"),
    ):
        assert run(["incident", *words]) == code
        assert says in capsys.readouterr().err, words
    assert shown(capsys)["events"] == []
