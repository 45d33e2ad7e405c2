"""Ranks of a routing tree that cannot be: a node's own against its parent's (RPL, RFC 6550 section 3.5).

Who chooses a parent has a rank of at least a step above it; the root has the lowest one, a step. A rank changes where that of the
parent or the link to it does.
"""

from dataclasses import dataclass

import polars as pl

from detectors.grouping import TIME
from detectors.memory import Derived, Last, LastOf, RunLength
from schemas.records import SENSOR_ROUTE

NODE, PARENT = ("node",), ("parent",)


def of_parent(value: str | Derived) -> LastOf:
    """What the record's parent reported last of itself."""
    return LastOf(SENSOR_ROUTE, PARENT, value, there=NODE)


@dataclass(frozen=True)
class Ranks:
    """What a report of a route says of ranks.

    Args:
        rank, time: what the parent reported last, and when.
        changed: the node took another parent.
        false: its rank cannot be, twice in a row.
        below: so does that of a child that was there before its parent reported: the parent told it another one.
    """

    rank: LastOf
    time: LastOf
    changed: Derived
    false: Derived
    below: Derived


def ranks(step: int, stale_s: float, link_share: float) -> Ranks:
    """The ranks of a network.

    Args:
        step: least step of a rank (MinHopRankIncrease).
        stale_s: reports of the parent that are older are not compared, seconds.
        link_share: by which the transmissions to the parent must fall to explain a better rank.
    """
    rank, hops, time = of_parent("rank"), of_parent("hops"), of_parent(TIME)
    before_parent, before_rank, before_etx = Last(NODE, "parent"), Last(NODE, "rank"), Last(NODE, "etx")
    before_time = Last(NODE, Derived("event time in microseconds", pl.col(TIME)))
    before_above = Last(NODE, Derived("rank of the parent", rank.col, (rank,)))
    told = (pl.col(TIME) - time.col <= stale_s * 1e6).fill_null(False)
    changed = Derived("parent changed", (pl.col("parent") != before_parent.col).fill_null(False), (before_parent,))
    # The root has the lowest rank and no parent: everybody else has at least twice a step.
    rank_low = (told & (pl.col("rank") < rank.col + step)) | (pl.col("rank") < 2 * step)
    hops_low = told & (pl.col("hops") <= hops.col)
    low = pl.col("parent").is_not_null() & pl.when(pl.col("rank").is_null()).then(hops_low).otherwise(rank_low)
    same = pl.col("parent") == before_parent.col
    # By far more than its parent's.
    falls = pl.col("rank") <= before_rank.col - step
    falls &= rank.col >= before_above.col - 0.5 * step
    link = (pl.col("etx") >= (1 - link_share) * before_etx.col).fill_null(True)
    false = Derived(
        f"false rank by {step}, {stale_s:g}s, {link_share:g}",
        (low.fill_null(False) | (same & falls & link).fill_null(False)),
        (rank, hops, time, before_parent, before_rank, before_etx, before_above),
    )
    run = RunLength(NODE, false)
    twice = Derived(f"twice a {false.name}", false.expr & (run.col >= 2).fill_null(False), (*false.memories, run))
    # Of a child that was there at its last report already, since when its parent reported again.
    after = (time.col > before_time.col).fill_null(False)
    below = Derived(
        f"below its parent by {step}, {stale_s:g}s",
        same.fill_null(False) & after & low.fill_null(False),
        (*false.memories, before_time),
    )
    return Ranks(rank, time, changed, twice, below)
