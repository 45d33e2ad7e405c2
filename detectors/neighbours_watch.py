"""The walk over readings of a sensor field: slots of time that close, nodes that are judged, and when that is told."""

import polars as pl

from detectors.detector import StepFunction
from detectors.neighbours import FAR, KEY, LARGEST, USUAL, Limits, against_field, judge

#: A row a node and quantity: what is usual, the last judged sample, and that of the slot that is still open.
STATE: dict[str, pl.DataType] = {
    **dict.fromkeys(KEY, pl.String()),
    **USUAL,
    **dict.fromkeys(("clock", "slot", "verdict", "open_slot"), pl.Int64()),
    **dict.fromkeys(("measured", "median", "open_value"), pl.Float64()),
}


def _samples(batch: pl.DataFrame, state: pl.DataFrame, slot_us: int) -> pl.DataFrame:
    """The last value of each node and slot, with the row that opened the slot (null where that was before this batch)."""
    clocks = state.group_by("network").agg(pl.col("clock").max())
    lines = batch.filter(pl.col("value").abs() < LARGEST).join(clocks, on="network", how="left", maintain_order="left")
    lines = lines.select(
        *KEY, "value", "_row", pl.max_horizontal(pl.col("_time").cum_max().over("network"), "clock").alias("clock")
    ).with_columns((pl.col("clock") // slot_us).alias("slot"))
    opened = state.filter(pl.col("open_slot").is_not_null())
    opened = opened.select(*KEY, pl.col("open_value").alias("value"), "clock", pl.col("open_slot").alias("slot"))
    both = pl.concat([opened, lines], how="diagonal_relaxed")
    return both.group_by(*KEY, "slot", maintain_order=True).agg(pl.col("_row").first(), pl.col("value", "clock").last())


def watch(limits: Limits, slot_us: int, nodes_max: int) -> StepFunction:
    """The step that tells nodes which measure something else than their field.

    Args:
        limits: when.
        slot_us: length of a slot, microseconds.
        nodes_max: remembered; those that were heard longest ago are forgotten.
    """

    def run(state: pl.DataFrame | None, batch: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        state = pl.DataFrame(schema=STATE) if state is None else state
        samples = _samples(batch, state, slot_us)
        closed = pl.col("slot") < (pl.col("clock").max().over("network") // slot_us)
        done, opened = samples.filter(closed), samples.filter(~closed)
        judged, usual = judge(against_field(done, limits.nodes), state.select(*KEY, *USUAL), limits)
        verdicts = judged.select(*KEY, "slot", "verdict", "median", pl.col("value").alias("measured"))

        # A verdict is told by the first reading of its node in a later slot.
        before = state.filter(pl.col("slot").is_not_null()).select(verdicts.columns)
        known = pl.concat([before, verdicts]).sort(*KEY, "slot")
        rows = samples.filter(pl.col("_row").is_not_null()).sort("slot")
        told = rows.join_asof(
            known.sort("slot").rename({"slot": "judged"}),
            left_on="slot", right_on="judged", by=KEY, allow_exact_matches=False, check_sortedness=False,
        )  # fmt: skip
        new = told.filter((pl.col("verdict") > 0) & (pl.col("slot") - pl.col("judged") <= limits.of))
        new = new.sort(*KEY, "slot").unique([*KEY, "judged"], keep="first", maintain_order=True)
        hits = new.select(
            "_row",
            pl.when(verdict=FAR)
            .then(pl.format("measured {} where the median was {}", "measured", "median"))
            .otherwise(pl.format("hardly changes from {} while others do", "measured"))
            .alias("why"),
        ).sort("_row")

        # What was told is told: the last verdict of a node counts until its next slot.
        last = known.unique(KEY, keep="last", maintain_order=True)
        gone = told.select(*KEY, "judged", told=pl.lit(0, dtype=pl.Int64)).unique([*KEY, "judged"])
        last = last.join(gone, left_on=[*KEY, "slot"], right_on=[*KEY, "judged"], how="left", maintain_order="left")
        last = last.with_columns(pl.coalesce("told", "verdict").alias("verdict")).drop("told")
        clocks = pl.concat([state.select(*KEY, "clock"), samples.select(*KEY, "clock")])
        table = (
            clocks.group_by(KEY, maintain_order=True)
            .agg(pl.col("clock").max())
            .join(usual, on=KEY, how="left", maintain_order="left")
            .join(last, on=KEY, how="left", maintain_order="left")
            .join(opened.select(*KEY, open_slot="slot", open_value="value"), on=KEY, how="left", maintain_order="left")
        )
        # A node of which nothing is judged yet is the same whether or not it was asked for before.
        table = table.with_columns(pl.col(*USUAL).fill_null(0)).sort("clock", *KEY).tail(nodes_max)
        return table.select(pl.col(name).cast(kind) for name, kind in STATE.items()), hits

    return run
