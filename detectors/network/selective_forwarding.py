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

from detectors.delivery import Limits
from detectors.delivery_watch import HITS, watch
from detectors.detector import Confidence, Detector, Parties, Step, StepFunction, fires_on, quiet_on
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


def build(p: Params, site: Site) -> StepFunction:
    limits = Limits(p.child_ratio, p.lossy_ratio, p.own_ratio, p.sibling_ratio, p.packets_min, p.chi_square)
    return watch(limits, int(p.window_s * 1e6), p.gap_max, p.nodes_max)


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
    parties=Parties("sensor node", "node", source="node", destination="network"),
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
