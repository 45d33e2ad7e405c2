"""A sensor node measures something else than its neighbours for an hour, and than it usually does, or hardly changes while they do.

Compares the last value of each node in each quarter of an hour with the median of all nodes of the network that measure the same
quantity. It fires where a node lies beyond `spreads` robust standard deviations from that median and from its own usual distance,
and beyond `own_deviations` of the latter, in `far_min` of the last `far_of` slots; and where its changes fall below `smooth_share` of
its usual and of the neighbours' ones. What is usual is learned over `learn_slots`; the alert comes with the node's next reading.

Blind spot: the first day of a node; values that stay within the field's spread; half of the nodes captured together; fields of less
than `nodes_min` nodes or of no spread. A new source of heat at one node, and a sensor that breaks, look the same. Source: threat
USN-03 of the catalogue; ITU-T X.1311 clause 10.3 (secure aggregation).
"""

from dataclasses import dataclass

from detectors.detector import Confidence, Detector, Parties, Step, StepFunction, fires_on, quiet_on
from detectors.neighbours import KEY, Limits
from detectors.neighbours_watch import watch
from detectors.profiles import sensor_network
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import SENSOR_READING


@dataclass(frozen=True)
class Params:
    slot_s: float = 900.0
    spreads: float = 5.0
    own_deviations: float = 6.0
    far_min: int = 4  # slots
    far_of: int = 6  # slots
    smooth_share: float = 0.1
    smooth_slots: int = 12
    learn_slots: int = 96
    nodes_min: int = 6
    nodes_max: int = 100_000  # remembered; those that were heard longest ago are forgotten


def build(p: Params, site: Site) -> StepFunction:
    limits = Limits(
        *(p.spreads, p.own_deviations, p.far_min, p.far_of),
        *(p.smooth_share, p.smooth_slots, p.learn_slots, p.nodes_min),
    )
    return watch(limits, int(p.slot_s * 1e6), p.nodes_max)


def _field(change: float = 0.0, keep: bool = False, nodes: int = 9, own: float = 0.0) -> list[dict[str, object]]:
    """Two days of nodes that follow the day; the first one changes in the second night by so much, or keeps what it had."""
    records: list[dict[str, object]] = []
    for slot in range(140):
        for n in range(nodes):
            value = 15.0 + 0.001 * (slot % 96) * (96 - slot % 96) + 0.3 * ((n * 7) % 5) + 0.1 * ((slot * (n + 3)) % 7)
            if n == 0:
                value = 16.5 if keep and slot >= 100 else value + own + (change if slot >= 100 else 0.0)
            records.append({"time": 900.0 * slot + 5 * n, "network": "pan-17", "node": f"n{n}", "value": value})
    return [{**record, "quantity": "air_temperature"} for record in records]


DETECTOR = Detector(
    id="sensor_manipulation",
    version=1,
    threat=sensor_network.USN_03,
    record=SENSOR_READING,
    kind=Step(build, columns=(*KEY, "value"), hits=("why",)),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    parties=Parties("sensor node", "node", source="node", destination="network"),
    dedup=("network", "node", "quantity"),
    episode_s=21_600.0,
    says="{quantity} of {node} in {network}: {why}",
    observed="the node {why}",
    expected="what its neighbours and its own past allow",
    runbook=(
        "Exclude the value from aggregates and mark the node.",
        "Cross-check with a mobile sensor; look for a source of heat or a broken sensor.",
        "Re-key or replace the node.",
    ),
    tolerance="a late reading counts in the slot of its network's clock",
    examples=(
        fires_on("12 degrees more than before", _field(12.0), 2),
        fires_on("a value that stays, within the range of the field", _field(keep=True)),
        quiet_on("all as usual", _field()),
        quiet_on("a node that always stood in the sun", _field(own=12.0)),
        quiet_on("one degree more", _field(1.0)),
        quiet_on("a field of four nodes", _field(12.0, nodes=4)),
    ),
)
