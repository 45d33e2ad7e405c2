"""Labelled public data through the detectors. The folder holds one data set a folder, as its own publisher wrote it:

| folder | what is read |
|---|---|
| `modbus_lemay` | `*.pcap` and `*_labeled.csv` (`packet number;0/1`) |
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class Row:
    """One figure.

    Args:
        dataset: folder of the data set.
        what: file and attack.
        figure: recall, precision, F1, alerts, ...
        value: measured.
        wanted: what is wanted or what others published, in words.
        holds: whether the wanted figure is reached; None where none is wanted.
    """

    dataset: str
    what: str
    figure: str
    value: float
    wanted: str
    holds: bool | None = None


Measure = Callable[[Path], Iterator[Row]]
#: Folder -> what is measured on it.
DATASETS: Final[dict[str, Measure]] = {}


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
