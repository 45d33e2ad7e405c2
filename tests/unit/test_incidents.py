"""Alerts of one key are one incident, a storm is one, and a suppression hides for its time: without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.command.root import run
from jobs.land.incidents import QUIET, STORM_MIN, STORM_WINDOW, TAKEN, Book, Incident
from jobs.land.suppressions import TOLD, hidden_by, load
from schemas.errors import ConfigFault

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


def alert(number: int, after_s: float = 0.0, key: str = "", **fields: Any) -> dict[str, Any]:
    body: dict[str, Any] = dict.fromkeys(TAKEN, "x") | {
        "severity_id": 3,
        "title": f"title {number}",
        "source": "10.0.0.7",
    }
    times = {"alert_id": f"{number:04d}", "time": START + timedelta(seconds=after_s), "dedup": key or f"key {number}"}
    return body | times | {"detector": "modbus_scan", "threat": "SG-19", "site": "s1"} | fields


def test_alerts_of_one_key_are_one_incident_until_it_was_quiet() -> None:
    book = Book([])
    quiet = QUIET.total_seconds()
    first = book.file(alert(1, 0, "a"))
    assert first.incident_id == "0001" and first.alerts == 1
    assert book.file(alert(2, quiet, "a", severity_id=5, title="worse")).incident_id == "0001"
    grown = book.file(alert(3, quiet - 60, "a", severity_id=4))
    assert (grown.alerts, grown.taken[8], grown.taken[9]) == (3, 5, "worse")
    assert (grown.first_time, grown.last_time) == (START, START + QUIET)
    assert book.file(alert(4, 2 * quiet + 1, "a")).incident_id == "0004"
    assert book.file(alert(5, 0, "b")).incident_id == "0005"
    assert set(book.changed) == {"0001", "0004", "0005"}


def test_a_storm_is_one_incident_and_ends_by_itself() -> None:
    book = Book([])
    filed = [book.file(alert(n, n)) for n in range(STORM_MIN + 30)]
    assert [i.kind for i in filed] == ["alerts"] * STORM_MIN + ["storm"] * 30
    assert {i.incident_id for i in filed[STORM_MIN:]} == {f"{STORM_MIN:04d}"}
    assert filed[-1].alerts == 30
    # Another detector or site has none; a key that has an incident goes on with it.
    assert book.file(alert(900, STORM_MIN, detector="modbus_restart")).kind == "alerts"
    assert book.file(alert(901, STORM_MIN, site="s2")).kind == "alerts"
    assert book.file(alert(902, STORM_MIN, "key 3")).incident_id == "0003"
    # What is more severe does not drown in it.
    worse = book.file(alert(903, STORM_MIN, severity_id=5, entity="m7"))
    assert (worse.kind, worse.incident_id, worse.taken[4]) == ("alerts", "0903", "m7")
    assert book.changed[f"{STORM_MIN:04d}"].taken[8] == 3
    # Whatever the order of event times.
    back = Book([])
    assert sum(back.file(alert(n, -n)).kind == "storm" for n in range(STORM_MIN + 30)) == 30
    later = STORM_MIN + 30 + STORM_WINDOW.total_seconds() + 1
    assert book.file(alert(904, later)).kind == "alerts"


def test_it_is_the_same_wherever_the_batches_end() -> None:
    alerts = [alert(n, 2.0 * n, f"key {n * 7 % 80}") for n in range(300)]
    whole = Book([])
    expected = [whole.file(a).incident_id for a in alerts]
    known: dict[str, Incident] = {}
    got = []
    for first in range(0, 300, 17):
        book = Book(sorted(known.values(), key=lambda i: (i.first_time, i.incident_id)))
        got += [book.file(a).incident_id for a in alerts[first : first + 17]]
        known |= book.changed
    assert got == expected
    assert sum(i.alerts for i in known.values()) == 300
    assert known == {k: replace(v) for k, v in whole.changed.items()}


ENTRY = """
- id: maintenance
  scope: {detector: modbus_scan, site: s1, source: 10.0.0.0/24, up_to: high}
  reason: firmware of the gateways is renewed
  owner: anna
  reviewed_by: ben
  begins: 2026-03-02T08:00:00Z
  expires: 2026-03-02T13:00:00Z
"""


def test_a_suppression_hides_what_its_scope_says_for_its_time(tmp_path: Path) -> None:
    path = tmp_path / "suppressions.yaml"
    path.write_text(ENTRY)
    entries = load(path)
    assert load(None) == ()
    assert hidden_by(alert(1), entries) == "maintenance"
    for fields in ({"site": "s2"}, {"detector": "x"}, {"source": "10.0.1.7"}, {"source": None}, {"severity_id": 5}):
        assert hidden_by(alert(1, **fields), entries) is None
    assert hidden_by(alert(1, 3600), entries) is None, "expired"
    assert hidden_by(alert(1, -4 * 3600 - 1), entries) is None, "to come"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("owner: anna", "owner: Ben", "entry 1: reviewed_by is the owner"),
        ("2026-03-02T13:00:00Z", "2027-04-02T13:00:00Z", "entry 1: expires must be after begins, at most 366 days"),
        ("  expires: 2026-03-02T13:00:00Z\n", "", "entry 1: expires: field required"),
        ("modbus_scan", "modbus_scn", r"entry 1: scope: detector: no 'modbus_scn', did you mean modbus_scan\?"),
        ("up_to: high", "up_to: hgh", r"scope: up_to: no 'hgh', did you mean high\?"),
        ("10.0.0.0/24", "10.0.0.0/33", "scope.source: .*10.0.0.0/33"),
        ("{detector: modbus_scan, site: s1, source: 10.0.0.0/24, up_to: high}", "{up_to: low}", "name at least one of"),
        ("reason:", "raeson:", "entry 1: reason: field required"),
        (ENTRY, ENTRY + ENTRY.lstrip(), "two entries are called maintenance"),
        (ENTRY, "a: 1", "suppressions are a list"),
        (ENTRY, "{}", "suppressions are a list"),
        (ENTRY, "- [", "not YAML.*"),
        (ENTRY, "\n".join("- {}" for _ in range(TOLD)), r"; \d+ more"),
    ],
)
def test_a_wrong_entry_is_told_by_its_place(old: str, new: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "suppressions.yaml"
    path.write_text(ENTRY.replace(old, new))
    with pytest.raises(ConfigFault, match=told) as fault:
        load(path)
    assert str(path) in fault.value.where


def test_a_file_is_checked_without_a_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "suppressions.yaml"
    path.write_text(ENTRY)
    assert run(["suppressions", "--file", str(path), "--check"]) == 0
    assert "maintenance" in capsys.readouterr().out
    path.write_text(ENTRY.replace("anna", "ben"))
    assert run(["suppressions", "--file", str(path), "--check"]) == 3
    assert "somebody else has to look at it" in capsys.readouterr().err
