"""Modbus: scans of a SCADA bench (Lemay and Fernandez, CSET 2016), labelled packet by packet."""

import csv
from collections.abc import Iterator
from pathlib import Path

from detectors.site import parse_site
from jobs.evaluate.datasets import captures
from jobs.evaluate.datasets.row import Row, precision_recall

#: The one legitimate master of the bench.
MASTER = "192.168.1.100"


def lemay(folder: Path) -> Iterator[Row]:
    """Recall and precision over the Modbus frames of each capture."""
    site = parse_site({"name": captures.SITE, "modbus": {"masters": [MASTER]}}, "modbus_lemay")
    for labels in sorted(folder.glob("*_labeled.csv")):
        capture = labels.with_name(labels.name.replace("_labeled.csv", ".pcap"))
        if not capture.exists():
            continue
        found = [record for record in captures.records(capture) if record.schema.name == "modbus"]
        seen = {number for record in found for number in record.fields["frames"]}
        with labels.open(newline="") as stream:
            attack = {int(row[0]) for row in csv.reader(stream, delimiter=";") if row[0].isdigit() and row[1] == "1"}
        flags = captures.run(found, site).flags
        flagged = set(flags["frames"].explode().to_list()) if len(flags) else set()
        name = capture.stem
        if not attack & seen:
            yield Row(
                "modbus_lemay", f"{name}: no Modbus frame is attack", "flagged frames", len(flagged), "0", not flagged
            )
            continue
        precision, recall, _ = precision_recall(flagged, attack & seen)
        what = f"{name}: {len(attack & seen)} Modbus frames of the attack"
        yield Row("modbus_lemay", what, "recall", recall, "1 (traffic without the master)", recall == 1.0)
        yield Row("modbus_lemay", what, "precision", precision, "1", precision == 1.0)
