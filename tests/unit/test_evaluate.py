"""The evaluation's page and scores, and the command that writes a scenario's records."""

import json
from pathlib import Path

import pytest

from ingest.lab.scenarios import SCENARIOS
from ingest.source import Record
from ingest.table import read_table
from jobs.command.root import run
from jobs.evaluate import report


def test_a_scenario_is_written_and_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site, truth = tmp_path / "site.yaml", tmp_path / "truth.json"
    words = ["lab", "scenario", "mass_disconnect", "--seed", "3", "--set", "meters=40"]
    assert run([*words, "--site", str(site), "--truth", str(truth)]) == 0
    lines = tmp_path / "records.jsonl"
    lines.write_text(capsys.readouterr().out)
    with lines.open("rb") as stream:
        read = list(read_table(stream))
    assert all(isinstance(item, Record) for item in read)
    done = json.loads(truth.read_text())
    assert len(done["attack"]) == 40
    assert {read[i].fields["operator"] for i in done["attack"]} == {"ben"}  # type: ignore[union-attr]
    assert run(["scan", str(lines), "--site", str(site), "--json"]) == 0
    alerts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "mass_disconnect" in {alert["detector"] for alert in alerts}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["mass_disconect"], "mass_disconnect"),
        (["mass_disconnect", "--set", "cats=3"], "no such parameter"),
        (["mass_disconnect", "--set", "meters=many"], "not int"),
        (["mass_disconnect", "--start", "yesterday"], "no time"),
    ],
)
def test_what_is_asked_wrong_is_told(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lab", "scenario", *words]) == 2
    assert says in capsys.readouterr().err


def test_the_list_names_every_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lab", "scenario", "--list"]) == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()} >= {s.name for s in SCENARIOS}


def test_a_small_evaluation_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", "--only", "SG-01", "--hours", "0.5", "--seed", "5", "--workers", "1", "--into", str(tmp_path)]
    assert run(words) == 0
    result = json.loads((tmp_path / "evaluation.json").read_text())
    assert {s["threat"] for s in result["scenarios"]} == {"SG-01"}
    assert all(s["recall"] == 1.0 for s in result["scenarios"])
    assert result["quiet"]
    scores = report.by_threat(result)["SG-01"]
    assert scores["recall"] == 1.0 and scores["after_s"] >= 0
    assert "| SG-01 | mass_disconnect |" in (tmp_path / "evaluation.md").read_text()
    assert (tmp_path / "evaluation" / "time_to_detect.svg").read_text().lstrip().startswith("<?xml")
    assert run(["evaluate", "--only", "nothing"]) == 2
