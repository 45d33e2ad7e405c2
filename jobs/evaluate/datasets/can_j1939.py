"""SAE J1939 of a truck (SystemsCyber): a flood, random identifiers, forged torque commands, and normal traffic."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import polars as pl

from detectors.local import frame
from detectors.site import parse_site
from jobs.evaluate.datasets import can_logs
from jobs.evaluate.datasets.row import Row, precision_recall
from schemas.records import CAN_FRAME

NAME: Final = "can_j1939"
#: The bus runs at this rate.
SITE: Final = parse_site({"can": {"bitrate": 250_000}}, NAME)
#: Log -> detector that must find its attack, recall and precision wanted.
WANTED: Final = {
    "dos_1ms.log.gz": ("can_flooding", 0.99, 1.0),
    "fuzz_1ms_ID_Only.log.gz": ("can_fuzzing", 0.98, 0.99),
    "labeled_TSC1.csv.gz": ("j1939_command", 0.99, 1.0),
}


def j1939(folder: Path) -> Iterator[Row]:
    """Recall and precision frame by frame of each attack, by the detector that it is for; alerts on normal traffic."""
    for name, (detector, recall, precision) in WANTED.items():
        if not (folder / name).exists():
            continue
        batch, attack = attacked(folder / name)
        found = can_logs.flagged(can_logs.run(SITE, batch), detector)
        precise, recalled, _ = precision_recall(found, attack)
        what = f"{name.partition('.')[0]}, {detector}, {len(attack)} frames of the attack"
        yield Row(NAME, what, "recall", recalled, f"at least {recall:g}", recalled >= recall)
        yield Row(NAME, what, "precision", precise, f"at least {precision:g}", precise >= precision)
    if (folder / "normal.log.gz").exists():
        batch = can_logs.frames(folder / "normal.log.gz")
        alerts = len(can_logs.run(SITE, batch).alerts)
        yield Row(NAME, f"normal, {len(batch)} frames", "alerts", alerts, "0", not alerts)


def attacked(path: Path) -> tuple[pl.DataFrame, set[int]]:
    """The frames of a log with an attack, and the numbers of those that are it.

    The labels of `labeled_TSC1.csv.gz` say so themselves. The flood has identifier 0; the fuzzer's identifiers are those that the normal
    log beside it does not have.
    """
    if path.name.endswith(".csv.gz"):
        return _labelled(path)
    batch = can_logs.frames(path)
    if path.name.startswith("dos"):
        return batch, can_logs.numbers(batch.filter(pl.col("can_id") == 0))
    usual = can_logs.frames(path.with_name("normal.log.gz"))["can_id"].unique()
    return batch, can_logs.numbers(batch.filter(~pl.col("can_id").is_in(usual.implode())))


def _labelled(path: Path) -> tuple[pl.DataFrame, set[int]]:
    rows = pl.read_csv(path, infer_schema_length=0)
    fixed: dict[str, Any] = {"vehicle": "vehicle", "channel": "can0", "extended": True, "remote": False, "error": False}
    records = [
        {
            **fixed,
            "time": round(float(time) * 1e6),
            "can_id": int(can_id),
            "dlc": int(dlc),
            "data": bytes.fromhex(data),
            "capture": path.name,
            "frames": [number],
        }
        for number, (time, can_id, dlc, data) in enumerate(
            rows.select("timestamp", "can_id", "dlc", "data").iter_rows()
        )
    ]
    attack = rows.with_row_index().filter(pl.col("label") != "normal")["index"].to_list()
    return frame(CAN_FRAME, records, range(len(records))), set(attack)
