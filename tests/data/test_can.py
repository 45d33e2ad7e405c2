"""What the detectors make of public CAN logs: attacks found frame by frame, normal drives quiet, whole and cut."""

from pathlib import Path

import pytest

from detectors.site import Site
from jobs.evaluate.datasets import can_crysys, can_j1939, can_logs
from jobs.evaluate.datasets.row import Row

NORMAL = {
    "can_crysys/S-1-1-benign.log.gz": Site(),
    "can_crysys/trace48_benign.csv.gz": Site(),
    "can_j1939/normal.log.gz": can_j1939.SITE,
}


@pytest.mark.parametrize("name", NORMAL)
def test_normal_buses_are_quiet_wherever_a_log_begins(shared_data: Path, name: str) -> None:
    frames = can_logs.frames(shared_data / name)
    for begin in range(0, len(frames), len(frames) // 5):
        assert can_logs.run(NORMAL[name], frames[begin:]).alerts.is_empty()


def held(rows: list[Row], figure: str) -> list[Row]:
    """Rows of a figure, all of which must hold."""
    assert [row for row in rows if not row.holds] == []
    return [row for row in rows if row.figure == figure]


def test_attacks_on_a_truck_are_found_and_its_normal_bus_is_quiet(shared_data: Path) -> None:
    rows = list(can_j1939.j1939(shared_data / "can_j1939"))
    assert len(held(rows, "recall")) == len(can_j1939.WANTED)
    assert len(held(rows, "alerts")) == 1


@pytest.mark.parametrize("name", ["dos_1ms.log.gz", "labeled_TSC1.csv.gz"])
def test_an_attack_on_a_truck_is_one_alert(shared_data: Path, name: str) -> None:
    frames, _ = can_j1939.attacked(shared_data / "can_j1939" / name)
    alerts = can_logs.run(can_j1939.SITE, frames).alerts
    assert alerts["detector"].to_list().count(can_j1939.WANTED[name][0]) == 1


def test_a_forged_speed_is_found_as_published_and_benign_drives_are_quiet(shared_data: Path) -> None:
    rows = list(can_crysys.crysys(shared_data / "can_crysys"))
    assert min(row.value for row in held(rows, "recall")) >= 0.82
    assert len(held(rows, "alerts")) == 2
