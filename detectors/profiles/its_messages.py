"""Threats to warnings, signals, security and the radio of V2X."""

from detectors.profiles.threat import Fit, Reference, Severity, Technique, Threat

ITS_09 = Threat(
    id="ITS-09",
    title="Replay or stale V2X message",
    domain="its",
    service="v2x",
    asset="RSU, OBU",
    observable="A signed message comes again later or at another place, or its generation time is old.",
    streams=("v2x_sec",),
    severity=Severity.HIGH,
    stride=("Spoofing",),
    technique=Technique("T0830", "Adversary-in-the-Middle", ("collection",), Fit.APPROXIMATE),
    references=(
        Reference("R155", "6.3", verified=True),
        Reference("F2MD", "DataReplay, StaleMessages (buffer 60) attack types", verified=True),
        Reference("X.1372", "clause 7.5", verified=True),
        Reference("TR102893", "scope", verified=True),
    ),
    response=(
        "Discard at the RSU; do not forward repeated DENMs.",
        "Check RSU time source first; then locate the sender with two RSUs.",
    ),
    gap="",
)

ITS_10 = Threat(
    id="ITS-10",
    title="Message outside the rights of its certificate",
    domain="its",
    service="v2x",
    asset="OBU, RSU, PKI",
    observable="Application id, service permissions, time or region do not fit the signing certificate.",
    streams=("v2x_sec",),
    severity=Severity.HIGH,
    stride=("Elevation of privilege", "Spoofing"),
    technique=Technique("T0859", "Valid Accounts", ("persistence", "lateral-movement"), Fit.APPROXIMATE),
    references=(
        Reference("TS103759-CAM", "target 2 (security), observations 1-7", verified=True),
        Reference("R155", "6.1, 11.2", verified=True),
        Reference("X.1372", "clauses 7.5, 7.7", verified=True),
    ),
    response=(
        "Refuse the message; special-vehicle privileges must not be granted.",
        "Report to the misbehaviour authority with the certificate; ask for blocking of the enrolment credential.",
    ),
    gap="",
)

ITS_11 = Threat(
    id="ITS-11",
    title="Burst of unsigned or badly signed messages",
    domain="its",
    service="v2x",
    asset="RSU",
    observable="Signature check fails or the signer is unknown far more often than normal.",
    streams=("v2x_sec",),
    severity=Severity.HIGH,
    stride=("Spoofing",),
    technique=Technique("T0860", "Wireless Compromise", ("initial-access",), Fit.ANALOGY),
    references=(
        Reference("R155", "6.1, 4.1", verified=True),
        Reference("X.1372", "clauses 7.2, 7.5", verified=True),
        Reference("X.1371", "clause 7.1", verified=True),
    ),
    response=(
        "Keep verification on; do not fall back to unsigned mode.",
        "If most errors are unknown signer, update the trust list; if bad signatures, locate the transmitter.",
    ),
    gap="",
)

ITS_12 = Threat(
    id="ITS-12",
    title="False event warning (DENM)",
    domain="its",
    service="v2x",
    asset="RSU, OBU, traffic centre",
    observable="An event is far from its sender, or other vehicles at the place drive as normal.",
    streams=("v2x_denm", "v2x_cam"),
    severity=Severity.HIGH,
    stride=("Spoofing", "Tampering"),
    technique=Technique("T0856", "Spoof Reporting Message", ("evasion", "impair-process-control"), Fit.ANALOGY),
    references=(
        Reference(
            "TS103759-DENM",
            "DistanceBetweenPositionInDenmAndLdmTooLarge, CamSpeedIncWithLocalSlowDown, EeblIncWithOtherVehiclesSpeed, EeblEventSpeedbelowMinThreshold",
            verified=True,
        ),
        Reference("R155", "11.2", verified=True),
        Reference("TS103759-classes", "class 5", verified=True),
    ),
    response=(
        "Hold the warning in the centre until a second source or 3 vehicles confirm it.",
        "If already shown on signs, withdraw it and report the sender.",
    ),
    gap="",
)

ITS_13 = Threat(
    id="ITS-13",
    title="Event warning altered or cancelled in repetition",
    domain="its",
    service="v2x",
    asset="RSU, OBU",
    observable="Fixed fields change between repetitions, or a station that did not create the event cancels it.",
    streams=("v2x_denm",),
    severity=Severity.HIGH,
    stride=("Tampering", "Denial of service"),
    technique=Technique("T0878", "Alarm Suppression", ("inhibit-response-function",), Fit.APPROXIMATE),
    references=(
        Reference(
            "TS103759-DENM",
            "Static-Change, Time-Change-In-Repetitions, Beacon-IntervalTooSmall (80 % of 100 ms)",
            verified=True,
        ),
        Reference("EN302637-3", "termination by cancellation or negation", verified=False),
        Reference("R155", "8.2, 11.2", verified=True),
    ),
    response=(
        "Keep the warning active until road staff or a second source confirms the end.",
        "Report the negating certificate; compare with the road-works plan.",
    ),
    gap="",
)

ITS_14 = Threat(
    id="ITS-14",
    title="Signal phase or map message disagrees with the controller",
    domain="its",
    service="v2x",
    asset="RSU, traffic signal controller",
    observable="Broadcast phase or timing conflicts with controller state, has conflicting greens, or changes revision at random.",
    streams=("v2x_spat", "v2x_map", "signal_controller"),
    severity=Severity.CRITICAL,
    stride=("Spoofing", "Tampering"),
    technique=Technique("T0831", "Manipulation of Control", ("impact",), Fit.ANALOGY),
    references=(
        Reference("J2735", "SPAT/MAP content", verified=False),
        Reference("X.1372", "clauses 6.3, 7.2", verified=True),
        Reference("R155", "11.2", verified=True),
        Reference("TR102893", "scope: V2I services", verified=True),
    ),
    response=(
        "Stop the SPAT broadcast of the RSU; the lamps themselves stay in control.",
        "Compare RSU software and configuration hash; send staff if the controller was reached.",
    ),
    gap="",
)

ITS_15 = Threat(
    id="ITS-15",
    title="Jamming of the V2X channel",
    domain="its",
    service="v2x",
    asset="RSU, radio channel",
    observable="Channel is busy or noise is high, but few frames decode; known stations vanish at several receivers.",
    streams=("rsu_radio",),
    severity=Severity.HIGH,
    stride=("Denial of service",),
    technique=Technique("T0814", "Denial of Service", ("inhibit-response-function",), Fit.ANALOGY),
    references=(
        Reference("R155", "8.1, 8.2, 16.3", verified=True),
        Reference("X.1372", "clause 7.3", verified=True),
        Reference("NIST-MTC", "LPN-5", verified=True),
        Reference("TR102893", "scope", verified=True),
    ),
    response=(
        "Switch services to the cellular path and mark the area as degraded.",
        "Send the radio team with direction finding; tell the spectrum regulator.",
    ),
    gap="",
)

ITS_16 = Threat(
    id="ITS-16",
    title="GNSS spoofing or jamming at vehicle or RSU",
    domain="its",
    service="v2x",
    asset="OBU, RSU",
    observable="GNSS position moves against wheel speed or the fixed RSU location, signal levels become uniform, or the fix is lost.",
    streams=("gnss", "vehicle_motion"),
    severity=Severity.HIGH,
    stride=("Spoofing", "Tampering"),
    technique=Technique("T0856", "Spoof Reporting Message", ("evasion", "impair-process-control"), Fit.APPROXIMATE),
    references=(
        Reference("R155", "4.1", verified=True),
        Reference("NIST-MTC", "GPS-0, GPS-1", verified=True),
        Reference("TR102893", "scope", verified=True),
    ),
    response=(
        "Tell receivers in the area to widen position confidence; suspend services that need lane accuracy.",
        "RSU: use holdover time and the surveyed position; locate the source.",
    ),
    gap="",
)

ALL = (ITS_09, ITS_10, ITS_11, ITS_12, ITS_13, ITS_14, ITS_15, ITS_16)
