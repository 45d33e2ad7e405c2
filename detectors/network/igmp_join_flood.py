"""A port joins far more multicast groups than it leaves: the tables of the switch fill up.

Counts different groups joined less those left within a minute, so that zapping between channels, which leaves one for each that it
joins, does not count; above `churn_max` joined groups even that is too much. Blind spot: a flood slower than the window; ports that
lead to other switches, which the site file must name (`multicast.trunks`) and which are not judged. Source: threat MC-01 of
the catalogue; RFC 3376 section 9.2; RFC 5294.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Derived, DistinctWithin, Recent
from detectors.multicast_members import JOIN, LEAVE, at_access_port
from detectors.profiles import multicast
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IGMP


@dataclass(frozen=True)
class Params:
    groups_max: int = 50  # joined less left in the window: fires above
    churn_max: int = 150  # joined in the window, left or not: fires above
    window_s: float = 60.0


PORT = ("port",)


def build(p: Params, site: Site) -> Firing:
    def groups(where: Derived) -> DistinctWithin:
        return DistinctWithin(PORT, p.window_s, 4 * max(p.churn_max, p.groups_max), "group", where)

    joined, left = groups(JOIN), groups(LEAVE)
    many = (joined.col.cast(pl.Int64) - left.col > p.groups_max) | (joined.col > p.churn_max)
    return Firing(
        when=JOIN.col & many & at_access_port(site),
        memories=(joined, left),
        values={"joined": joined.col, "left": left.col, "most": pl.lit(p.groups_max), "seconds": pl.lit(p.window_s)},
        trail=(Recent(PORT, p.window_s, 50, JOIN),),
    )


def _igmp(time: float, kind: str, group: int, port: str = "ge-0/0/7") -> dict[str, object]:
    address = f"239.1.{group // 256}.{group % 256}"
    return {"time": time, "switch": "acc-3", "port": port, "source": "10.40.0.17", "type": kind, "group": address}


_ZAPPING = [
    _igmp(0.7 * i + delay, kind, i + shift)
    for i in range(140)
    for delay, kind, shift in ((0.0, "leave", 0), (0.1, "report", 1))
]

DETECTOR = Detector(
    id="igmp_join_flood",
    version=1,
    threat=multicast.MC_01,
    record=IGMP,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    parties=Parties("switch port", "port", source="source"),
    dedup=("switch", "port"),
    episode_s=900.0,
    says="port {port} of {switch} joined {joined} groups in {seconds} s and left {left}",
    observed="{joined} groups joined, {left} left in {seconds} s",
    expected="at most {most} more joined than left",
    runbook=(
        "Shut or rate-limit the port; set a limit of groups a port.",
        "Look at the switch's group table: a full one floods or drops other groups.",
        "Check GOOSE and PMU multicast on the same switch: they share the tables.",
    ),
    tolerance="a late report counts at the clock of its port; one later than the window is not counted",
    examples=(
        fires_on("300 groups in ten seconds", [_igmp(i / 30, "report", i) for i in range(300)]),
        fires_on(
            "joined and left at once",
            [_igmp(0.1 * i + 0.05 * j, k, i) for i in range(300) for j, k in enumerate(("report", "leave"))],
        ),
        quiet_on("zapping through 140 channels", _ZAPPING),
        quiet_on(
            "five boxes answer a query again and again",
            [_igmp(125.0 * i + j, "report", j) for i in range(5) for j in range(20)],
        ),
        quiet_on(
            "a port to another switch, as the site file says",
            [_igmp(i / 30, "report", i, "ge-0/0/48") for i in range(300)],
            site={"multicast": {"trunks": [{"switch": "acc-3", "port": "ge-0/0/48"}]}},
        ),
    ),
)
