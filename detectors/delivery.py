"""Delivery of packets in a mesh, by windows: what arrived of each node, what is missing, and which parents do not pass on.

Windows are numbered from 1970 on by the clock of the network. Frames have the columns network, node, parent, window, received
and lost.
"""

from dataclasses import dataclass

import polars as pl

NODE = ("network", "node")
WINDOW = ("network", "window")
COUNTS = ("received", "lost")
#: Windows for which a silent node is missed.
MISSED = 4
#: Share of what arrived of a node in the window before, from which a window of it is taken for whole.
WHOLE = 0.8


@dataclass(frozen=True)
class Limits:
    """When a parent is accused; shares are of packets that arrive.

    Args:
        children: of all children together: accused below.
        child: of one child: it is lossy below; two must be.
        own: of the parent's own packets: accused only above.
        siblings: of most of the parent's siblings: accused only above.
        packets: of the children in a window: fewer are not judged.
        chi_square: of children against parent and siblings, one degree of freedom.
    """

    children: float
    child: float
    own: float
    siblings: float
    packets: int
    chi_square: float


def lives(lines: pl.DataFrame) -> pl.DataFrame:
    """Number the lives of each node (`life`): one ends where nothing was heard of it for more than `MISSED` windows."""
    gap = pl.col("window") - pl.col("window").shift(1).over(NODE)
    return lines.with_columns((gap > MISSED).fill_null(False).cum_sum().over(NODE).alias("life"))


def losses(lines: pl.DataFrame, gap_max: int) -> pl.DataFrame:
    """What each packet says of its node: itself under the parent that it has, and before it the missing ones under the one it had.

    Args:
        lines: network, node, life, parent (null where not told), sequence (null of what is no packet), window, `past` (True of
            what was counted before) and `had` (of that, the parent at the node's last packet), in arrival order.
        gap_max: missing numbers; more, or a number that goes back, is a restart.
    """
    by = (*NODE, "life")
    step = pl.col("sequence") - pl.col("sequence").forward_fill().shift(1).over(by)
    told = lines.with_columns(pl.col("parent").forward_fill().over(by))
    sent_under = pl.when(pl.col("past")).then("had").when(pl.col("sequence").is_not_null()).then("parent")
    told = told.with_columns(sent_under.alias("had")).with_columns(
        pl.col("had").forward_fill().shift(1).over(by),
        pl.when(step.is_between(2, gap_max + 1)).then(step - 1).otherwise(0).alias("lost"),
        (step != 0).fill_null(True).cast(pl.Int64).alias("received"),
    )
    packets = told.filter(pl.col("sequence").is_not_null() & ~pl.col("past"))
    zero = pl.lit(0, dtype=pl.Int64)
    arrived = packets.select(*NODE, "parent", "window", "received", zero.alias("lost"))
    missing = packets.filter(pl.col("lost") > 0).select(
        *NODE, pl.coalesce("had", "parent").alias("parent"), "window", zero.alias("received"), "lost"
    )
    return total(pl.concat([arrived, missing]))


def parents_at(lines: pl.DataFrame) -> pl.DataFrame:
    """The last of each node's lines, in the order in which the nodes were heard last: parent, sequence, window, and the parent at
    its last packet (`had`); see `losses` for the lines."""
    by = (*NODE, "life")
    told = lines.with_columns(pl.col("parent").forward_fill().over(by), pl.int_range(pl.len()).alias("at"))
    sent_under = pl.when(pl.col("past")).then("had").when(pl.col("sequence").is_not_null()).then("parent")
    last = told.with_columns(sent_under.alias("had")).group_by(by, maintain_order=True)
    filled = (pl.col(c).drop_nulls().last() for c in ("parent", "sequence", "had"))
    ends = last.agg(*filled, pl.col("window", "at").last()).sort("at")
    return ends.unique(NODE, keep="last", maintain_order=True).drop("life", "at")


def total(counts: pl.DataFrame) -> pl.DataFrame:
    """Counts of each node, parent and window added up."""
    return counts.group_by(*NODE, "parent", "window").agg(pl.col(COUNTS).sum()).sort(*NODE, "window", "parent")


def of_nodes(counts: pl.DataFrame) -> pl.DataFrame:
    """Counts of each node and window, with the parent under which most of its packets arrived."""
    ordered = counts.sort("received", "parent", maintain_order=True)
    return ordered.group_by(*NODE, "window").agg(pl.col(COUNTS).sum(), pl.col("parent").last()).sort(*NODE, "window")


def heard(nodes: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """The windows in which each node was heard, with what arrived then (`got`) and in the window before in which it was (`got_before`).

    Args:
        nodes: of closed windows.
        before: the same of each node's last window before those.
    """
    got = nodes.filter(pl.col("received") > 0).select(*NODE, "parent", "window", pl.col("received").alias("got"))
    both = pl.concat([before, got], how="diagonal").sort(*NODE, "window")
    near = pl.col("window") - pl.col("window").shift(1).over(NODE) <= MISSED
    last = pl.when(near).then(pl.col("got").shift(1).over(NODE))
    return both.with_columns(pl.coalesce(last, "got_before").alias("got_before"))


def silent(nodes: pl.DataFrame, heard: pl.DataFrame) -> pl.DataFrame:
    """What is missing of nodes that were silent in a closed window: the more of what arrived in the last two that they were heard in."""
    windows = nodes.select(WINDOW).unique()
    following = heard.with_columns(
        pl.col("window").shift(-1).over(NODE).alias("next"),
        pl.int_ranges(pl.col("window") + 1, pl.col("window") + 1 + MISSED).alias("window"),
    )
    missed = following.explode("window").filter((pl.col("window") < pl.col("next")).fill_null(True))
    missed = missed.join(windows, on=WINDOW, how="semi").join(nodes, on=(*NODE, "window"), how="anti")
    nothing = pl.lit(0, dtype=pl.Int64).alias("received")
    return missed.select(*NODE, "parent", "window", nothing, pl.max_horizontal("got", "got_before").alias("lost"))


def accused(counts: pl.DataFrame, nodes: pl.DataFrame, heard: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """Parents that do not pass on, a row a window: network, node, window, share, own (shares that arrive), children.

    Args:
        counts: of each node, parent and window, silent nodes included.
        nodes: the same of each node and window.
        heard: what arrived of each node in the window before (`heard`): where far less does in this one, the end may be missing,
            which its next packet tells.
    """
    ratio = pl.col("received") / (pl.col("received") + pl.col("lost"))
    below = (
        counts.filter(pl.col("parent").is_not_null() & (pl.col("received") + pl.col("lost") > 0))
        .group_by("network", "window", pl.col("parent").alias("node"))
        .agg(
            pl.col(COUNTS).sum(),
            pl.col("node").n_unique().cast(pl.Int64).alias("children"),
            pl.col("node").filter(ratio < limits.child).n_unique().alias("lossy"),
        )
        .filter(pl.col("lossy") >= 2)
    )
    # Its siblings and itself; the median, since one of them may be dead.
    families = nodes.group_by("network", "window", "parent").agg(
        pl.col(COUNTS).sum().name.prefix("all_"), ratio.median().alias("family")
    )
    judged = below.join(nodes, on=(*WINDOW, "node"), suffix="_own").join(
        families, on=("network", "window", "parent"), how="left", nulls_equal=True
    )
    judged = judged.join(heard.select(*WINDOW, "node", "got_before"), on=(*WINDOW, "node"), how="left")
    a, b, own, own_lost = (pl.col(c).cast(pl.Float64) for c in (*COUNTS, "received_own", "lost_own"))
    c, d = (pl.col(f"all_{name}").cast(pl.Float64) for name in COUNTS)
    square = (a * d - b * c) ** 2 * (a + b + c + d)
    chance = limits.chi_square * (a + b) * (c + d) * (a + c) * (b + d)
    return judged.filter(
        (a < limits.children * (a + b))
        & (a + b >= limits.packets)
        & (own >= limits.own * (own + own_lost))
        & (own > 0)
        & (own >= WHOLE * pl.col("got_before")).fill_null(True)
        & (pl.col("family") >= limits.siblings)
        & (square > chance)
    ).select(
        "network", "node", "window", (a / (a + b)).alias("share"), (own / (own + own_lost)).alias("own"), "children"
    )
