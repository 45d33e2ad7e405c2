"""Threats to distributed energy, charging and grid operation."""

from detectors.profiles.threat import Fit, Reference, Severity, Technique, Threat

SG_32 = Threat(
    id="SG-32",
    title="Mass or oscillating dispatch of DER, chargers or volt/var devices",
    domain="smart_grid",
    service="der_evse",
    asset="DER gateway, EV charging back-end, capacitor bank, tap changer",
    observable="A large share of flexible power gets the same set-point change within a minute without an event id, or a device is switched to and fro.",
    streams=("der_command", "ocpp", "scada_measurement"),
    severity=Severity.CRITICAL,
    stride=("Tampering", "Denial of service"),
    technique=Technique("T0855", "Unauthorized Command Message", ("impair-process-control",), Fit.DIRECT),
    references=(
        Reference("NISTIR8473", "abstract: EV, charger, cloud and utility domains", verified=True),
        Reference("X.1331", "clauses 10.2, 10.3", verified=True),
        Reference("NESCOR", "DGM.10", verified=False),
        Reference("OCPP", "message names", verified=False),
    ),
    response=(
        "Hold the dispatch at the aggregator; return devices to the default profile with random delay.",
        "Tell the system operator the size in MW and the expected time of rebound.",
    ),
    gap="",
)

ALL = (SG_32,)
