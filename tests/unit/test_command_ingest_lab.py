"""`gridwatch ingest` and `gridwatch lab` as a user calls them, without a broker."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from detectors.site import load_site
from ingest.lab.load_profiles import load_profiles
from ingest.lab.vehicles import RECEIVERS
from ingest.modbus_poll import load_point_map
from jobs.command.root import run
from jobs.places import read_places
from jobs.settings import default_cache

START = "2026-03-02T12:00:00Z"
GRIDWATCH = [sys.executable, "-c", "from jobs.command import main; main()"]


def lines(capsys: pytest.CaptureFixture[str]) -> tuple[list[dict[str, Any]], str]:
    out, err = capsys.readouterr()
    return [json.loads(line) for line in out.splitlines()], err


def test_meters_from_the_lab_to_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, truth = tmp_path / "m.jsonl", tmp_path / "truth.jsonl"
    made = ["lab", "meters", "--meters", "20", "--seconds", "10", "--start", START, "--attack", "tamper@4+2"]
    assert run([*made, "--to", str(data), "--truth", str(truth)]) == 0
    assert json.loads(truth.read_text())["start"] == "2026-03-02T12:00:04.000000Z"
    with data.open("a") as file:
        file.write("nonsense\n")
    capsys.readouterr()
    assert run(["ingest", "meter", str(data), "--to", "-"]) == 0
    records, err = lines(capsys)
    assert {record["record"] for record in records} >= {"meter_reading", "meter_event", "deadletter"}
    assert f"read {len(records)}, published {len(records) - 1}, refused 1 (malformed 1)" in err
    assert records[-1]["stage"] == "ingest meter"
    assert records[0]["time"] == "2026-03-02T12:00:00.000000Z"


def test_csv_with_foreign_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "r.csv"
    file.write_text("Zaehler;transformer;time;register_kwh;Kunde\nm1;t1;2026-01-01T00:00:00Z;5;x\n")
    names = ["--rename", "Zaehler=meter", "--rename", "Kunde="]
    assert run(["ingest", "meter", str(file), *names, "--to", "-"]) == 0
    (record,), _ = lines(capsys)
    assert record["meter"] == "m1"


def test_can_and_v2x_from_the_lab_to_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, ode = tmp_path / "c.log", tmp_path / "v.json"
    assert run(["lab", "can", "--seconds", "2", "--peace", "--start", START, "--to", str(log)]) == 0
    assert run(["lab", "vehicles", "--seconds", "2", "--cars", "5", "--peace", "--start", START, "--to", str(ode)]) == 0
    capsys.readouterr()
    assert run(["ingest", "can", str(log), "--vehicle", "car-1", "--to", "-"]) == 0
    frames, err = lines(capsys)
    assert len(frames) > 300
    assert {frame["vehicle"] for frame in frames} == {"car-1"}
    assert "refused 0" in err
    assert run(["ingest", "v2x", str(ode), "--to", "-"]) == 0
    messages, err = lines(capsys)
    assert {message["record"] for message in messages} == {"cam"}
    assert "refused 0" in err


def test_the_files_of_the_lab(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lab", "files", str(tmp_path / "lab"), "--meters", "30", "--modbus-port", "1502"]) == 0
    site = load_site(tmp_path / "lab" / "site.yaml")
    assert site.meters.feeders == {"F1": 30}
    points = load_point_map(tmp_path / "lab" / "points.yaml")
    assert {device.port for device in points.devices} == {1502}
    assert yaml.safe_load((tmp_path / "lab" / "site.yaml").read_text())["name"] == points.site
    places = read_places(tmp_path / "lab" / "places.csv")
    transformers = {customer.transformer for customer in load_profiles(30, default_cache() / "lab").customers}
    assert set(places) == {points.site, *transformers, *(unit.address for unit in RECEIVERS)}
    assert len(set(places.values())) == len(places)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["ingest", "tap"], 2, "name captures or one interface"),
        (["ingest", "v2x"], 2, "name files or an address"),
        (["ingest", "v2x", "--udp", "nowhere"], 2, "not HOST:PORT"),
        (["ingest", "records"], 2, "name files or an address"),
        (["ingest", "records", "-", "--udp", "127.0.0.1:0"], 2, "name files or an address"),
        (["ingest", "can"], 2, "name files or an interface"),
        (["ingest", "can", "--interface", "no-such", "--to", "-"], 4, "cannot be opened"),
        (["ingest", "meter"], 2, "name files"),
        (["ingest", "meter", "-", "--profile", "x"], 2, "no such profile"),
        (["ingest", "meter", "-", "--rename", "x"], 2, "not COLUMN=FIELD"),
        (["ingest", "meter", "no-such-file", "--to", "-"], 2, "no such file"),
        (["ingest", "tap", "no-such-file", "--to", "-"], 2, "no such file"),
        (["ingest", "meter", ".", "--to", "-"], 2, "this is a directory"),
        (["lab", "files", "/proc/none"], 4, "check the path"),
        (["ingest", "meter", "-", "--to", "x"], 2, "unknown destination"),
        (["ingest", "modbus", "no-such-file", "--to", "-"], 3, "cannot be read"),
        (["lab", "meters", "--attack", "x@1"], 2, "no such attack"),
        (["lab", "can", "--peace", "--attack", "can_flooding@1"], 2, "contradict"),
        (["lab", "can", "--start", "noon"], 2, "no time"),
        (["lab", "can", "--start", START, "--to", "no-such/f"], 4, "cannot write"),
    ],
)
def test_wrong_calls_are_told_in_one_line(
    words: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == code
    err = capsys.readouterr().err.splitlines()
    assert err[-1].startswith("gridwatch: ")
    assert says in err[-1]


@pytest.mark.parametrize("group", ["ingest", "lab"])
def test_every_subcommand_shows_an_example(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    from jobs.command import ingest, lab

    for command in {"ingest": ingest, "lab": lab}[group].app.registered_commands:
        assert command.callback is not None
        assert run([group, command.callback.__name__, "--help"]) == 0
        assert "Example: " in capsys.readouterr().out


def test_attacks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lab", "attacks"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 15


@pytest.mark.parametrize(("which", "reason"), [("v2x", "not a BSM"), ("records", "unknown record")])
def test_a_live_source_ends_in_order_when_it_is_told_to(which: str, reason: str) -> None:
    source = subprocess.Popen(
        [*GRIDWATCH, "ingest", which, "--udp", "127.0.0.1:0", "--to", "-"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # As a shell starts background processes: deaf to Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN) and None,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert source.stderr is not None
    port = int(source.stderr.readline().rsplit(":", 1)[1])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"{}", ("127.0.0.1", port))
        assert source.stdout is not None
        assert json.loads(source.stdout.readline())["reason"] == reason
    source.send_signal(signal.SIGTERM)
    _, err = source.communicate(timeout=20)
    assert f"ingest {which}: read 1, published 0, refused 1 ({reason} 1), delivered 1" in err
    assert source.returncode == 0


def test_lab_and_source_in_a_pipe() -> None:
    lab = subprocess.Popen(
        [*GRIDWATCH, "lab", "can", "--seconds", "1", "--peace"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    source = subprocess.run(
        [*GRIDWATCH, "ingest", "can", "-", "--to", "-"], stdin=lab.stdout, capture_output=True, text=True, timeout=60
    )
    assert lab.wait(timeout=20) == 0
    assert source.returncode == 0
    assert len(source.stdout.splitlines()) > 150
