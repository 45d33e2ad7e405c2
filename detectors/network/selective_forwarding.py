"""A sensor node does not pass on what its children send, while its own packets and those of its siblings arrive.

Counts, by windows, the packets that arrived and those that are missing from the sequence of each node, and charges them to the
parent that the node had, as the packets or the reports of routes say. A node that is silent misses what it usually sends, for a
few windows. A parent is accused where its children together stay below `child_ratio`, two of them at least below `lossy_ratio`,
its own packets above `own_ratio` and its siblings' above `sibling_ratio`, and the difference is no chance (chi-square test).
The alert comes with the parent's first packet after the window.

Blind spot: a parent that drops its own packets too, or has one child; losses that begin and end within a window. An overloaded
parent may look the same. Sequences that go back (restart, wrap) lose nothing. Source: threat USN-02 of the catalogue; RFC 7416
(selective forwarding); ITU-T X.1313 clause 7.3.
"""

from dataclasses import dataclass

import polars as pl

from detectors.delivery import MISSED, NODE, Limits, accused, heard, lives, losses, of_nodes, parents_at, silent, total
from detectors.detector import Confidence, Detector, Step, StepFunction, fires_on, quiet_on
from detectors.profiles import sensor_network
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import SENSOR_PACKET, SENSOR_ROUTE


@dataclass(frozen=True)
class Params:
    window_s: float = 900.0
    child_ratio: float = 0.6  # of the packets of all children that arrive: fires below
    lossy_ratio: float = 0.8  # of one child
    own_ratio: float = 0.9
    sibling_ratio: float = 0.9
    packets_min: int = 20  # of the children in a window
    chi_square: float = 10.83  # one degree of freedom: p < 0.001
    gap_max: int = 1000  # missing sequence numbers; more is a restart
    nodes_max: int = 100_000  # remembered; those that were heard longest ago are forgotten, as their networks are


#: A row a node ("node": its last packet, and how many arrived, and under whom, when it was heard last), a network
#: ("clock"), a node, parent and open window ("count"), and an accusation that waits for its node's next packet ("accused").
STATE: dict[str, pl.DataType] = {
    "what": pl.String(),
    **dict.fromkeys(("network", "node", "parent", "had", "under"), pl.String()),
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


def build(p: Params, site: Site) -> StepFunction:
    window_us = int(p.window_s * 1e6)
    limits = Limits(p.child_ratio, p.lossy_ratio, p.own_ratio, p.sibling_ratio, p.packets_min, p.chi_square)

    def run(state: pl.DataFrame | None, batch: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        state = pl.DataFrame(schema=STATE) if state is None else state
        lines = _lines(batch, state, window_us)
        clocks = pl.concat([state.filter(what="clock").select("network", "clock"), lines.select("network", "clock")])
        latest = pl.int_range(pl.len()).alias("at")
        clocks = clocks.drop_nulls().with_columns(latest).group_by("network").agg(pl.col("clock", "at").max())
        clocks = clocks.sort("at").drop("at").tail(p.nodes_max)
        now = clocks.select("network", (pl.col("clock") // window_us).alias("now"))
        open_before = state.filter(what="count").select(*NODE, "parent", "window", "received", "lost")
        counts = total(pl.concat([open_before, losses(lines, p.gap_max)])).join(now, on="network", how="left")
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
        known = last.join(of_last_arrived, on=NODE, how="left", maintain_order="left").tail(p.nodes_max)
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


def _packets(
    drops: float, own: float = 0.0, others: float = 0.0, minutes: int = 75, children: int = 5, route: bool = False
) -> list[dict[str, object]]:
    """Nodes p and q below the root with children each, a packet a minute; shares that are dropped from the sixteenth minute on."""
    parents = {"p": "root", "q": "root"} | {f"{parent}{i}": parent for parent in "pq" for i in range(children)}
    records: list[dict[str, object]] = []
    for n, (node, parent) in enumerate(parents.items()):
        lost = {"p": own, "q": others, "root": own if node == "p" else others}
        share = lost[parent] if parent == "root" else max(drops if parent == "p" else 0.0, lost[parent])
        if route:
            records.append({"record": "sensor_route", "time": 0.1 * n, "node": node, "parent": parent})
        for minute in range(minutes):
            # Evenly: of ten packets in a row as many are dropped as the share says.
            if minute < 16 or (minute * 7) % 10 >= 10 * share:
                told = {} if route else {"parent": parent}
                records.append({"time": 60.0 * minute + n + 1, "node": node, "sequence": minute + 7, **told})
    return sorted(({"network": "pan-17", **r} for r in records), key=lambda r: float(str(r["time"])))


DETECTOR = Detector(
    id="selective_forwarding",
    version=1,
    threat=sensor_network.USN_02,
    record=SENSOR_PACKET,
    kind=Step(
        build,
        columns=("network", "node", "parent", "sequence"),
        hits=tuple(HITS),
        beside=(SENSOR_ROUTE, ("network", "node", "parent")),
    ),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    entity_kind="sensor node",
    entity="node",
    source="node",
    destination="network",
    dedup=("network", "node"),
    episode_s=7200.0,
    says="of the packets of {children} children of {node} in {network} a share of {share} arrives, of its own {own}",
    observed="share of the children's packets that arrives: {share}; of its own: {own}",
    expected="as many of the children's packets as of its own",
    runbook=(
        "Move the children to another parent by raising the cost of the node.",
        "Look at its load and battery; an overloaded node drops too.",
        "Inspect or replace the node; keep the packet counters as evidence.",
    ),
    needs=(),
    tolerance="a late packet counts in the window of its network's clock; packets out of order count as a restart",
    examples=(
        fires_on("half of the children's packets are dropped", _packets(0.5)),
        fires_on("all of them, as reports of routes say who its children are", _packets(1.0, route=True)),
        quiet_on("nothing is dropped", _packets(0.0)),
        quiet_on("its own packets are lost as well: a bad link", _packets(0.5, own=0.5)),
        quiet_on("the whole network loses packets", _packets(0.5, own=0.5, others=0.5)),
        quiet_on("a busy parent drops every fifth", _packets(0.2)),
        quiet_on("two nodes that lose packets, without children to be told of", _packets(0.5, children=1)),
    ),
)
