"""A node against those that measure the same field: how far from their median, and how much smoother than they, for it.

Samples are one value a node, quantity and slot of time. The spread of a slot is 1.4826 times the median absolute deviation,
which is the standard deviation of a normal field (Rousseeuw and Croux 1993).
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

KEY = ("network", "quantity", "node")
FIELD = ("network", "quantity", "slot")
#: Values beyond are no measurements; their squares would overflow.
LARGEST = 1e30
FAR, SMOOTH = 1, 2
#: What is known of a node: mean and variance of its distance from the median, its usual and its latest change from sample to
#: sample, samples, the last ones that were far (a bit each), the last value.
USUAL: dict[str, pl.DataType] = {
    **dict.fromkeys(("mean", "variance", "change", "latest", "value"), pl.Float64()),
    **dict.fromkeys(("samples", "far"), pl.Int64()),
}


@dataclass(frozen=True)
class Limits:
    """When a node is told; counts are of samples.

    Args:
        spreads: of the field, from its median: far beyond.
        own: standard deviations of its usual distance: far beyond, as well.
        far: samples of the last `of` that must be far, the last among them.
        of: at most 60.
        smooth: share of its usual and of its neighbours' change: smooth below.
        latest: over which the latest change is averaged.
        usual: over which the usual is, and how many a node must have had.
        nodes: of a slot; a field of fewer is not judged.
    """

    spreads: float
    own: float
    far: int
    of: int
    smooth: float
    latest: int
    usual: int
    nodes: int


def against_field(samples: pl.DataFrame, nodes: int) -> pl.DataFrame:
    """The samples of fields of at least so many nodes that differ, with `median` and `spread` of their slot."""
    off = (pl.col("value") - pl.col("median")).abs().median().over(FIELD)
    whole = samples.filter(pl.len().over(FIELD) >= nodes)
    spread = whole.with_columns(pl.col("value").median().over(FIELD).alias("median")).with_columns(
        (1.4826 * off).alias("spread")
    )
    return spread.filter(pl.col("spread") > 0)


def judge(samples: pl.DataFrame, usual: pl.DataFrame, limits: Limits) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Walk over the slots, all nodes of a slot at once.

    Args:
        samples: `KEY`, slot, value, median and spread (`against_field`); at most one a key and slot.
        usual: `KEY` and `USUAL` of those keys that are known.

    Returns:
        The samples with `verdict` (0, `FAR` or `SMOOTH`), and what is known after them.
    """
    keys = pl.concat([usual.select(KEY), samples.select(KEY)]).unique(maintain_order=True).with_row_index("at")
    known = keys.join(usual, on=KEY, how="left", maintain_order="left")
    state: dict[str, Any] = {name: known[name].fill_null(0).to_numpy().copy() for name in USUAL}
    samples = samples.join(keys, on=KEY, how="left", maintain_order="left").sort("slot", "at")
    at, slots = samples["at"].to_numpy(), samples["slot"].to_numpy()
    arrays = [samples[name].to_numpy() for name in ("value", "median", "spread")]
    far, latest, change = (np.zeros(len(samples), dtype=t) for t in (bool, float, float))
    edges = np.flatnonzero(np.diff(slots, prepend=slots[:1] - 1, append=slots[-1:] + 1))
    for first, end in pairwise(edges):
        part = slice(first, end)
        far[part], latest[part], change[part] = _slot(state, at[part], [a[part] for a in arrays], limits)
    samples = samples.with_columns(latest=pl.Series(latest), change=pl.Series(change), is_far=pl.Series(far))
    below = pl.min_horizontal("change", pl.col("latest").median().over(FIELD))
    smooth = (pl.col("change") > 0) & (pl.col("latest") < limits.smooth * below)
    verdict = pl.when("is_far").then(FAR).when(smooth).then(SMOOTH).otherwise(0).cast(pl.Int64).alias("verdict")
    after = keys.drop("at").with_columns(pl.Series(name, state[name], dtype=kind) for name, kind in USUAL.items())
    return samples.with_columns(verdict).drop("at", "latest", "change", "is_far"), after


def _slot(state: dict[str, Any], i: Any, slot: list[Any], limits: Limits) -> tuple[Any, Any, Any]:
    """One sample of each of some nodes: whether it is told as far, its latest change, and the usual one (0 before it is known)."""
    value, median, spread = slot
    samples, mean, variance = state["samples"][i], state["mean"][i], state["variance"][i]
    learned = samples >= limits.usual
    weight = 1 / np.minimum(samples + 1, limits.usual)
    off = value - median
    deviation = np.sqrt(variance)
    beyond = np.abs(off - mean)
    is_far = learned & (np.abs(off) > limits.spreads * spread)
    is_far &= (beyond > limits.spreads * spread) & (beyond > limits.own * deviation)
    bits = ((state["far"][i] << 1) | is_far) & ((1 << limits.of) - 1)
    # What is far is learnt slowly: a node that was moved is usual again after some days.
    most = np.where(learned, np.maximum(3 * deviation, spread), np.inf)
    step = np.clip(off - mean, -most, most)
    state["mean"][i] = mean + weight * step
    state["variance"][i] = (1 - weight) * (variance + weight * step * step)
    moved = np.where(samples > 0, np.abs(value - state["value"][i]), 0.0)
    usual = state["change"][i]
    state["change"][i] = usual + weight * (moved - usual)
    before = state["latest"][i]
    state["latest"][i] = before + (moved - before) / np.minimum(samples + 1, limits.latest)
    state["value"][i], state["samples"][i], state["far"][i] = value, np.minimum(samples + 1, limits.usual), bits
    told = is_far & (np.bitwise_count(bits) >= limits.far)
    return told, state["latest"][i], np.where(learned, usual, 0.0)
