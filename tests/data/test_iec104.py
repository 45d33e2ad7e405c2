"""IEC 60870-5-104 on public data: every stage of an attack raises its technique, normal traffic nothing above severity low."""

import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from detectors.catalog import DETECTORS
from detectors.local import frame, make_engine
from detectors.profiles.threat import Severity
from detectors.site import Site, parse_site
from ingest.source import Record
from ingest.tap import read_capture
from schemas.records import IEC104

STAGES = ("stage_1_T0888", "stage_2_T0801", "stage_5_T0806", "stage_7_T0855")
NORMAL = ("090813_diverse", "JavaRMI_and_IEC_Misc", "TestDissectIec104", "iec104")
OWN = [detector for detector in DETECTORS if detector.record is IEC104]
#: Commands, set-points and parameters; a site file lists those that are normal.
COMMANDS = (*range(45, 70), *range(110, 114))


def of_capture(path: Path) -> list[dict[str, Any]]:
    return [item.fields for item in read_capture(path, "bench") if isinstance(item, Record)]


def alerts(records: list[dict[str, Any]], site: Site) -> pl.DataFrame:
    engine = make_engine(IEC104.domain, OWN, site)
    return engine.step({}, {IEC104.name: frame(IEC104, records, range(len(records)))}, flags=False).alerts


def normal_site(records: list[dict[str, Any]]) -> Site:
    """What a site file says of traffic that is normal: who is master and outstation, who commands what and fetches files."""
    asks = {r["source"] for r in records if r.get("destination_port") == 2404}
    told = {
        (r["source"], r["common_address"], r["object_address"], r["type_id"])
        for r in records
        if r.get("type_id") in COMMANDS and r["cause"] == 6
    }
    files = {(r["source"], r["destination"]) for r in records if (r.get("type_id") or 0) >= 120}
    entries = [dict(zip(("source", "common_address", "object_address", "type_id"), row, strict=True)) for row in told]
    facts = {
        "masters": sorted(asks),
        "outstations": sorted({r["source"] for r in records if 1 <= (r.get("type_id") or 0) <= 40}),
        "commands": entries,
        "files": [{"master": a, "outstation": b} for a, b in files],
    }
    return parse_site({"name": "bench", "iec104": facts}, "test")


@pytest.mark.parametrize("known", [False, True], ids=["no site file", "another master is known"])
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_raises_its_technique(shared_data: Path, stage: str, known: bool) -> None:
    facts = {"iec104": {"masters": ["10.0.1.1"], "commands": []}} if known else {}
    found = alerts(of_capture(shared_data / f"iec104_threat/{stage}.pcap"), parse_site(facts, "test"))
    assert stage.rpartition("_")[2] in found["technique"].to_list()


@pytest.mark.parametrize("name", NORMAL)
def test_normal_captures_are_quiet(shared_data: Path, name: str) -> None:
    records = of_capture(shared_data / f"iec104_normal/{name}.pcap")
    found = alerts(records, normal_site(records))
    assert not len(found) or found["severity_id"].max() <= Severity.LOW.value, found.select("detector", "title").rows()


@pytest.mark.parametrize("name", ["iec104-ioa.csv", "mega104-14-12-18.csv.gz"])
def test_normal_flow_records_are_quiet(shared_data: Path, name: str) -> None:
    records = list(of_flows(shared_data / "iec104_normal" / name))
    assert len(records) > 100
    found = alerts(records, normal_site(records))
    assert not len(found) or found["severity_id"].max() <= Severity.LOW.value, found.select("detector", "title").rows()


FORMATS = {0: "I", 1: "S", 3: "U"}
CONTROLS = {0x04: "STARTDT act", 0x08: "STARTDT con", 0x10: "TESTFR act", 0x20: "TESTFR con"}


def of_flows(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of an IPFIX probe with an IEC 104 plug-in: times without date, no numbers, no values."""
    opened = gzip.open(path, "rt") if path.suffix == ".gz" else path.open()  # noqa: SIM115  # closed below
    day, before = datetime(2018, 12, 14, tzinfo=UTC), timedelta(0)
    with opened as stream:
        for line, row in enumerate(csv.DictReader(stream, delimiter=";"), 2):
            hours, minutes, seconds = row["TimeStamp"].split(":")
            at = timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds))
            if at < before - timedelta(hours=12):
                day += timedelta(days=1)
            before = at
            number = {name: int(row[name]) for name in ("asduType", "cot", "oa", "addr") if row.get(name)}
            form = FORMATS[int(row["fmt"], 16)]
            fields = {
                "time": int((day + at).timestamp() * 1e6),
                "site": "bench",
                "source": row["srcIP"],
                "source_port": int(row["srcPort"]),
                "destination": row["dstIP"],
                "destination_port": int(row["dstPort"]),
                "format": form,
                "control": CONTROLS.get(int(row["uType"], 16)) if form == "U" else None,
                "type_id": number.get("asduType"),
                "cause": number.get("cot"),
                "originator": number.get("oa"),
                "common_address": number.get("addr"),
                "frames": [line],
            }
            for address in (row.get("ioa") or "").split(","):
                yield {**fields, "object_address": int(address) if address else None}


def test_a_normal_station_of_types_and_intervals_is_quiet(shared_data: Path) -> None:
    """Rows of type, object and time only; what is not known is null."""
    path = shared_data / "iec104_normal/x00pavel_mega104-17-12-18.csv.gz"
    with gzip.open(path, "rt") as stream:
        rows = list(csv.DictReader(stream))
    records = [
        {
            "time": 1_545_000_000_000_000 + round(float(row["relative_time_stamp"]) * 1e6),
            "site": "bench",
            "source": f"10.0.0.{row['src']}",
            "source_port": 2404 if row["src"] == "1" else 40_000,
            "destination": f"10.0.0.{row['dst']}",
            "destination_port": 40_000 if row["src"] == "1" else 2404,
            "format": "I",
            "type_id": int(row["type_id"]),
            "object_address": int(row["io_type"]),
            "frames": [line],
        }
        for line, row in enumerate(rows, 2)
    ]
    site = parse_site({"iec104": {"masters": ["10.0.0.0"], "outstations": ["10.0.0.1"]}}, "test")
    found = alerts(records, site)
    assert not len(found) or found["severity_id"].max() <= Severity.LOW.value, found.select("detector", "title").rows()
