"""Threats to ubiquitous sensor networks."""

from detectors.profiles.threat import Fit, Reference, Severity, Technique, Threat

USN_01 = Threat(
    id="USN-01",
    title="Sinkhole: a sensor node attracts traffic with a false route",
    domain="sensor_network",
    service="usn",
    asset="sensor node, border router",
    observable="One node suddenly becomes parent of many nodes with a rank or hop count better than radio quality allows.",
    streams=("wsn_route",),
    severity=Severity.HIGH,
    stride=("Spoofing", "Tampering"),
    technique=Technique("T0830", "Adversary-in-the-Middle", ("collection",), Fit.APPROXIMATE),
    references=(
        Reference("X.1313", "clauses 7.2, 7.3", verified=True),
        Reference("RFC7416", "abstract (scope: RPL threats)", verified=True),
        Reference("X.1311", "clause 9.1", verified=True),
    ),
    response=(
        "Blacklist the node at the border router and force a global repair.",
        "Check the place of the node; re-key the cell if it was taken.",
    ),
    gap="",
)

USN_02 = Threat(
    id="USN-02",
    title="Selective forwarding or black hole in a sensor network",
    domain="sensor_network",
    service="usn",
    asset="sensor node, mesh meter",
    observable="Nodes behind one parent lose packets while the parent and its siblings are well received.",
    streams=("wsn_data", "wsn_route"),
    severity=Severity.HIGH,
    stride=("Denial of service",),
    technique=Technique("T0804", "Block Reporting Message", ("inhibit-response-function",), Fit.ANALOGY),
    references=(
        Reference("X.1313", "clause 7.3", verified=True),
        Reference("RFC7416", "abstract (scope: RPL threats)", verified=True),
        Reference("R155", "8.2", verified=True),
    ),
    response=(
        "Move children to another parent by raising the cost of p.",
        "Inspect or replace p; keep the packet counters as evidence.",
    ),
    gap="",
)

USN_03 = Threat(
    id="USN-03",
    title="Sensor reading manipulation (captured node)",
    domain="sensor_network",
    service="usn",
    asset="sensor node, aggregator",
    observable="One sensor leaves the range given by neighbours that measure the same field, or is too smooth.",
    streams=("sensor_reading",),
    severity=Severity.MEDIUM,
    stride=("Tampering",),
    technique=Technique("T0856", "Spoof Reporting Message", ("evasion", "impair-process-control"), Fit.ANALOGY),
    references=(
        Reference("X.1311", "clauses 9.1, 10.3 secure aggregation, 10.4 data freshness", verified=True),
        Reference("X.1331", "clause 7.2", verified=True),
    ),
    response=(
        "Exclude the value from aggregates and mark the node.",
        "Cross-check with a mobile sensor; re-key or replace the node.",
    ),
    gap="",
)

ALL = (USN_01, USN_02, USN_03)
