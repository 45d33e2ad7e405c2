"""What the detectors make of public CAN logs: attacks found frame by frame, normal drives quiet, whole and cut."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from detectors.catalog import DETECTORS
from detectors.engine import Outcome
from detectors.local import frame, make_engine
from detectors.site import Site, parse_site
from ingest.can import read_candump
from ingest.source import Record
from schemas.records import CAN_FRAME

#: The truck's J1939 bus and the car's bus run at these rates.
J1939 = parse_site({"can": {"bitrate": 250_000}}, "test")
NORMAL = {
    "can_crysys/S-1-1-benign.log.gz": Site(),
    "can_crysys/trace48_benign.csv.gz": Site(),
    "can_j1939/normal.log.gz": J1939,
}
EVERY = [d for d in DETECTORS if d.record is CAN_FRAME]


def can_frames(path: Path) -> pl.DataFrame:
    with gzip.open(path) as stream:
        items = [item for item in read_candump(stream, "vehicle", path.name) if isinstance(item, Record)]  # type: ignore[arg-type]
    return frame(CAN_FRAME, [item.fields for item in items], range(len(items)))


def run(site: Site, batch: pl.DataFrame) -> Outcome:
    return make_engine(CAN_FRAME.domain, EVERY, site).step({}, {CAN_FRAME.name: batch})


def flagged(outcome: Outcome, detector: str) -> set[int]:
    """Line numbers of the frames that took part in the detector's firings."""
    return set(outcome.flags.filter(pl.col("detector") == detector)["frames"].explode().to_list())


def figures(found: set[int], attack: set[int]) -> tuple[float, float]:
    """Recall and precision, frame by frame."""
    return len(found & attack) / len(attack), len(found & attack) / max(len(found), 1)


@pytest.mark.parametrize("name", NORMAL)
def test_normal_buses_are_quiet(shared_data: Path, name: str) -> None:
    frames = can_frames(shared_data / name)
    assert run(NORMAL[name], frames).alerts.is_empty()
    for begin in range(0, len(frames), len(frames) // 5):
        assert run(NORMAL[name], frames[begin:]).alerts.is_empty()


def test_a_flooded_truck(shared_data: Path) -> None:
    frames = can_frames(shared_data / "can_j1939/dos_1ms.log.gz")
    outcome = run(J1939, frames)
    flood = set(frames.filter(pl.col("can_id") == 0)["frames"].explode().to_list())
    recall, precision = figures(flagged(outcome, "can_flooding"), flood)
    assert recall > 0.99 and precision == 1.0
    assert outcome.alerts.filter(pl.col("detector") == "can_flooding").height == 1


def test_random_identifiers_on_a_truck(shared_data: Path) -> None:
    usual = set(can_frames(shared_data / "can_j1939/normal.log.gz")["can_id"])
    frames = can_frames(shared_data / "can_j1939/fuzz_1ms_ID_Only.log.gz")
    random = set(frames.filter(~pl.col("can_id").is_in(list(usual)))["frames"].explode().to_list())
    recall, precision = figures(flagged(run(J1939, frames), "can_fuzzing"), random)
    assert recall > 0.98 and precision > 0.99


def test_forged_torque_commands_on_a_truck(shared_data: Path) -> None:
    rows = pl.read_csv(shared_data / "can_j1939/labeled_TSC1.csv.gz", infer_schema_length=0)
    columns = ("timestamp", "can_id", "dlc", "data")
    records = [
        {
            "time": round(float(time) * 1e6),
            "vehicle": "vehicle",
            "channel": "can0",
            "can_id": int(can_id),
            "extended": True,
            "remote": False,
            "error": False,
            "dlc": int(dlc),
            "data": bytes.fromhex(data),
            "capture": "labeled_TSC1.csv",
            "frames": [number],
        }
        for number, (time, can_id, dlc, data) in enumerate(rows.select(columns).iter_rows())
    ]
    attack = set(rows.with_row_index().filter(pl.col("label") != "normal")["index"].to_list())
    outcome = run(J1939, frame(CAN_FRAME, records, range(len(records))))
    recall, precision = figures(flagged(outcome, "j1939_command"), attack)
    assert recall > 0.99 and precision == 1.0
    assert len(outcome.alerts) == 1
