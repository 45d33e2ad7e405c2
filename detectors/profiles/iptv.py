"""Threats to IPTV."""

from detectors.profiles.threat import Fit, Reference, Severity, Technique, Threat

TV_01 = Threat(
    id="TV-01",
    title="Unexpected source or altered stream in an IPTV group",
    domain="iptv",
    service="iptv",
    asset="head-end encoder, multicast group, set-top box",
    observable="A second source sends to the group, or stream structure and clear/scrambled state change at once.",
    streams=("mcast_flow", "ts_monitor"),
    severity=Severity.HIGH,
    stride=("Spoofing", "Tampering"),
    technique=Technique("T0856", "Spoof Reporting Message", ("evasion", "impair-process-control"), Fit.APPROXIMATE),
    references=(
        Reference("X.1191", "clauses 6.2, 6.4, 8.3, Appendix I", verified=True),
        Reference("X.1101", "clause 7.1", verified=True),
    ),
    response=(
        "Drop the second source at the edge; show the fallback slate.",
        "Check encoder access and multiplexer change log.",
    ),
    gap="",
)

TV_02 = Threat(
    id="TV-02",
    title="Content key or account abuse in IPTV",
    domain="iptv",
    service="iptv",
    asset="key server, set-top box, subscriber account",
    observable="One device or account asks for keys too often, from many addresses, or for services it has not bought.",
    streams=("iptv_key_req",),
    severity=Severity.MEDIUM,
    stride=("Spoofing", "Information disclosure"),
    technique=Technique("T0859", "Valid Accounts", ("persistence", "lateral-movement"), Fit.APPROXIMATE),
    references=(
        Reference("X.1193", "clauses 7.1-7.3, 8.2", verified=True),
        Reference("X.1191", "clauses 6.3, 6.6, Appendix I", verified=True),
    ),
    response=(
        "Refuse further keys to the device and ask for a new log-on.",
        "Rotate the group key if a cloned device is likely; keep the list for the rights holder.",
    ),
    gap="",
)

ALL = (TV_01, TV_02)
