"""A sensor node gains many children within minutes by a rank that its place in the tree does not allow.

Who advertises a rank must have chosen a parent of a lower one and stand at least `rank_step` above it (RFC 6550 section 3.5). A
node's rank is false where it says less than that twice in a row (hops, where ranks are not told), or where its rank falls while
its parent's and the link to it stay as they were. A node whose children say less than its own honest rank allows has told them
another one. It fires where more than `children_max` nodes came to that node within the window, and a good part of all that
changed their parent.

Blind spot: false ranks that fit those of their parents; a node without reports whose children are consistent. Networks that do
not report routes. Source: threat USN-01 of the catalogue; RFC 7416 (sinkhole attacks); ITU-T X.1313 clause 7.2.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.grouping import TIME
from detectors.memory import DistinctWithin, Recent
from detectors.memory.recent import REFERENCE
from detectors.profiles import sensor_network
from detectors.profiles.threat import Severity
from detectors.ranks import PARENT, of_parent, ranks
from detectors.site import Site
from schemas.records import SENSOR_ROUTE


@dataclass(frozen=True)
class Params:
    children_max: int = 5  # that came within the window: fires above
    share_min: float = 0.33  # of the nodes of the network that changed their parent within the window
    window_s: float = 1800.0
    rank_step: int = 256  # MinHopRankIncrease of the network
    stale_s: float = 1800.0  # reports of the parent that are older are not compared
    link_share: float = 0.1  # by which the transmissions to the parent must fall to explain a better rank


def build(p: Params, site: Site) -> Firing:
    told = ranks(p.rank_step, p.stale_s, p.link_share)
    came = DistinctWithin(PARENT, p.window_s, 10 * p.children_max + 10, "node", told.changed)
    all_changed = DistinctWithin(("network",), p.window_s, 20 * p.children_max + 20, "node", told.changed)
    below_it = DistinctWithin(PARENT, p.window_s, 10 * p.children_max + 10, "node", told.below)
    lies = of_parent(told.false)
    recent = (pl.col(TIME) - told.time.col <= p.window_s * 1e6).fill_null(False)
    many = (came.col > p.children_max) & (came.col >= p.share_min * all_changed.col)
    own, told_others = recent & lies.col.fill_null(False), below_it.col > p.children_max
    why = (
        pl.when(own)
        .then(pl.format("says rank {} to the network", told.rank.col.cast(pl.String).fill_null("and hops")))
        .otherwise(pl.format("has {} children whose ranks are below what its own allows", below_it.col))
    )
    return Firing(
        when=pl.col("parent").is_not_null() & many & (own | told_others),
        memories=(told.rank, told.time, came, all_changed, below_it, lies),
        values={"came": came.col, "minutes": pl.lit(p.window_s / 60), "why": why, "most": pl.lit(p.children_max)},
        trail=(Recent(PARENT, p.window_s, 20, told.changed), of_parent(REFERENCE)),
    )


def _route(time: float, node: str, parent: str | None, rank: int | None, **fields: object) -> dict[str, object]:
    return {"time": time, "network": "pan-17", "node": node, "parent": parent, "rank": rank, "etx": 1.2, **fields}


_MESH = [("n1", "root", 512), ("n2", "root", 520), ("n3", "n2", 800), ("n17", "n3", 1100)]
_MESH += [(f"c{i}", ("n1", "n2")[i % 2], 820) for i in range(9)]


def _usual(begin: float, rounds: int = 2, without: tuple[str, ...] = ()) -> list[dict[str, object]]:
    return [
        _route(begin + 300.0 * i + n, node, parent, rank)
        for i in range(rounds)
        for n, (node, parent, rank) in enumerate(_MESH)
        if node not in without
    ]


_CHILDREN = tuple(f"c{i}" for i in range(9))


def _move(begin: float, rank: int, rounds: int = 3) -> list[dict[str, object]]:
    return [
        _route(begin + 300.0 * i + 9 * n, node, "n17", rank) for i in range(rounds) for n, node in enumerate(_CHILDREN)
    ]


def _gains(parent: str, says: int, children: int) -> list[dict[str, object]]:
    """Node 17 reports a parent and a rank, and nine children come that report theirs."""
    own = [_route(610.0 + 300.0 * i, "n17", parent, says) for i in range(3)]
    records = [*_usual(0.0), *_usual(600.0, 3, (*_CHILDREN, "n17")), *own, *_move(620.0, children)]
    return sorted(records, key=lambda r: float(str(r["time"])))


DETECTOR = Detector(
    id="sensor_sinkhole",
    version=1,
    threat=sensor_network.USN_01,
    record=SENSOR_ROUTE,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("sensor node", "parent", source="parent", destination="network"),
    dedup=("network", "parent"),
    episode_s=3600.0,
    says="{parent} of {network} gained {came} children in {minutes} min; it {why}",
    observed="{came} new children; {parent} {why}",
    expected="at most {most} new children, or ranks that fit those of the parents",
    runbook=(
        "Blacklist the node at the border router and force a global repair.",
        "Check the place of the node; re-key the cell if it was taken.",
        "Look which packets went through it.",
    ),
    tolerance="a late report changes nothing of its node; reports of different nodes are compared in the order of their arrival",
    examples=(
        fires_on("node 17 announces rank 256 and gains nine children", _gains("n3", 256, 512)),
        fires_on("it tells its children so, and the border router the truth", _gains("n3", 1100, 512)),
        fires_on(
            "hops, where no ranks are told",
            [{**r, "rank": None, "hops": (int(str(r["rank"])) - 400) // 250 + 1} for r in _gains("n3", 256, 512)],
        ),
        quiet_on("a door was opened: node 17 hears the root, and many hear node 17", _gains("root", 560, 860)),
        quiet_on(
            "ranks of parents rise before those of their children",
            [*_usual(0.0, 4), _route(1250.0, "n2", "root", 900), *_usual(1260.0)],
        ),
        quiet_on(
            "one node with a false rank and no new children",
            [*_usual(0.0), *(_route(610.0 + 300 * i, "n17", "n3", 256) for i in range(3))],
        ),
    ),
)
