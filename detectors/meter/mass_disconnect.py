"""Many meters disconnected within minutes, or several without a work order.

Counts different meters, so repeats to one meter are one. A command counts whatever its result: a refused disconnect is
an attempt. Blind spot: an attacker who stays under the counts, or who forges work orders and stays under
`operator_min`; a planned bulk disconnect fires unless the site file raises the counts. Source: threat SG-01 of the
catalogue (NESCOR failure scenario AMI.1; ITU-T X.1332, abuse of load control functions).
"""

from dataclasses import dataclass

import polars as pl

from detectors.announced_work import WITHOUT_ORDER
from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Derived, DistinctWithin, Recent
from detectors.profiles import smart_grid_ami
from detectors.profiles.threat import Severity
from detectors.reasons import reasons
from detectors.site import Site
from schemas.records import HEADEND_COMMAND


@dataclass(frozen=True)
class Params:
    window_s: float = 600.0
    operator_min: int = 20  # meters of one operator: fires above
    headend_min: int = 50  # meters of one head-end, all operators together: fires above
    feeder_share: float = 0.05  # of the meters of a feeder, where the site file gives their number: fires above
    feeder_min: int = 3  # meters of a feeder from which its share counts
    bare_min: int = 3  # meters of one operator from which the share without a work order counts
    bare_share: float = 0.5  # of an operator's disconnects without a work order: fires above


DISCONNECT = Derived("disconnect", pl.col("command") == "disconnect")
BARE = Derived("disconnect without work order", (pl.col("command") == "disconnect") & WITHOUT_ORDER)


def build(p: Params, site: Site) -> Firing:
    most = 2 * max(p.operator_min, p.headend_min, 500)

    def meters(by: tuple[str, ...], where: Derived) -> DistinctWithin:
        return DistinctWithin(by, seconds=p.window_s, at_most=most, value="meter", where=where)

    operator, bare = meters(("operator",), DISCONNECT), meters(("operator",), BARE)
    headend, feeder = meters(("headend",), DISCONNECT), meters(("feeder",), DISCONNECT)
    took_part = Recent(("operator",), seconds=p.window_s, at_most=50, where=DISCONNECT)
    feeders = site.meters.feeders or {}
    # A feeder that is absent or not in the site file has no known number of meters: its share is not judged.
    size = pl.col("feeder").replace_strict(list(feeders), list(feeders.values()), default=None, return_dtype=pl.Float64)
    share = (feeder.col / size).fill_null(0.0)
    without = bare.col / operator.col
    unordered = (operator.col >= p.bare_min) & (without > p.bare_share)
    of_feeder = (feeder.col >= p.feeder_min) & (share > p.feeder_share)
    fires, why = reasons(
        (operator.col > p.operator_min, pl.format("{} meters by this operator", operator.col)),
        (unordered, pl.format("{} of {} meters of this operator without a work order", bare.col, operator.col)),
        (headend.col > p.headend_min, pl.format("{} meters by all operators together", headend.col)),
        (of_feeder, pl.format("{} meters of one feeder, {} % of it", feeder.col, (100 * share).round(1))),
    )
    return Firing(
        when=DISCONNECT.col & fires,
        memories=(operator, bare, headend, feeder),
        values={"why": why, "window": pl.lit(p.window_s), "most": pl.lit(p.operator_min), "all": pl.lit(p.headend_min)},
        trail=(took_part,),
    )


def _disconnects(number: int, every_s: float, **fields: object) -> list[dict[str, object]]:
    return [
        {
            "time": i * every_s,
            "headend": "H1",
            "operator": "eve",
            "meter": f"M{i}",
            "command": "disconnect",
            "work_order": f"W{i}",
            **fields,
        }
        for i in range(number)
    ]


DETECTOR = Detector(
    id="mass_disconnect",
    version=2,
    threat=smart_grid_ami.SG_01,
    record=HEADEND_COMMAND,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    parties=Parties("headend", "headend", source="operator", destination="headend"),
    dedup=("headend", "operator"),
    episode_s=3600.0,
    says="{operator} on {host} disconnects meters by {headend}: {why} in {window} s",
    observed="{why} in {window} s",
    expected="at most {most} meters of one operator and {all} of all, most with a work order, few of one feeder",
    runbook=(
        "Freeze the disconnect queue of the head-end and revoke the operator's session.",
        "Ask the operator by telephone whether it was a planned bulk disconnect; compare with billing's work orders.",
        "Reconnect in staged blocks after two people approve; watch the feeders' load while doing so.",
    ),
    tolerance="a late command counts at the head-end's clock; one later than the window is not counted",
    examples=(
        fires_on("200 disconnects in five minutes, each with a work order", _disconnects(200, 1.5)),
        fires_on("three disconnects without a work order", _disconnects(3, 60, work_order=None)),
        fires_on(
            "a tenth of a small feeder",
            _disconnects(4, 60, feeder="F7"),
            site={"meters": {"feeders": {"F7": 40, "F8": 900}}},
        ),
        quiet_on(
            "move-outs over a morning, one of them twice, beside reads",
            [
                *_disconnects(12, 900),
                {"time": 11_000, "headend": "H1", "operator": "eve", "meter": "M11", "command": "disconnect"},
                *(
                    {"time": 11_000 + i, "headend": "H1", "operator": "eve", "meter": f"R{i}", "command": "read"}
                    for i in range(60)
                ),
            ],
        ),
        quiet_on(
            "three of a large feeder",
            _disconnects(3, 60, feeder="F8"),
            site={"meters": {"feeders": {"F7": 40, "F8": 900}}},
        ),
    ),
)
