"""A source that scanned sends commands or writes within a day.

Scanning and writing are told by the ATT&CK techniques of the alerts: discovery (T0840, T0846, T0888), then brute force I/O, changed
parameters, unauthorised commands or restarts (T0806, T0836, T0855, T0816). Blind spot: a scan from one address, commands from
another; a scan that took place more than `window_s` before; a scan that is told after the command. Source: Assante and Lee, The
Industrial Control System Cyber Kill Chain (SANS, 2015), stage 2: develop, test, deliver.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, Recent
from detectors.profiles import correlation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import ALERT

DISCOVERY = ("T0840", "T0846", "T0888")
CONTROL = ("T0806", "T0816", "T0836", "T0855")


@dataclass(frozen=True)
class Params:
    window_s: float = 86_400.0


BY = ("source",)
KNOWN = (pl.col("source") != "unknown").fill_null(False)
SCANS = Derived("scans", KNOWN & pl.col("technique").is_in(DISCOVERY))
WRITES = Derived("writes", KNOWN & pl.col("technique").is_in(CONTROL))
EITHER = Derived("scans or writes", KNOWN & pl.col("technique").is_in([*DISCOVERY, *CONTROL]))


def build(p: Params, site: Site) -> Firing:
    scans = CountWithin(BY, seconds=p.window_s, at_most=1000, where=SCANS)
    writes = CountWithin(BY, seconds=p.window_s, at_most=1000, where=WRITES)
    return Firing(
        when=WRITES.col & (scans.col >= 1),
        memories=(scans, writes),
        values={"scans": scans.col, "writes": writes.col, "hours": pl.lit(p.window_s / 3600)},
        trail=(Recent(BY, seconds=p.window_s, at_most=50, where=EITHER),),
    )


def _alert(time: float, technique: str, **fields: object) -> dict[str, object]:
    ends = {"source": "10.0.0.66", "destination": "10.0.0.20", "entity": "10.0.0.20"}
    return {"time": time, "alert_id": f"a{time:g}", "technique": technique, **ends, **fields}


DETECTOR = Detector(
    id="scan_then_write",
    version=1,
    threat=correlation.COR_03,
    record=ALERT,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    parties=Parties("source", "source", source="source", destination="entity"),
    dedup=("source",),
    episode_s=21_600.0,
    says="{source} scanned and now commands {entity}: {title}",
    observed="{scans} alerts of scanning, {writes} of commands or writes by it in {hours} h",
    expected="no command by a host that scanned",
    runbook=(
        "Take the source off the control network now.",
        "Read back outputs and set points of every device that it scanned.",
        "Ask engineering whether it is a test; if so, suppress the source until its end, with a reason.",
    ),
    tolerance="an alert that comes late counts at the clock of its source; a scan that is told after the command is not seen",
    examples=(
        fires_on(
            "device identification, an hour later writes",
            [_alert(0, "T0888"), _alert(3600, "T0855"), _alert(3700, "T0806")],
        ),
        quiet_on("commands without a scan, then a scan", [_alert(0, "T0855"), _alert(60, "T0846")]),
        quiet_on("another host scanned", [_alert(0, "T0888", source="10.0.0.7"), _alert(60, "T0855")]),
        quiet_on("nobody knows who", [_alert(0, "T0888", source="unknown"), _alert(60, "T0855", source="unknown")]),
        quiet_on("two days between", [_alert(0, "T0888"), _alert(172_800, "T0855")]),
    ),
)
