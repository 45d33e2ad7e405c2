"""MMS between a client and a device (G-ICS Grenoble, BUT Brno): normal traffic, and the same with a scan put into it."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from detectors.profiles.threat import Severity
from detectors.site import Site
from ingest.source import Record
from ingest.tap.mms import SERVICES, UNCONFIRMED
from jobs.evaluate.datasets import captures
from jobs.evaluate.datasets.row import Row, precision_recall
from schemas.records import MMS
from schemas.records.mms import PDUS

#: The files have times of day alone.
DAY: Final = datetime(2019, 1, 7, tzinfo=UTC)


def records(path: Path) -> tuple[list[Record], set[int]]:
    """The messages of a file, and the line numbers of those that are labelled attack."""
    found, attack = [], set()
    with path.open(encoding="utf-8", newline="") as stream:
        for line, row in enumerate(csv.DictReader(stream, delimiter=";"), 2):
            found.append(_record(row, line))
            if (row.get("label") or "").strip() == "1":
                attack.add(line)
    return found, attack


def _record(row: dict[str, str], line: int) -> Record:
    hours, minutes, seconds = row["TimeStamp"].split(":")
    at = DAY + timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds))
    pdu, service = PDUS[int(row["MMS Type"])], row["MMS Service"]
    names = UNCONFIRMED if pdu == "unconfirmed" else SERVICES
    domains, items = (list(filter(None, row[name].split(","))) for name in ("Domain Id", "Item Id"))
    fields = {
        "time": int(at.timestamp() * 1e6),
        "site": captures.SITE,
        "source": row["srcIP"],
        "source_port": int(row["srcPort"]),
        "destination": row["dstIP"],
        "destination_port": int(row["dstPort"]),
        "pdu": pdu,
        "service": names.get(int(service), f"service {service}") if service else None,
        "invoke_id": int(row["Invoke Id"]) if row["Invoke Id"] else None,
        "object_class": int(row["Object Class"]) if row["Object Class"] else None,
        "objects": [f"{a}/{b}" for a, b in zip(domains, items, strict=False)] or None,
        "control": False,
        "frames": [line],
    }
    return Record(MMS, fields)


def gics(folder: Path) -> Iterator[Row]:
    """Requests of the scan that are flagged, and alerts above severity low on normal traffic; no site file."""
    site = Site(name=captures.SITE)
    for path in sorted(folder.glob("*.csv")):
        found, attack = records(path)
        outcome = captures.run(found, site)
        above = outcome.alerts
        above = above.filter(pl.col("severity_id") > Severity.LOW.value) if len(above) else above
        what = f"{path.name.partition('.')[0]}, {len(found)} messages"
        if not attack:
            yield Row("mms_gics", what, "alerts above low", len(above), "0", not len(above))
            continue
        told = (
            outcome.flags.filter(pl.col("alert_id").is_in(above["alert_id"].to_list())) if len(above) else outcome.flags
        )
        flagged = set(told["frames"].explode().drop_nulls().to_list()) if len(told) else set()
        requests = {record.fields["frames"][0] for record in found if record.fields["pdu"] == "confirmed_request"}
        _, recall, _ = precision_recall(flagged, attack & requests)
        yield Row(
            "mms_gics", f"{what}, {len(attack & requests)} requests of the scan", "recall", recall, "1", recall == 1.0
        )
        yield Row("mms_gics", what, "precision", precision_recall(flagged, attack)[0], "")
