"""The demo's own judgement: which alert explains which attack, which books balance, and that no process is left behind."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from detectors.catalog import DETECTORS
from ingest.lab.attacks import ATTACKS
from jobs.demo import truth
from jobs.demo.audit import unbalanced
from jobs.demo.parts import Parts

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def alert(detector: str, seconds: float, **fields: Any) -> dict[str, Any]:
    """An alert so many seconds after the start."""
    empty = {"entity": "x", "source": None, "destination": None, "site": "lab", "evidence": []}
    return {"detector": detector, "time": START + timedelta(seconds=seconds), **empty, **fields}


def injected(tmp_path: Path, **entities: list[str]) -> truth.Injected:
    """An attack of ten seconds, as the lab writes it."""
    file = tmp_path / "truth.jsonl"
    line = {
        "attack": "rogue_master",
        "threat": "SG-17",
        "detector": "rogue_master",
        "start": START.isoformat(),
        "end": (START + timedelta(seconds=10)).isoformat(),
        "entities": entities,
    }
    file.write_text(json.dumps(line) + "\n")
    return truth.read(file)[0]


def test_an_attack_is_found_by_its_own_detector_and_entity(tmp_path: Path) -> None:
    attack = injected(tmp_path, source=["127.0.0.66"])
    right = alert("rogue_master", 3, source="127.0.0.66")
    assert truth.found_by(attack, [alert("modbus_scan", 1, source="127.0.0.66"), right]) is right
    assert truth.found_by(attack, [alert("rogue_master", 3, source="127.0.0.10")]) is None
    assert truth.found_by(attack, [alert("rogue_master", 300, source="127.0.0.66")]) is None


def test_an_attack_is_found_by_what_its_evidence_names(tmp_path: Path) -> None:
    attack = injected(tmp_path, can_id=["416"])
    assert truth.found_by(attack, [alert("rogue_master", 3, evidence=['{"can_id": 416, "channel": "can0"}'])])
    assert truth.found_by(attack, [alert("rogue_master", 3, evidence=['{"can_id": 417, "channel": "can0"}'])]) is None


def test_an_alert_that_no_attack_explains_is_told(tmp_path: Path) -> None:
    attack = injected(tmp_path, source=["127.0.0.66"])
    other = alert("modbus_scan", 4, source="127.0.0.66")
    stray = alert("modbus_scan", 4, source="127.0.0.10")
    assert truth.unexplained([attack], [other, stray]) == [stray]


def test_no_truth_is_no_attack(tmp_path: Path) -> None:
    assert truth.read(tmp_path / "absent.jsonl") == []


def test_every_attack_of_the_lab_names_a_detector_of_the_catalogue() -> None:
    threats = {d.id: d.threat.id for d in DETECTORS}
    for attack in ATTACKS:
        assert attack.detector in threats, attack.name
        assert threats[attack.detector] == attack.threat, attack.name


def test_unequal_books_are_told_in_words() -> None:
    assert unbalanced([("a = b", 1, 1), ("c = d", 1, 2)]) == ["c = d: 1 and 2"]


def test_leaving_stops_every_part_and_its_feeder(tmp_path: Path) -> None:
    with Parts(tmp_path, {**os.environ, "PYTHONUNBUFFERED": "1"}) as parts:
        endless = ["lab", "can", "--peace", "--seconds", "600"]
        bus = parts.start("lab-can", endless, piped=True)
        reader = parts.start("ingest-can", ["ingest", "can", "-", "--to", "-"], feeds=bus)
        pids = [bus.process.pid, reader.process.pid]
        assert all(psutil.pid_exists(pid) for pid in pids)
    assert all(part.process.poll() is not None for part in parts.parts)
    assert not [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def test_a_part_that_fails_is_told_with_its_last_line(tmp_path: Path) -> None:
    with Parts(tmp_path, dict(os.environ)) as parts:
        part = parts.start("scan", ["scan", str(tmp_path / "absent.pcap")])
        part.process.wait(60)
        assert [p.name for p in parts.failed()] == ["scan"]
        assert "no such file" in part.last_line()
        assert part.state == "failed (2)"
