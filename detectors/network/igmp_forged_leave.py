"""Multicast leaves come from a port that never joined: somebody ends what others watch.

Fires where a port leaves far more often than it reports within minutes: who watches reports at least once for each leave, and
again with every query. Blind spot: fewer than `leaves_min` forged leaves; a forger who reports first; ports that lead to other
switches (`multicast.trunks` of the site file). A port is judged once its switch was seen for longer than the window. Source: threat
MC-01 of the catalogue; RFC 3376 section 9.3.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.grouping import TIME
from detectors.memory import CountWithin, Derived, Least, Recent
from detectors.multicast_members import JOIN, LEAVE, at_access_port
from detectors.profiles import multicast
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IGMP


@dataclass(frozen=True)
class Params:
    leaves_min: int = 5  # leaves of a port in the window beyond `reports_share` of its reports
    reports_share: float = 1.3  # above 1, since some reports are lost
    window_s: float = 300.0  # longer than a group's members are kept without a report (RFC 3376 section 8.4)


PORT = ("port",)
CLOCK = Derived("event time", pl.col(TIME).cast(pl.Float64))


def build(p: Params, site: Site) -> Firing:
    leaves, reports = CountWithin(PORT, p.window_s, 2000, LEAVE), CountWithin(PORT, p.window_s, 2000, JOIN)
    begun = Least(("switch",), CLOCK)
    watched = (CLOCK.col - begun.col > p.window_s * 1e6).fill_null(False)
    beyond = leaves.col >= p.leaves_min + p.reports_share * reports.col
    return Firing(
        when=LEAVE.col & watched & at_access_port(site) & beyond,
        memories=(leaves, reports, begun),
        values={"leaves": leaves.col, "reports": reports.col, "seconds": pl.lit(p.window_s)},
        trail=(Recent(PORT, p.window_s, 20, LEAVE),),
    )


def _igmp(time: float, kind: str, group: str | None, port: str = "ge-0/0/7") -> dict[str, object]:
    return {"time": time, "switch": "acc-3", "port": port, "source": "10.40.0.17", "type": kind, "group": group}


_QUERIES = [_igmp(125.0 * i, "general_query", None, "ge-0/0/48") for i in range(8)]
_FORGED = [_igmp(700.0 + i, "leave", f"239.1.1.{i}", "ge-0/0/9") for i in range(8)]


def _by_time(*records: dict[str, object]) -> list[dict[str, object]]:
    return sorted(records, key=lambda r: float(str(r["time"])))


DETECTOR = Detector(
    id="igmp_forged_leave",
    version=1,
    threat=multicast.MC_01,
    record=IGMP,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    parties=Parties("switch port", "port", source="source"),
    dedup=("switch", "port"),
    episode_s=900.0,
    says="port {port} of {switch} left groups {leaves} times in {seconds} s and reported {reports} times, the last left {group}",
    observed="{leaves} leaves, {reports} reports in {seconds} s",
    expected="a report for each leave",
    runbook=(
        "Find the host behind the port and block it.",
        "Turn on explicit tracking of members, so that a leave counts for its own port alone.",
        "Ask whether receivers of these groups lost their stream.",
    ),
    tolerance="a late message counts at the clock of its port; one later than the window is not counted",
    examples=(
        fires_on("leaves of eight groups from a port that joined none", _by_time(*_QUERIES, *_FORGED)),
        quiet_on(
            "zapping: each channel is joined, and left twice to be sure",
            _by_time(
                *_QUERIES,
                *(
                    _igmp(400.0 + 2.0 * i + t, k, f"239.1.1.{i}")
                    for i in range(40)
                    for t, k in ((0, "report"), (0.1, "report"), (1.9, "leave"), (1.95, "leave"))
                ),
            ),
        ),
        quiet_on("at the start nobody knows who joined", [_igmp(5.0 + i, "leave", f"239.1.1.{i}") for i in range(20)]),
    ),
)
