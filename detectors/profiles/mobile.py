"""Threats to mobile services."""

from detectors.profiles.threat import Fit, Reference, Severity, Technique, Threat

MOB_01 = Threat(
    id="MOB-01",
    title="Infected mobile terminal or M2M modem",
    domain="mobile",
    service="mobile",
    asset="smartphone, cellular meter or telematics modem",
    observable="Many short messages, signalling procedures or DNS failures from one subscriber, unlike its class.",
    streams=("mobile_signalling", "mobile_usage"),
    severity=Severity.MEDIUM,
    stride=("Denial of service", "Tampering"),
    technique=Technique("T0814", "Denial of Service", ("inhibit-response-function",), Fit.APPROXIMATE),
    references=(
        Reference("X.1126", "summary: restrain infected terminals from the network side", verified=True),
        Reference("X.1121", "clause 8.2", verified=True),
        Reference("NIST-MTC", "APP-16, APP-39, CEL-17", verified=True),
    ),
    response=(
        "Rate-limit the subscriber and quarantine the APN session.",
        "For M2M, ask the asset owner to re-image the modem; for persons, send a notice.",
    ),
    gap="",
)

MOB_02 = Threat(
    id="MOB-02",
    title="SIM of a meter or vehicle used in another device (swap, clone, theft)",
    domain="mobile",
    service="mobile",
    asset="M2M SIM, meter modem, telematics unit",
    observable="A known IMSI appears with another IMEI or far away, or on two cells at once.",
    streams=("mobile_signalling",),
    severity=Severity.HIGH,
    stride=("Spoofing",),
    technique=Technique("T0849", "Masquerading", ("evasion",), Fit.APPROXIMATE),
    references=(
        Reference("NIST-MTC", "PHY-6, STA-22, STA-23, STA-24", verified=True),
        Reference("X.1121", "clauses 8.1, 8.2", verified=True),
        Reference("R155", "20.2", verified=True),
    ),
    response=(
        "Suspend the SIM and lock it to the known IMEI.",
        "Check that the asset still answers by another path; treat stored APN credentials as lost.",
    ),
    gap="",
)

ALL = (MOB_01, MOB_02)
