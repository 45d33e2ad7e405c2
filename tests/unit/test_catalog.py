"""The catalogue as JSON, as a layer of ATT&CK Navigator and as a page."""

import json
from pathlib import Path

import pytest

from detectors.catalog import DETECTORS
from detectors.profiles import ALL, CORRELATIONS
from jobs.command.root import run

#: The threats, and what is seen in several alerts together.
EVERY = {threat.id for threat in (*ALL, *CORRELATIONS)}


def test_json_names_every_threat_and_detector(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["catalog", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert {t["id"] for t in content["threats"]} == {threat.id for threat in ALL} and len(content["threats"]) == 67
    assert {t["id"] for t in content["correlations"]} == {threat.id for threat in CORRELATIONS}
    every = [t for threats in content.values() for t in threats]
    assert sorted(name for t in every for name in t["detectors"]) == sorted(d.id for d in DETECTORS)
    assert all(bool(t["detectors"]) != bool(t["accepted_gap"]) for t in every)


def test_a_layer_and_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layer, page = tmp_path / "layer.json", tmp_path / "threats.md"
    assert run(["catalog", "--navigator", str(layer), "--markdown", str(page)]) == 0
    assert capsys.readouterr().out == ""
    content = json.loads(layer.read_text())
    assert content["domain"] == "ics-attack"
    techniques = {t["techniqueID"]: t for t in content["techniques"]}
    assert len(techniques) == len(content["techniques"])
    assert sum(t["score"] for t in techniques.values()) == sum(d.threat.id in EVERY for d in DETECTORS)
    assert "goose_forged" in techniques["T0855"]["comment"]
    rows = [line for line in page.read_text().splitlines() if line.startswith("| ")]
    assert len(rows) == len(ALL) + len(CORRELATIONS) + 1
    assert all(line.count("|") == 8 for line in rows)


def test_the_table_can_be_searched(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["catalog", "--only", "GOOSE"]) == 0
    out = capsys.readouterr().out
    assert "goose_forged" in out
    assert "rogue_master" not in out
    assert "have a detector" in out


def test_a_threat_and_a_detector_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["catalog", "sg-26"]) == 0
    threat = capsys.readouterr().out
    assert threat.startswith("SG-26  Forged GOOSE message")
    assert "detector goose_forged: " in threat and "scenario goose_replay: " in threat
    assert "(unverified)" in threat or "source: " in threat
    assert run(["catalog", "goose_forged"]) == 0
    assert "serves SG-26 " in capsys.readouterr().out
    assert run(["catalog", "goose_forge"]) == 2
    assert "did you mean goose_forged?" in capsys.readouterr().err
