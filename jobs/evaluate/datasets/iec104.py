"""IEC 60870-5-104: stages of an attack, each of one technique; normal traffic with the site file that is learned from it."""

from collections.abc import Iterator
from pathlib import Path

from detectors.profiles.threat import Severity
from detectors.site import parse_site
from jobs.evaluate.datasets import captures
from jobs.evaluate.datasets.row import Row


def threat(folder: Path) -> Iterator[Row]:
    """Whether a stage raises the technique that its file name ends with; the site file knows another master."""
    site = parse_site({"iec104": {"masters": ["10.0.1.1"], "commands": []}}, "iec104_threat")
    for capture in sorted(folder.glob("stage_*.pcap")):
        technique = capture.stem.rpartition("_")[2]
        alerts = captures.run(captures.records(capture), site).alerts
        told = sorted(set(alerts["technique"].to_list())) if len(alerts) else []
        what = f"{capture.stem}: told {', '.join(told) or 'nothing'}"
        yield Row("iec104_threat", what, f"{technique} told", float(technique in told), "1", technique in told)


def normal(folder: Path) -> Iterator[Row]:
    """Alerts above severity low on normal captures, with a learned site file."""
    for capture in sorted(folder.glob("*.pcap")):
        found = captures.records(capture)
        alerts = captures.run(found, captures.learned(found)).alerts
        above = alerts.filter(alerts["severity_id"] > Severity.LOW.value) if len(alerts) else alerts
        named = f" ({', '.join(sorted(set(above['detector'].to_list())))})" if len(above) else ""
        what = f"{capture.stem}, {len(found)} records{named}"
        yield Row("iec104_normal", what, "alerts above low", len(above), "0", not len(above))
