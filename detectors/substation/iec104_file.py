"""A file is transferred over IEC 60870-5-104 between hosts, or from an object, that the site file does not list.

Fires on every file transfer ASDU (types 120 to 127) that no entry of `iec104.files` covers. Disturbance records are
fetched every day at some sites, so it needs the list. Blind spot: what a listed file holds. Source: threat SG-21 of the
catalogue; IEC 60870-5-101 clause 7.4.11 (file transfer); published traces of IEC 104 injection (types 120 to 125 on an
object that is never used).
"""

from dataclasses import dataclass
from functools import reduce

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Row, fires_on, quiet_on
from detectors.facts.substation import FileTransfer
from detectors.iec104 import said
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    pass


def build(p: Params, site: Site) -> Firing:
    listed = reduce(lambda a, b: a | b, map(_covers, site.iec104.files or ()), pl.lit(False))
    return Firing(
        when=said(pl.col("type_id").is_between(120, 127)) & ~listed,
        values={"place": pl.format("object {}", "object_address").fill_null("an object that was not decoded")},
    )


def _covers(entry: FileTransfer) -> pl.Expr:
    there = (pl.col("source") == entry.master) & (pl.col("destination") == entry.outstation)
    back = (pl.col("source") == entry.outstation) & (pl.col("destination") == entry.master)
    if entry.objects is None:
        return there | back
    return (there | back) & said(pl.col("object_address").is_in(entry.objects))


def _segment(type_id: int = 122, **fields: object) -> dict[str, object]:
    ends = {"source": "10.0.0.1", "destination": "10.0.0.20", "format": "I", "common_address": 3}
    return {"time": 0, **ends, "type_id": type_id, "cause": 13, "object_address": 100, **fields}


_SITE = {"iec104": {"files": [{"master": "10.0.0.1", "outstation": "10.0.0.20", "objects": [100]}]}}

DETECTOR = Detector(
    id="iec104_file",
    version=1,
    threat=smart_grid_substation.SG_21,
    record=IEC104,
    kind=Row(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    parties=Parties("station", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=900.0,
    says="{source} transfers a file with {destination} ({place}), which the site file does not list",
    observed="type {type_id}, cause {cause}, {place}",
    expected="file transfer of iec104.files in the site file",
    runbook=(
        "Ask engineering whether a file was fetched or loaded; keep the capture, it holds the file.",
        "Compare settings and firmware of the station with the store.",
        "Add planned file transfer to the site file under iec104.files.",
    ),
    needs=("iec104.files",),
    tolerance="none needed: each record is judged alone",
    examples=(
        fires_on("an object that is never used", [_segment(object_address=65_537)], site=_SITE),
        fires_on("another host", [_segment(source="10.0.0.66")], site=_SITE),
        quiet_on(
            "the disturbance record, and its segments; a command",
            [
                _segment(),
                _segment(125, source="10.0.0.20", destination="10.0.0.1"),
                _segment(45, cause=6, object_address=4001),
            ],
            site=_SITE,
        ),
    ),
)
