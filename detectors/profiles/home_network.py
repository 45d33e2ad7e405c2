"""Threats to home networks."""

from detectors.profiles.threat import Fit, Reference, Severity, Technique, Threat

HN_01 = Threat(
    id="HN-01",
    title="Home energy device controlled by an unknown party",
    domain="home_network",
    service="home_network",
    asset="home gateway, HAN load, EV charger, inverter",
    observable="Control messages reach a home device from a new address, often after a new port opening or several login failures.",
    streams=("home_gw_event", "home_gw_flow"),
    severity=Severity.HIGH,
    stride=("Spoofing", "Elevation of privilege"),
    technique=Technique("T0822", "External Remote Services", ("initial-access",), Fit.ANALOGY),
    references=(
        Reference("X.1331", "clauses 7.4, 10.1-10.5", verified=True),
        Reference("X.1113", "clause 9.1", verified=True),
        Reference("X.1111", "summary: threats from remote users", verified=True),
        Reference("EN303645", "access and password provisions", verified=False),
    ),
    response=(
        "Remove the port map and block the source at the gateway.",
        "Tell the customer to reset the device credential; check the same model in other homes.",
    ),
    gap="",
)

HN_02 = Threat(
    id="HN-02",
    title="Home or IoT device joins a botnet (new destinations, beaconing, scanning)",
    domain="home_network",
    service="home_network",
    asset="home gateway, IoT device",
    observable="A device with few known peers talks to new hosts at fixed periods, or scans others.",
    streams=("home_gw_flow", "dns"),
    severity=Severity.MEDIUM,
    stride=("Denial of service",),
    technique=Technique("T0884", "Connection Proxy", ("command-and-control",), Fit.APPROXIMATE),
    references=(
        Reference("X.1331", "clauses 7.3, 7.4", verified=True),
        Reference("X.1111", "summary", verified=True),
        Reference("EN303645", "communication security provisions", verified=False),
    ),
    response=(
        "Move the device to a guest network with only its broker allowed.",
        "Send the customer a clear notice; collect model and firmware for a fleet check.",
    ),
    gap="",
)

ALL = (HN_01, HN_02)
