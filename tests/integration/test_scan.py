"""`gridwatch scan` as an analyst calls it: public captures, files of every kind, and the lab's attacks."""

import csv
import gzip
import json
import os
import socket
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from detectors.catalog import DETECTORS
from detectors.detector import Model
from infra.tshark import ensure_tshark
from ingest.lab.attacks import ATTACKS, CAN, METERS, SUBSTATION, VEHICLES, default_plan
from jobs.command.root import run
from jobs.demo import truth
from schemas.project.arrow import to_arrow
from schemas.records import ALERT, CAN_FRAME, METER_READING

START = "2026-03-02T12:00:00Z"
MASTER = "192.168.1.100"
BENCH = "modbus_lemay/characterization_modbus_6RTU_with_operate"
CAPTURES = ("modbus_samples", "iec104_normal", "iec104_threat", "goose_zss/dev_pcap", "iec61850_samples")
GRIDWATCH = [sys.executable, "-c", "from jobs.command import main; main()"]

#: Learned detectors may also find a reading unusual that no attack touched: so many at most.
STRAY = 3
LEARNED = {d.id for d in DETECTORS if isinstance(d.kind, Model)}


@dataclass
class Scanned:
    """What one call of the command gave."""

    alerts: list[dict[str, Any]]
    flags: list[dict[str, str]]
    said: str

    @property
    def detectors(self) -> Counter[str]:
        return Counter(alert["detector"] for alert in self.alerts)


class Scanner:
    """Calls `gridwatch scan --json --flags`."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._flags, self._capsys = folder / "flags.csv", capsys

    def __call__(self, *arguments: Path | str) -> Scanned:
        self._capsys.readouterr()
        assert run(["scan", *map(str, arguments), "--json", "--flags", str(self._flags)]) == 0
        out, err = self._capsys.readouterr()
        with self._flags.open(newline="") as table:
            reader = csv.DictReader(table)
            assert reader.fieldnames == ["file", "record_number", "detector", "alert_id"]
            return Scanned([json.loads(line) for line in out.splitlines()], list(reader), err)


@pytest.fixture
def scan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Scanner:
    return Scanner(tmp_path, capsys)


def lab(part: str, *arguments: Path | str) -> None:
    assert run(["lab", part, *map(str, arguments)]) == 0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    lab("files", folder)
    return folder / "site.yaml"


# Public captures


def test_the_bench_attack_frame_by_frame(scan: Scanner, shared_data: Path, tmp_path: Path) -> None:
    """Every Modbus frame of the attack, requests and responses, and no frame of the one legitimate master."""
    capture = shared_data / f"{BENCH}.pcap"
    fields = ["-Y", "modbus", "-T", "fields", "-e", "frame.number", "-e", "ip.src", "-e", "ip.dst"]
    tshark = str(ensure_tshark(os.environ).executable)
    listed = subprocess.run([tshark, "-r", str(capture), *fields], capture_output=True, text=True, check=True)
    modbus = {int(number): hosts for number, *hosts in (line.split("\t") for line in listed.stdout.splitlines())}
    with (shared_data / f"{BENCH}_labeled.csv").open() as table:
        attack = {int(row[0]) for row in csv.reader(table, delimiter=";") if row and row[1:] == ["1"]} & set(modbus)
    assert len(attack) == 6_689
    facts = tmp_path / "site.yaml"
    facts.write_text(f"name: bench\nmodbus:\n  masters: [{MASTER}]\n")

    found = scan(capture, "--site", facts)

    flagged = {int(row["record_number"]) for row in found.flags}
    assert flagged == attack
    assert not any(MASTER in modbus[number] for number in flagged)
    assert {row["file"] for row in found.flags} == {str(capture)}
    assert found.detectors["rogue_master"] >= 1


@pytest.mark.parametrize("folder", CAPTURES)
def test_no_public_capture_stops_a_scan(folder: str, shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    captures = sorted(str(path) for path in (shared_data / folder).rglob("*.pcap*"))
    assert captures
    assert run(["scan", *captures]) == 0
    assert "records: " in capsys.readouterr().err


def test_public_files_are_told_by_their_content(scan: Scanner, shared_data: Path, tmp_path: Path) -> None:
    """Under a name that says nothing, plain and compressed."""
    expected = {
        "v2x_jpo_ode/bsmLogDuringEvent.json": "cam 222",
        "can_j1939/normal.log.gz": "can_frame 19957",
        "can_crysys/S-1-1-benign.log.gz": "can_frame 17935",
    }
    for name, records in expected.items():
        nameless = tmp_path / "nameless"
        nameless.write_bytes((shared_data / name).read_bytes())
        found = scan(nameless)
        assert f"records: {records}; refused: none; alerts: none" in found.said
    nameless.write_bytes(gzip.decompress((shared_data / "can_j1939/dos_1ms.log.gz").read_bytes()))
    assert scan(nameless).detectors["can_flooding"] == 1


# Files of every kind


def readings(folder: Path) -> Path:
    """Quiet meters, and one whose register runs backwards."""
    path = folder / "m.jsonl"
    lab("meters", "--seconds", "20", "--start", START, "--attack", "register_rollback@12", "--to", path)
    return path


def test_the_same_readings_as_json_lines_csv_and_parquet_give_the_same_alert(
    scan: Scanner, site: Path, tmp_path: Path
) -> None:
    lines = readings(tmp_path)
    records = [json.loads(line) for line in lines.read_text().splitlines()]
    records = [record for record in records if record["record"] == "meter_reading"]
    columns = [name for name in records[0] if name != "record"]
    table = tmp_path / "readings"
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(records)
    rows = [record | {"time": datetime.fromisoformat(record["time"])} for record in records]
    kept = pa.schema([field for field in to_arrow(METER_READING) if field.name in columns])
    pq.write_table(pa.Table.from_pylist(rows, kept), tmp_path / "parquet")

    found = [scan(file, "--site", site, "--only", "register_rollback") for file in (lines, table, tmp_path / "parquet")]

    ids = {alert["alert_id"] for one in found for alert in one.alerts}
    assert len(ids) == 1
    for one, name in zip(found, ("m.jsonl", "readings", "parquet"), strict=True):
        (alert,) = one.alerts
        assert alert["capture"] == name
        assert alert["frames"] == sorted(int(row["record_number"]) for row in one.flags)
        assert len(alert["frames"]) == 2
    # A line of a table is counted with its header, a row of Parquet without.
    assert found[1].alerts[0]["frames"][1] == found[2].alerts[0]["frames"][1] + 1


def test_an_alert_is_one_json_object_a_line_with_its_evidence(scan: Scanner, site: Path, tmp_path: Path) -> None:
    path = readings(tmp_path)
    found = scan(path, "--site", site)
    (alert,) = found.alerts
    assert set(alert) == set(ALERT.names)
    (evidence,) = alert["evidence"]
    lines = path.read_text().splitlines()
    assert evidence["register_kwh"] == json.loads(lines[alert["frames"][-1] - 1])["register_kwh"]
    assert [evidence["frames"], evidence["capture"]] == [[alert["frames"][-1]], "m.jsonl"]
    assert all(row["alert_id"] == alert["alert_id"] and row["file"] == str(path) for row in found.flags)
    assert alert["runbook"]


def test_files_of_one_name_are_told_apart_in_the_flags(scan: Scanner, tmp_path: Path) -> None:
    paths = [tmp_path / name / "c.log" for name in ("one", "two")]
    for number, path in enumerate(paths):
        path.parent.mkdir()
        start = f"2026-03-02T1{number}:00:00Z"
        lab("can", "--seconds", "8", "--start", start, "--attack", "can_flooding@5", "--to", path)
    found = scan(*paths)
    assert found.detectors == {"can_flooding": 2}
    assert {row["file"] for row in found.flags} == set(map(str, paths))


def test_what_the_lake_traces_to_no_file_is_told_by_its_row(scan: Scanner, tmp_path: Path) -> None:
    """Frames of a live bus carry no origin; the file of the lake that holds them is one."""
    times = [10_000 * n for n in range(300)] + [3_000_000 + 300 * n for n in range(3_000)]
    fields = {"vehicle": "car-1", "channel": "can0", "extended": False, "remote": False, "error": False, "dlc": 8}
    rows = [
        {**fields, "time": 1_772_452_800_000_000 + t, "can_id": 256 if t < 3_000_000 else 0, "data": bytes(8)}
        for t in times
    ]
    lake = tmp_path / "lake.parquet"
    pq.write_table(pa.Table.from_pylist(rows, to_arrow(CAN_FRAME)), lake)
    found = scan(lake, "--only", "can_flooding")
    (alert,) = found.alerts
    assert (alert["capture"], alert["offsets"]) == ("lake.parquet", None)
    assert alert["frames"][0] > 300
    assert {row["file"] for row in found.flags} == {str(lake)}
    assert min(int(row["record_number"]) for row in found.flags) == alert["frames"][0]


def test_evidence_in_an_earlier_file_is_flagged_there(scan: Scanner, site: Path, tmp_path: Path) -> None:
    """State goes on from file to file, as it does from hour to hour."""
    lines = readings(tmp_path).read_text().splitlines(keepends=True)
    whole = scan(tmp_path / "m.jsonl", "--site", site)
    before, after = sorted(int(row["record_number"]) for row in whole.flags)
    parts = [tmp_path / "part-1", tmp_path / "part-2"]
    parts[0].write_text("".join(lines[: before + 10]))
    parts[1].write_text("".join(lines[before + 10 :]))
    found = scan(*parts, "--site", site)
    assert [a["alert_id"] for a in found.alerts] == [a["alert_id"] for a in whole.alerts]
    (alert,) = found.alerts
    assert (alert["capture"], alert["frames"]) == ("part-2", [after - before - 10])
    expected = {(str(parts[0]), before), (str(parts[1]), after - before - 10)}
    assert {(row["file"], int(row["record_number"])) for row in found.flags} == expected


def test_the_deciding_record_is_the_last_of_the_evidence(scan: Scanner, tmp_path: Path) -> None:
    """Also where a rule looks back in several ways: other files' records are evidence, but none of this one's frames."""
    event = {"record": "meter_event", "transformer": "T1", "profile": "dlms", "code": 44, "meaning": "cover_removed"}
    files = [tmp_path / "before.jsonl", tmp_path / "after.jsonl"]
    files[0].write_text(
        "".join(json.dumps({**event, "meter": f"M{n}", "time": f"2026-03-02T12:00:0{n}Z"}) + "\n" for n in range(2))
    )
    last = [
        {"meter": "M9", "time": "2026-03-02T12:00:10Z"},
        {"meter": "M8", "time": "2026-03-02T14:00:00Z", "code": 4, "meaning": "clock_adjusted"},
    ]
    files[1].write_text("".join(json.dumps({**event, **more}) + "\n" for more in last))
    found = scan(*files, "--only", "tamper_signature")
    assert [(a["capture"], a["frames"], a["last_time"][11:19]) for a in found.alerts] == [
        ("after.jsonl", [1], "12:00:10")
    ]


# Usage


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("gridwatch: ")
    return err


def test_what_cannot_be_scanned_is_one_line_and_a_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = tmp_path / "c.log"
    good.write_text("(1436509052.249713) can0 123#112233\n")
    unknown = tmp_path / "x.pcap"
    unknown.write_bytes(b"PK\x03\x04")
    broken = tmp_path / "site.yaml"
    broken.write_text("modbus: {master: [10.0.0.1]}\n")
    misspelt = tmp_path / "misspelt.yaml"
    misspelt.write_text("detectors: {can_floding: {share: 0.5}}\n")
    cases: list[tuple[list[Path | str], int, str]] = [
        ([tmp_path / "absent"], 2, "no such file"),
        ([tmp_path], 2, "this is a directory"),
        ([unknown], 2, "cannot tell what this is"),
        ([good, "--only", "no_such_detector"], 2, "unknown detector no_such_detector"),
        ([good, "--site", broken], 3, "modbus.master: unknown key"),
        ([good, "--site", tmp_path / "absent.yaml"], 3, "site file cannot be read"),
        ([good, "--site", misspelt], 3, "key detectors.can_floding): did you mean can_flooding?"),
        ([good, "--flags", tmp_path / "no" / "folder.csv"], 4, "cannot write"),
    ]
    for arguments, code, says in cases:
        assert run(["scan", *map(str, arguments)]) == code
        assert says in one_line(capsys)


def test_what_is_refused_is_told_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("time,meter,transformer,register_kwh\n2026-01-01T00:00:00Z,M1,T1,1\ntoday,M1,T1,2\n")
    bad.write_text("Zaehler,time,register_kwh\n1,2026-01-01T00:00:00Z,1\n")
    assert run(["scan", str(good)]) == 0
    assert f"{good}: refused: type 1; the first, at 3: " in capsys.readouterr().err
    assert run(["scan", str(bad), str(good)]) == 4
    err = capsys.readouterr().err.splitlines()
    assert any(line.startswith(f"{bad}: refused: ") and "Zaehler" in line for line in err)
    assert err[-1].startswith(f"gridwatch: no record could be read ({bad}): ")


def test_the_site_of_the_settings_serves_where_none_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, facts = tmp_path / "c.log", tmp_path / "site.yaml"
    log.write_text("(1436509052.249713) can0 123#112233\n")
    facts.write_text("disabled: {can_flooding: a test bench, modbus_scan: this one is of another domain}\n")
    monkeypatch.setenv("GRIDWATCH_SITE", str(facts))
    assert run(["scan", str(log)]) == 0
    assert "off: can_flooding: switched off by the site file: a test bench" in capsys.readouterr().err


def test_a_scan_needs_no_spark_no_kafka_and_no_java(tmp_path: Path) -> None:
    log = tmp_path / "c.log"
    log.write_text("(1436509052.249713) can0 123#112233\n")
    program = (
        f"import sys; from jobs.command.root import run; assert run(['scan', {str(log)!r}]) == 0; "
        "print({'pyspark', 'py4j', 'confluent_kafka', 'kafka', 'psycopg'} & set(sys.modules))"
    )
    empty = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=empty, check=True)
    assert done.stdout.strip() == "set()"


# The lab's attacks


def explained(part: str, found: Scanned, truth_file: Path) -> None:
    """Each attack of a part is found by its detector at its time; rules alert nothing else."""
    attacks = truth.read(truth_file)
    assert {attack.attack for attack in attacks} == {attack.name for attack in ATTACKS if attack.part == part}
    alerts = [
        alert | {"time": datetime.fromisoformat(alert["time"]), "evidence": list(map(json.dumps, alert["evidence"]))}
        for alert in found.alerts
    ]
    for attack in attacks:
        alert = truth.found_by(attack, alerts)
        assert alert is not None, attack
        assert alert["threat"] == attack.threat
    strays = [alert["detector"] for alert in truth.unexplained(attacks, alerts)]
    assert set(strays) <= LEARNED
    assert len(strays) <= STRAY


@pytest.mark.parametrize("part", [METERS, CAN, VEHICLES])
def test_every_attack_is_found_and_peace_is_quiet(part: str, scan: Scanner, site: Path, tmp_path: Path) -> None:
    data, done = tmp_path / "car-1.log", tmp_path / "truth.jsonl"
    common = ["--seconds", "60", "--seed", "7", "--start", START, "--to", str(data)]
    lab(part, *common, "--truth", done)
    explained(part, scan(data, "--site", site), done)
    lab(part, *common, "--peace")
    quiet = scan(data, "--site", site)
    assert set(quiet.detectors) <= LEARNED
    assert quiet.detectors.total() <= STRAY


def test_every_attack_on_the_substation_is_found_in_its_capture(scan: Scanner, site: Path, tmp_path: Path) -> None:
    capture, done = tmp_path / "lab.pcap", tmp_path / "truth.jsonl"
    modbus, iec104 = free_port("127.0.20.1"), free_port("127.0.20.10")
    ports = ["--modbus-port", str(modbus), "--iec104-port", str(iec104)]
    plan = [
        name for asked in default_plan(12) if asked.split("@")[0] in SUBSTATION_ATTACKS for name in ("--attack", asked)
    ]
    made = ["lab", "substation", "--capture", str(capture), "--seconds", "12", "--truth", str(done), *ports, *plan]
    subprocess.run([*GRIDWATCH, *made], check=True, capture_output=True)
    explained(SUBSTATION, scan(capture, "--site", site, *ports), done)


SUBSTATION_ATTACKS = {attack.name for attack in ATTACKS if attack.part == SUBSTATION}


def free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
