"""Finding Java and tshark, ports, processes that are stopped only when they are ours."""

import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from infra import java, ports, process, spark, tshark
from infra.java import Java, find_java, require_java
from schemas.errors import RunFault
from schemas.types import MAX_BYTES


def fake_java(home: Path, version: str) -> Path:
    (home / "bin").mkdir(parents=True)
    launcher = home / "bin" / "java"
    launcher.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    launcher.chmod(0o755)
    return home


def test_java_home_comes_first(tmp_path: Path) -> None:
    home = fake_java(tmp_path / "a", "21.0.1")
    other = fake_java(tmp_path / "b", "17.0.1")
    assert find_java({"JAVA_HOME": str(home), "PATH": str(other / "bin")}) == Java(home, 21)
    assert find_java({"PATH": str(other / "bin")}) == Java(other, 17)


def test_an_old_java_is_passed_over(tmp_path: Path) -> None:
    old = fake_java(tmp_path / "old", "11.0.2")
    new = fake_java(tmp_path / "new", "17.0.2")
    assert find_java({"JAVA_HOME": str(old), "PATH": str(new / "bin")}) == Java(new, 17)


def test_without_java_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "_candidates", lambda environ: iter(()))
    with pytest.raises(RunFault, match="apt install openjdk"):
        require_java({})


def test_an_old_tshark_is_refused(tmp_path: Path) -> None:
    program = tmp_path / "tshark"
    program.write_text("#!/bin/sh\necho 'TShark (Wireshark) 2.6.20'\n")
    program.chmod(0o755)
    assert tshark.find_tshark({"PATH": str(tmp_path)}) is None
    program.write_text("#!/bin/sh\necho 'TShark (Wireshark) 4.0.17 (Git)'\n")
    assert tshark.find_tshark({"PATH": str(tmp_path)}) == tshark.Tshark(program, (4, 0))


def test_a_busy_port_is_passed_over() -> None:
    with socket.socket() as server:
        server.bind((ports.LOOPBACK, 0))
        server.listen()
        busy = server.getsockname()[1]
        assert not ports.is_free(busy)
        assert ports.is_open(ports.LOOPBACK, busy)
        assert ports.choose(busy) != busy
    assert ports.choose(busy) == busy
    assert ports.choose(busy, taken={busy}) != busy
    assert ports.choose(0) > 0


def sleeper(tmp_path: Path, program: str) -> process.Process:
    command = [sys.executable, "-c", program]
    return process.start("sleeper", command, tmp_path / "log", cwd=tmp_path, environment=os.environ)


def test_a_process_is_stopped(tmp_path: Path) -> None:
    started = sleeper(tmp_path, "import time; time.sleep(600)")
    assert started.find() is not None
    assert started.stop(signal.SIGTERM)
    assert started.find() is None
    assert not started.stop(signal.SIGTERM)


def test_a_deaf_process_is_killed(tmp_path: Path) -> None:
    program = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    started = sleeper(tmp_path, program)
    process.await_ready(started, lambda: "deaf" in (tmp_path / "log").read_text(), patience=30)
    assert started.stop(signal.SIGTERM, patience=0.2)
    assert started.find() is None


def test_another_process_with_its_id_is_left_alone(tmp_path: Path) -> None:
    started = sleeper(tmp_path, "import time; time.sleep(600)")
    earlier = replace(started, started=started.started - 3600)
    assert earlier.find() is None
    assert not earlier.stop(signal.SIGKILL)
    assert psutil.pid_exists(started.pid)
    started.stop(signal.SIGKILL)


def test_a_server_that_ends_while_starting_is_told_with_its_last_line(tmp_path: Path) -> None:
    started = sleeper(tmp_path, "print('the disk is full')")
    with pytest.raises(RunFault, match="the disk is full"):
        process.await_ready(started, lambda: False, patience=30)


def test_a_program_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunFault, match="cannot start absent"):
        process.start("absent", [tmp_path / "absent"], tmp_path / "log", cwd=tmp_path, environment={})


def test_spark_settings_bound_what_avro_allocates(tmp_path: Path) -> None:
    values = spark.settings(
        spark.SparkPlace(tmp_path, buckets=3), [Path("/a.jar"), Path("/b.jar")], {"spark.ui.enabled": "true"}
    )
    for side in ("driver", "executor"):
        assert f"avro.limits.bytes.maxLength={MAX_BYTES}" in values[f"spark.{side}.extraJavaOptions"]
    assert values["spark.jars"] == "/a.jar,/b.jar"
    assert values["spark.sql.shuffle.partitions"] == "3"
    assert values["spark.executorEnv.POLARS_MAX_THREADS"] == "1"
    assert values["spark.ui.enabled"] == "true"
    assert "spark.driver.bindAddress" not in spark.settings(spark.SparkPlace(tmp_path, master="spark://h:7077"), [])


def test_a_second_setup_does_nothing() -> None:
    repository = Path(__file__).parents[2]
    done = subprocess.run(["make", "-s", "setup"], cwd=repository, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
