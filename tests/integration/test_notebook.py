"""The triage notebook runs top to bottom on a small lake made by a command, for every kind of alert in it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import polars as pl
import pytest
from nbclient import NotebookClient

from ingest.lake import read_parquet
from ingest.source import Record
from tests.conftest import REPOSITORY

NOTEBOOK = REPOSITORY / "notebooks/incident_triage.ipynb"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("sample") / "lake"
    subprocess.run([sys.executable, "-m", "jobs.command", "sample-lake", str(root)], cwd=REPOSITORY, check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRIDWATCH_STORE__LAKE", str(root))
        yield root


def alerts(lake: Path) -> pl.DataFrame:
    return pl.concat(
        [pl.read_parquet(file, hive_partitioning=False) for file in sorted(lake.glob("alerts/**/*.parquet"))]
    )


def test_the_command_makes_a_lake_with_alerts_of_every_domain(lake: Path) -> None:
    found = alerts(lake)
    assert set(found["domain"]) == {"meter", "substation", "vehicle"}
    assert {"register_rollback", "rogue_master", "modbus_scan", "unauthorised_write", "position_jump"} <= set(
        found["detector"]
    )
    assert found["alert_id"].is_unique().all() and found["offsets"].list.len().min() == 1
    for file in lake.glob("telemetry/**/*.parquet"):
        assert all(isinstance(item, Record) for item in read_parquet(file))
    again = subprocess.run(
        [sys.executable, "-m", "jobs.command", "sample-lake", str(lake)], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert again.returncode == 2 and "not empty" in again.stderr


def test_as_the_readme_says(tmp_path: Path) -> None:
    """The two commands as they stand there, in a folder like a clone: with a relative path."""
    shutil.copytree(NOTEBOOK.parent, tmp_path / "notebooks", ignore=shutil.ignore_patterns("triage.ipynb"))
    environ = {name: value for name, value in os.environ.items() if name != "GRIDWATCH_STORE__LAKE"}
    environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    commands = [
        line
        for line in readme.splitlines()
        if line.startswith("gridwatch sample-lake var/sample") or " jupyter execute " in line
    ]
    assert len(commands) == 2
    for command in commands:
        subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=tmp_path, env=environ, check=True, timeout=240)
    assert (tmp_path / "notebooks" / "triage.ipynb").exists()


def execute(alert_id: str | None) -> tuple[str, int]:
    """Run the notebook; gives what it printed and how many pictures it drew."""
    notebook: Any = nbformat.read(NOTEBOOK, as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        if alert_id is not None:
            patch.setenv("GRIDWATCH_INCIDENT", alert_id)
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "".join(output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in outputs)
    return text, sum("image/png" in output.get("data", {}) for output in outputs)


@pytest.mark.parametrize(
    ("detector", "expected"),
    [
        (None, "talked for the first time: 2 (from 10.1.0.66)"),
        ("register_rollback", "records of meter = M-0017"),
        ("position_jump", "records of station ="),
    ],
)
def test_it_runs_top_to_bottom(detector: str | None, expected: str, lake: Path) -> None:
    found = alerts(lake)
    alert_id = None if detector is None else found.filter(pl.col("detector") == detector)["alert_id"][0]
    text, pictures = execute(alert_id)
    assert expected in text
    assert pictures == 4
    assert "0 records\n" not in text, "the evidence is in the lake"


def test_it_is_committed_without_outputs() -> None:
    notebook: Any = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None


def test_it_needs_neither_spark_nor_a_database() -> None:
    text = NOTEBOOK.read_text()
    assert not any(word in text for word in ("pyspark", "psycopg", os.sep + "root"))
