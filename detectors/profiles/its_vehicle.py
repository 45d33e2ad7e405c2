"""Threats inside the vehicle (CAN, ECUs) and to the back-end that updates it."""

from detectors.profiles.threat import Fit, Reference, Severity, Technique, Threat

ITS_17 = Threat(
    id="ITS-17",
    title="CAN bus flooding with high-priority frames",
    domain="its",
    service="in_vehicle",
    asset="ECU, CAN bus",
    observable="Bus load rises, low identifiers fill the bus and normal frames are late.",
    streams=("can",),
    severity=Severity.CRITICAL,
    stride=("Denial of service",),
    technique=Technique("T0814", "Denial of Service", ("inhibit-response-function",), Fit.ANALOGY),
    references=(
        Reference("R155", "24.1", verified=True),
        Reference("X.1375", "clauses 7.4, 8.2", verified=True),
        Reference("R155", "8.1", verified=True),
    ),
    response=(
        "Gateway: block forwarding of the id to other domains; keep the safe driving mode.",
        "Ask the driver to stop when safe; read fault memory and check for added devices at OBD.",
    ),
    gap="",
)

ITS_18 = Threat(
    id="ITS-18",
    title="CAN message injection (period and payload check)",
    domain="its",
    service="in_vehicle",
    asset="ECU, CAN bus",
    observable="A periodic id arrives at more than its rate; forged frames sit between real ones and signals jump.",
    streams=("can",),
    severity=Severity.CRITICAL,
    stride=("Spoofing", "Tampering"),
    technique=Technique("T0855", "Unauthorized Command Message", ("impair-process-control",), Fit.ANALOGY),
    references=(Reference("R155", "11.1", verified=True), Reference("X.1375", "clauses 7.3, 8.2, 8.3", verified=True)),
    response=(
        "Report through the vehicle SOC; set the affected function to its safe value where a rule exists.",
        "Fetch a 60 s trace around the alarm for forensics; compare with the fleet for the same software.",
    ),
    gap="",
)

ITS_19 = Threat(
    id="ITS-19",
    title="CAN suspension or masquerade",
    domain="its",
    service="in_vehicle",
    asset="ECU, CAN bus",
    observable="A periodic id goes missing, or comes back with another timing pattern or a broken counter.",
    streams=("can",),
    severity=Severity.CRITICAL,
    stride=("Spoofing", "Denial of service"),
    technique=Technique("T0856", "Spoof Reporting Message", ("evasion", "impair-process-control"), Fit.ANALOGY),
    references=(
        Reference("X.1375", "clauses 7.3, 7.4, 8.2", verified=True),
        Reference("R155", "11.1, 24.1", verified=True),
    ),
    response=(
        "Degrade functions that use the id; warn the driver.",
        "Check for bus-off of the ECU (ITS-22) just before; plan ECU replacement or re-flash.",
    ),
    gap="",
)

ITS_20 = Threat(
    id="ITS-20",
    title="Unknown identifiers, wrong length or fuzzing on CAN",
    domain="its",
    service="in_vehicle",
    asset="ECU, CAN bus",
    observable="Identifiers or lengths that are not in the message catalogue, or payload bytes with near-random content.",
    streams=("can",),
    severity=Severity.HIGH,
    stride=("Tampering",),
    technique=Technique("T0806", "Brute Force I/O", ("impair-process-control",), Fit.APPROXIMATE),
    references=(
        Reference("X.1375", "clauses 7.3, 8.3 detection rule set", verified=True),
        Reference("R155", "11.1, 11.4", verified=True),
    ),
    response=(
        "Filter at the gateway; log the channel to find the entry point.",
        "Look for diagnostic or OBD devices present; clear only after a trace is stored.",
    ),
    gap="",
)

ITS_21 = Threat(
    id="ITS-21",
    title="Misuse of diagnostic services",
    domain="its",
    service="in_vehicle",
    asset="ECU, OBD port, gateway",
    observable="Security-access failures, programming sessions or downloads while driving or from an unknown tester.",
    streams=("uds", "vehicle_motion"),
    severity=Severity.HIGH,
    stride=("Elevation of privilege", "Tampering"),
    technique=Technique("T0858", "Change Operating Mode", ("execution", "evasion"), Fit.APPROXIMATE),
    references=(
        Reference("UDSONCAN", "SIDs 0x10 0x27 0x28 0x2E 0x31 0x34 0x36 0x85; NRC 0x33 0x35 0x36 0x37", verified=True),
        Reference("R155", "11.3, 18.3", verified=True),
        Reference("X.1374", "clauses 7.6, 7.8", verified=True),
        Reference("ISO14229", "service and NRC definitions", verified=False),
    ),
    response=(
        "Gateway: close diagnostic routing while moving.",
        "Confirm with the workshop system; compare ECU software hash with the approved one.",
    ),
    gap="",
)

ITS_22 = Threat(
    id="ITS-22",
    title="Bus-off attack on an ECU",
    domain="its",
    service="in_vehicle",
    asset="ECU, CAN controller",
    observable="Bursts of error frames at one id, then that ECU stops sending for a while and comes back.",
    streams=("can", "can_status"),
    severity=Severity.CRITICAL,
    stride=("Denial of service",),
    technique=Technique("T0814", "Denial of Service", ("inhibit-response-function",), Fit.ANALOGY),
    references=(
        Reference("R155", "24.1", verified=True),
        Reference("X.1375", "clauses 7.4, 8.2", verified=True),
        Reference("ISO11898", "error counters: +8 per transmit error, bus-off above 255 (32 errors)", verified=False),
    ),
    response=(
        "Go to the degraded mode of the affected function; warn the driver.",
        "Look for wiring faults first; repeated pattern in time with one id is an attack sign.",
    ),
    gap="",
)

ITS_23 = Threat(
    id="ITS-23",
    title="Rollback or unapproved software image over the air",
    domain="its",
    service="ota_backend",
    asset="ECU, OTA server",
    observable="Installed version older than before or not in the campaign; metadata version or hash does not match.",
    streams=("ota_event",),
    severity=Severity.CRITICAL,
    stride=("Tampering", "Elevation of privilege"),
    technique=Technique("T0857", "System Firmware", ("persistence", "inhibit-response-function"), Fit.ANALOGY),
    references=(
        Reference("R155", "12.1, 12.3, 12.4, 6.3, 23.1", verified=True),
        Reference("UPTANE", "rollback, mix-and-match, arbitrary software attacks; release counter", verified=True),
        Reference("X.1373", "summary: tampering and intrusion during update", verified=True),
    ),
    response=(
        "Pause the campaign; keep vehicles on the last good version.",
        "Check signing keys and the director inventory; if a key leaked, start key rotation.",
    ),
    gap="",
)

ITS_24 = Threat(
    id="ITS-24",
    title="Updates blocked or slowed (freeze, drop, slow retrieval)",
    domain="its",
    service="ota_backend",
    asset="OTA server, telematics unit",
    observable="Vehicles keep asking but stay on old metadata, downloads crawl, or a region stops to update.",
    streams=("ota_event", "flow"),
    severity=Severity.HIGH,
    stride=("Denial of service",),
    technique=Technique("T0814", "Denial of Service", ("inhibit-response-function",), Fit.ANALOGY),
    references=(
        Reference("R155", "13.1, 2.1", verified=True),
        Reference(
            "UPTANE",
            "drop-request, slow retrieval, freeze, partial bundle, endless data attacks; download-speed monitoring",
            verified=True,
        ),
    ),
    response=(
        "Serve the region from another mirror and extend the campaign window.",
        "Compare the answer seen by a test vehicle with the server log to find the place of blocking.",
    ),
    gap="",
)

ITS_25 = Threat(
    id="ITS-25",
    title="Mass remote commands or bulk data export from the fleet back-end",
    domain="its",
    service="ota_backend",
    asset="fleet back-end, telematics unit",
    observable="One account or key sends remote commands to many vehicles, or reads far more vehicles than it owns.",
    streams=("fleet_api",),
    severity=Severity.CRITICAL,
    stride=("Elevation of privilege", "Information disclosure"),
    technique=Technique("T0855", "Unauthorized Command Message", ("impair-process-control",), Fit.ANALOGY),
    references=(
        Reference("R155", "1.1, 1.2, 3.3, 16.1, 16.2", verified=True),
        Reference("X.1371", "clause 7.1, Appendix I", verified=True),
        Reference("X.1376", "scope: data from OEM and suppliers", verified=True),
    ),
    response=(
        "Revoke the token, stop the command queue, keep vehicles in their present state.",
        "List affected vehicles and owners; check for personal-data duties.",
    ),
    gap="",
)

ALL: tuple[Threat, ...] = (ITS_17, ITS_18, ITS_19, ITS_20, ITS_21, ITS_22, ITS_23, ITS_24, ITS_25)
