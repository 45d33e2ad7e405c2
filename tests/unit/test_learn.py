"""Learning a site file: what is learned makes quiet traffic quiet, drift is told apart, and accepting ends it."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from detectors.site import load_site
from jobs import learn
from jobs.command.root import run

T0 = "2026-03-02T12:00:"


def write(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
    return path


def read(second: int, address: int = 0, client: str = "10.0.0.1", function: int = 3) -> dict[str, Any]:
    return {
        "record": "modbus",
        "time": f"{T0}{second:02d}Z",
        "site": "S",
        "client": client,
        "client_port": 40000,
        "server": "10.0.0.20",
        "server_port": 502,
        "transaction": second,
        "unit": 1,
        "function": function,
        "address": address,
        "quantity": 10 if function < 5 else 1,
        "requested": True,
        "responded": True,
        **({"request_values": [second]} if function > 4 else {}),
    }


def apdu(second: int, oa: int = 100, **fields: Any) -> dict[str, Any]:
    return {
        "record": "iec104",
        "time": f"{T0}{second:02d}Z",
        "site": "S",
        "source": "10.0.0.20",
        "source_port": 2404,
        "destination": "10.0.0.1",
        "destination_port": 40001,
        "format": "I",
        "type_id": 36,
        "cause": 3,
        "common_address": 3,
        "object_address": oa,
        **fields,
    }


def command(second: int, oa: int, value: float = 1.0) -> dict[str, Any]:
    ends = {"source": "10.0.0.1", "source_port": 40001, "destination": "10.0.0.20", "destination_port": 2404}
    return apdu(second, oa, **ends, type_id=50, cause=6, value=value, select=False)


def goose(second: int, rev: int = 1) -> dict[str, Any]:
    return {
        "record": "goose",
        "time": f"{T0}{second:02d}Z",
        "site": "S",
        "source_mac": "00:30:a7:00:00:01",
        "destination_mac": "01:0c:cd:01:00:01",
        "appid": 4097,
        "control_block": "IED/LLN0$GO$gcb1",
        "dataset": "IED/LLN0$ds",
        "st_num": 1,
        "sq_num": second,
        "conf_rev": rev,
        "simulation": False,
        "needs_commissioning": False,
    }


def dnp3(second: int, source: str = "10.0.0.1") -> dict[str, Any]:
    return {
        "record": "dnp3",
        "time": f"{T0}{second:02d}Z",
        "site": "S",
        "source": source,
        "source_port": 40_002,
        "destination": "10.0.0.30",
        "destination_port": 20_000,
        "link_source": 0,
        "link_destination": 1,
        "from_master": True,
        "primary": True,
        "link_function": 4,
        "checksum_ok": True,
        "function": 1,
        "response": False,
        "unsolicited": False,
    }


def mms(second: int, service: str, item: str, source: str = "10.0.0.1") -> dict[str, Any]:
    return {
        "record": "mms",
        "time": f"{T0}{second:02d}Z",
        "site": "S",
        "source": source,
        "source_port": 40_003,
        "destination": "10.0.0.40",
        "destination_port": 102,
        "pdu": "confirmed_request",
        "service": service,
        "objects": [item],
        "control": False,
    }


def meter(hour: int, number: int) -> dict[str, Any]:
    time = f"2026-03-02T{hour:02d}:00:00Z"
    return {"record": "meter_reading", "time": time, "meter": f"M{number}", "transformer": "T1", "register_kwh": hour}


QUIET = [
    *(read(s) for s in range(0, 50, 5)),
    read(50, 40, function=6),
    read(52, 41, function=6),
    *(apdu(s, 100 + s) for s in range(20)),
    command(30, 4001, 5.0),
    command(40, 4001, 9.0),
    *(goose(s) for s in range(10)),
    *(dnp3(s) for s in range(10)),
    mms(1, "read", "LD/MMXU1$MX$TotW", "10.0.0.2"),
    mms(2, "write", "LD/LLN0$RP$urcb$RptEna", "10.0.0.2"),
    mms(3, "write", "LD/PTOC1$SE$StrVal"),
    *(meter(h, n) for h in range(3) for n in range(4)),
]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    assert run(["learn", str(write(tmp_path / "quiet.jsonl", QUIET)), "--name", "S", "--into", str(path)]) == 0
    return path


def alerts(
    tmp_path: Path, site: Path, records: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run(["scan", str(write(tmp_path / "later.jsonl", records)), "--site", str(site), "--json"]) == 0
    lines = capsys.readouterr().out
    (tmp_path / "alerts.jsonl").write_text(lines)
    return [json.loads(line) for line in lines.splitlines()]


def test_what_is_learned(site: Path) -> None:
    facts = load_site(site)
    assert facts.name == "S"
    assert facts.modbus.masters == ("10.0.0.1",)
    assert facts.modbus.writers is not None and facts.modbus.writers[0].unit == 1
    assert facts.modbus.points is not None
    assert {(p.table, p.first, p.last, p.writable) for p in facts.modbus.points} == {
        ("holding", 0, 9, False),
        ("holding", 40, 41, True),
    }
    assert [(p.low, p.high) for p in facts.modbus.points if p.writable] == [(50, 52)]
    assert facts.baseline.requests is not None and facts.baseline.requests[0].period_s == 5
    assert facts.iec104.masters == ("10.0.0.1",)
    assert facts.iec104.commands is not None
    assert (facts.iec104.commands[0].low, facts.iec104.commands[0].high) == (5.0, 9.0)
    assert facts.baseline.objects is not None
    assert [(o.first, o.last) for o in facts.baseline.objects] == [(100, 119)]
    assert facts.goose.publishers is not None and facts.goose.publishers[0].conf_rev == 1
    assert facts.dnp3.masters == ("10.0.0.1",)
    assert facts.mms.clients == ("10.0.0.1", "10.0.0.2") and facts.mms.controllers == ("10.0.0.1",)
    assert facts.baseline.meters == {"T1": 4}


def test_quiet_traffic_is_quiet_with_what_was_learned(
    tmp_path: Path, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert alerts(tmp_path, site, QUIET, capsys) == []


@pytest.mark.parametrize(
    ("records", "detector"),
    [
        ([read(1, 200)], "modbus_drift"),
        ([apdu(1, 500)], "iec104_drift"),
        ([goose(1, rev=2)], "goose_drift"),
        ([meter(4, 9), *(meter(5, n) for n in range(4))], "meter_drift"),
        ([read(1, 0, "10.0.0.9")], "rogue_master"),
        ([read(50, 60, function=6)], "unauthorised_write"),
        ([command(1, 4002)], "iec104_setpoint"),
        ([dnp3(1, "10.0.0.9")], "rogue_master_dnp3"),
        ([mms(1, "read", "LD/MMXU1$MX$TotW", "10.0.0.9")], "rogue_client_mms"),
        ([mms(1, "write", "LD/PTOC1$SE$StrVal", "10.0.0.2")], "mms_control"),
    ],
)
def test_a_departure_is_told_and_can_be_accepted(
    tmp_path: Path, site: Path, records: list[dict[str, Any]], detector: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = alerts(tmp_path, site, records, capsys)
    (alert,) = [a for a in told if a["detector"] == detector]
    assert (alert["threat"] == "DRIFT") == detector.endswith("_drift")
    words = [
        "learn",
        "--accept",
        alert["alert_id"][:12],
        "--alerts",
        str(tmp_path / "alerts.jsonl"),
        "--into",
        str(site),
    ]
    assert run(words) == 2, "who and why are asked for"
    assert run([*words, "--who", "anna", "--why", "new bay"]) == 0
    assert detector not in {a["detector"] for a in alerts(tmp_path, site, records, capsys)}
    (accepted,) = load_site(site).accepted
    assert (accepted.who, accepted.why, accepted.detector) == ("anna", "new bay", detector)
    assert site.with_name("site.yaml.before").exists()
    write(tmp_path / "alerts.jsonl", told)
    assert run([*words, "--who", "anna", "--why", "again"]) == 2


def test_learning_more_keeps_what_a_person_wrote(
    tmp_path: Path, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = yaml.safe_load(site.read_text())
    facts["disabled"] = {"modbus_scan": "engineering week"}
    site.write_text(yaml.safe_dump(facts))
    more = write(tmp_path / "more.jsonl", [read(1, 300), goose(2, 2), meter(5, 7)])
    assert run(["learn", str(more), "--into", str(site), "--diff"]) == 0
    changes = capsys.readouterr().out
    assert "+" in changes and "300" in changes
    assert load_site(site).baseline.meters == {"T1": 4}
    assert run(["learn", str(more), "--into", str(site)]) == 0
    wider = load_site(site)
    assert wider.disabled == {"modbus_scan": "engineering week"}
    assert wider.baseline.requests is not None and {r.address for r in wider.baseline.requests} == {0, 300}
    assert wider.goose.publishers is not None and [p.conf_rev for p in wider.goose.publishers] == [2]


def test_nothing_to_learn(tmp_path: Path) -> None:
    empty = write(tmp_path / "cams.jsonl", [{"record": "igmp"}])
    assert run(["learn", str(empty)]) == 4
    assert run(["learn"]) == 2


def test_a_written_file_is_read_back_as_it_was(site: Path) -> None:
    facts = learn.read_facts(site)
    assert learn.as_yaml(facts) == site.read_text()
    assert learn.merged(facts, facts) == facts
