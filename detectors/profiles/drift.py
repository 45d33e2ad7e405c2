"""Configuration drift: what departs from the learned baseline in configuration only. An outcome of its own, no attack.

A baseline of one configuration flags other normal configurations; so such a departure is told apart, for a person to
look at and to accept (`gridwatch learn --accept`), and is no threat of the 67.
"""

from detectors.profiles.threat import Fit, Severity, Technique, Threat

DRIFT = Threat(
    id="DRIFT",
    title="Configuration drift",
    domain="site",
    service="site",
    asset="devices of the site",
    observable="Devices that are known do what they did not do while the site was learned.",
    streams=("modbus", "iec104", "goose", "can", "meter_interval"),
    severity=Severity.LOW,
    stride=(),
    technique=Technique("none", "no attack", (), Fit.ANALOGY),
    references=(),
    response=(
        "Ask whoever maintains the devices whether the change was planned.",
        "If it was, accept it: gridwatch learn --accept; if nobody knows of it, treat it as an intrusion.",
    ),
    gap="",
)
