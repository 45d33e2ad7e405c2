"""A car's bus with masquerade attacks (CrySyS, Sci Data 10, 903): frames that were modified in place, labelled frame by frame."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from detectors.site import Site
from jobs.evaluate.datasets import can_logs
from jobs.evaluate.datasets.row import Row, precision_recall

NAME: Final = "can_crysys"
#: What was published for the full set, message by message.
RECALL, PRECISION, FALSE_POSITIVE_RATE = 0.82, 0.79, 0.04


def crysys(folder: Path) -> Iterator[Row]:
    """Recall, precision and false positive rate over the messages of each attack; alerts on benign traces."""
    for path in sorted(folder.glob("*malicious*.log.gz")):
        batch, attack = can_logs.frames(path), modified(path)
        found = can_logs.flagged(can_logs.run(Site(), batch))
        precision, recall, _ = precision_recall(found, attack)
        wrong = len(found - attack) / max(len(can_logs.numbers(batch) - attack), 1)
        what = f"{path.name.removesuffix('.log.gz')}, {len(attack)} modified frames"
        published = "published for the full set"
        yield Row(NAME, what, "recall", recall, f"{published}: {RECALL:g}", recall >= RECALL)
        yield Row(NAME, what, "precision", precision, f"{published}: {PRECISION:g}", precision >= PRECISION)
        rate = f"{published}: {FALSE_POSITIVE_RATE:g}"
        yield Row(NAME, what, "false positive rate", wrong, rate, wrong <= FALSE_POSITIVE_RATE)
    for path in sorted(folder.glob("*benign*.gz")):
        batch = can_logs.frames(path)
        alerts = len(can_logs.run(Site(), batch).alerts)
        yield Row(NAME, f"{path.name.partition('.')[0]}, {len(batch)} frames", "alerts", alerts, "0", not alerts)


def modified(path: Path) -> set[int]:
    """Numbers of the lines whose first label, of the two that end it, says that the frame was modified, or the second that it was added."""
    with gzip.open(path, "rt", encoding="ascii") as lines:
        return {n for n, line in enumerate(lines, 1) if {"1", "True"} & set(line.split()[-2:])}
