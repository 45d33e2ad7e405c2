"""Labelled public data through the detectors. The folder holds one data set a folder, as its own publisher wrote it.

| folder | what is read |
|---|---|
| `modbus_lemay` | `*.pcap` and `*_labeled.csv` (`packet number;0/1`); the master is 192.168.1.100 |
| `iec104_threat` | `stage_*_T*.pcap`: the file name ends with the technique |
| `dnp3_qut2017` | `*.attacker_view.pcap` and `*.attack_log.txt` (START and END of each attack, UTC+10); the master is 192.168.10.221 |
| `mms_gics` | `*.csv` of an IPFIX probe; column `label` where an attack is in it |
| `goose_zss` | `dev/*.goose_sv.csv`: rows whose `Label` begins with 8 are attack |
| `iec104_normal` | `*.pcap`: a site file is learned from each, and then nothing above severity low may be told |
| `can_j1939` | `dos_1ms`, `fuzz_1ms_ID_Only` and `normal` `.log.gz`, `labeled_TSC1.csv.gz` (column `label`) |
| `can_crysys` | `*malicious*.log.gz`: two labels end each line, modified and added; `*benign*.gz` |
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from jobs.evaluate.datasets import can_crysys, can_j1939, dnp3, goose, iec104, mms, modbus
from jobs.evaluate.datasets.row import Measure, Row

#: Folder -> what is measured on it.
DATASETS: Final[dict[str, Measure]] = {
    "modbus_lemay": modbus.lemay,
    "dnp3_qut2017": dnp3.qut,
    "mms_gics": mms.gics,
    "goose_zss": goose.zss,
    "iec104_threat": iec104.threat,
    "iec104_normal": iec104.normal,
    "can_j1939": can_j1939.j1939,
    "can_crysys": can_crysys.crysys,
}


def measure(folder: Path, say: Callable[[str], None]) -> list[Row]:
    """Measure every data set that is there; `say` takes a line for each row and for what is absent."""
    rows: list[Row] = []
    for name, work in DATASETS.items():
        if not (folder / name).is_dir():
            say(f"data: no {name} in {folder}")
            continue
        for row in work(folder / name):
            say(f"data: {row.dataset}: {row.what}: {row.figure} {row.value:.4g} ({row.wanted})")
            rows.append(row)
    return rows
