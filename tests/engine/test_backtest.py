"""Backtests over a small lake: the same alerts as the stream raised, fewer with a wider limit, and what is asked wrong."""

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from detectors.site import Site, parse_site
from jobs.backtest import backtest
from jobs.command.root import run
from jobs.sample_lake import SITE, make_sample_lake
from schemas.errors import ConfigFault, RunFault, UsageFault

END = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lake") / "lake"
    make_sample_lake(root, END)
    return root


def quiet(_: str) -> None:
    """Nothing is said."""


def test_it_raises_what_was_raised(lake: Path) -> None:
    told = pl.read_parquet(lake / "alerts" / "**" / "*.parquet")
    site = parse_site(SITE, "test")
    for detector in ("position_jump", "rogue_master", "register_rollback", "modbus_scan"):
        result = backtest(lake, detector, 30, {}, site, quiet)
        own = told.filter(pl.col("detector") == detector)
        assert sum(result.now.alerts.values()) == len(own) > 0
        assert set(result.now.entities) == set(own["entity"])
        assert result.changed is None


def test_a_changed_parameter_is_set_beside(lake: Path) -> None:
    result = backtest(lake, "position_jump", 30, {"v_max_ms": 1e6}, Site(), quiet).as_json()
    assert result["now"]["alerts"] > 0
    assert result["changed"]["alerts"] == 0
    assert sum(result["records"].values()) == 3000


@pytest.mark.parametrize(
    ("detector", "changes", "fault", "says"),
    [
        ("position_jmp", {}, UsageFault, "position_jump"),
        ("position_jump", {"speed": 3}, UsageFault, "speed"),
        ("rogue_master", {}, ConfigFault, "modbus.masters"),
        ("cam_flooding", {"burst_s": "x"}, UsageFault, "burst_s"),
        ("can_flooding", {}, RunFault, "can_frame"),
    ],
)
def test_what_cannot_be_run_is_told(
    lake: Path, detector: str, changes: dict[str, float], fault: type[Exception], says: str
) -> None:
    with pytest.raises(fault, match=says):
        backtest(lake, detector, 30, changes, Site(), quiet)


def test_the_command(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["backtest", "position_jump", "--lake", str(lake), "--days", "7"]
    assert run([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["now"]["alerts"] > 0
    assert run([*words, "--set", "v_max_ms=1000000.0"]) == 0
    out = capsys.readouterr().out
    assert "now: " in out and "changed: 0 alerts" in out
    assert run(["backtest", "position_jump", "--lake", str(lake / "none")]) == 3
