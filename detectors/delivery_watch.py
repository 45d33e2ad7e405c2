"""The walk over the packets of a mesh: windows that close, parents that are accused, and when that is told."""

import polars as pl

from detectors.delivery import MISSED, NODE, Limits, accused, heard, lives, losses, of_nodes, parents_at, silent, total
from detectors.detector import StepFunction
from schemas.records import SENSOR_PACKET

#: A row a node ("node": its last packet, and how many arrived, and under whom, when it was heard last), a network
#: ("clock"), a node, parent and open window ("count"), and an accusation that waits for its node's next packet ("accused").
STATE: dict[str, pl.DataType] = {
    **dict.fromkeys(("network", "what", "node", "parent", "had", "under"), pl.String()),
    **dict.fromkeys(
        ("window", "seen", "clock", "sequence", "received", "lost", "got", "got_before", "children"), pl.Int64()
    ),
    **dict.fromkeys(("share", "own"), pl.Float64()),
}
HITS: dict[str, pl.DataType] = {name: STATE[name] for name in ("share", "own", "children")}


def _lines(batch: pl.DataFrame, state: pl.DataFrame, window_us: int) -> pl.DataFrame:
    """The batch behind each node's last state, with the window of each record by the clock of its network."""
    clocks = state.filter(what="clock").select("network", "clock")
    packet = pl.col("_record") == SENSOR_PACKET.name
    lines = batch.join(clocks, on="network", how="left", maintain_order="left").select(
        *NODE,
        "_row",
        "parent",
        pl.when(packet).then("sequence").alias("sequence"),
        pl.max_horizontal(pl.col("_time").cum_max().over("network"), "clock").alias("clock"),
    )
    now = lines.with_columns((pl.col("clock") // window_us).alias("window"), past=pl.lit(False))
    known = state.filter(what="node").select(*NODE, "parent", "had", "sequence", pl.col("seen").alias("window"))
    return lives(pl.concat([known.with_columns(past=pl.lit(True)), now], how="diagonal"))


def watch(limits: Limits, window_us: int, gap_max: int, nodes_max: int) -> StepFunction:
    """The step that accuses parents.

    Args:
        limits: when.
        window_us: length of the windows, microseconds.
        gap_max: missing sequence numbers; more is a restart.
        nodes_max: remembered; those that were heard longest ago are forgotten, as their networks are.
    """

    def run(state: pl.DataFrame | None, batch: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        state = pl.DataFrame(schema=STATE) if state is None else state
        lines = _lines(batch, state, window_us)
        clocks = pl.concat([state.filter(what="clock").select("network", "clock"), lines.select("network", "clock")])
        latest = pl.int_range(pl.len()).alias("at")
        clocks = clocks.drop_nulls().with_columns(latest).group_by("network").agg(pl.col("clock", "at").max())
        clocks = clocks.sort("at").drop("at").tail(nodes_max)
        now = clocks.select("network", (pl.col("clock") // window_us).alias("now"))
        open_before = state.filter(what="count").select(*NODE, "parent", "window", "received", "lost")
        counts = total(pl.concat([open_before, losses(lines, gap_max)])).join(now, on="network", how="left")
        closed = counts.filter(pl.col("window") < pl.col("now")).drop("now")

        before = state.filter((pl.col("what") == "node") & pl.col("got").is_not_null())
        nodes = of_nodes(closed)
        arrived = heard(nodes, before.select(*NODE, pl.col("under").alias("parent"), "window", "got", "got_before"))
        missed = silent(nodes, arrived)
        everyone = pl.concat([nodes, missed], how="diagonal")
        found = accused(total(pl.concat([closed, missed])), everyone, arrived, limits)
        waiting = pl.concat([state.filter(what="accused").select(found.columns), found])

        # An accusation is told with the first packet of its node in a later window.
        packets = lines.filter(pl.col("sequence").is_not_null() & ~pl.col("past"))
        told = packets.select(*NODE, "_row", pl.col("window").alias("at")).join(waiting, on=NODE, how="inner")
        told = told.filter((pl.col("at") - pl.col("window")).is_between(1, MISSED))
        told = told.group_by(*waiting.columns).agg(pl.col("_row").min())
        hits = told.sort("window").unique("_row", keep="last", maintain_order=True).select("_row", *HITS).sort("_row")
        waiting = waiting.join(told, on=(*NODE, "window"), how="anti")

        last = parents_at(lines).rename({"window": "seen"})
        of_last = arrived.rename({"parent": "under"}).group_by(NODE, maintain_order=True)
        of_last_arrived = of_last.agg(pl.col("under", "window", "got", "got_before").last())
        known = last.join(of_last_arrived, on=NODE, how="left", maintain_order="left").tail(nodes_max)
        parts = {
            "clock": clocks,
            "node": known,
            "count": counts.filter(pl.col("window") >= pl.col("now")).drop("now"),
            "accused": waiting,
        }
        table = pl.concat([part.with_columns(what=pl.lit(name)) for name, part in parts.items()], how="diagonal")
        table = table.join(now, on="network", how="left", maintain_order="left")
        since = pl.when(what="node").then("seen").otherwise("window")
        kept = (pl.col("now") - since <= MISSED).fill_null(True) & pl.col("now").is_not_null()
        return table.filter(kept).select(pl.col(name).cast(kind) for name, kind in STATE.items()), hits

    return run
