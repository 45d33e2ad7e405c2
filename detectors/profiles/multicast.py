"""Threats to multicast services."""

from detectors.profiles.threat import Fit, Reference, Severity, Technique, Threat

MC_01 = Threat(
    id="MC-01",
    title="Multicast membership abuse (false querier, join flood, forged leave)",
    domain="multicast",
    service="multicast",
    asset="access switch, multicast router",
    observable="A new querier takes over, one port joins very many groups, or leaves are followed by loss at receivers.",
    streams=("igmp",),
    severity=Severity.MEDIUM,
    stride=("Spoofing", "Denial of service"),
    technique=Technique("T0814", "Denial of Service", ("inhibit-response-function",), Fit.APPROXIMATE),
    references=(
        Reference("RFC3376", "section 9.1 forged query, 9.2 and 9.3 forged report", verified=True),
        Reference("X.1101", "clauses 7.1, 7.2", verified=True),
        Reference("RFC5294", "abstract", verified=True),
    ),
    response=(
        "Shut or rate-limit the port; enable querier guard and group limits.",
        "Check GOOSE or PMU multicast on the same switch: they share the tables.",
    ),
    gap="",
)

ALL = (MC_01,)
