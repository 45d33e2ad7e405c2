"""Threats to metering (advanced metering infrastructure)."""

from detectors.profiles.threat import Fit, Reference, Severity, Technique, Threat

SG_01 = Threat(
    id="SG-01",
    title="Mass remote disconnect of meters",
    domain="smart_grid",
    service="ami",
    asset="head-end, meter load switch",
    observable="Many disconnect commands in minutes, from one operator or host, often without a work order; feeder load falls afterwards.",
    streams=("headend_command", "meter_event", "feeder_measurement"),
    severity=Severity.CRITICAL,
    stride=("Tampering", "Elevation of privilege"),
    technique=Technique("T0855", "Unauthorized Command Message", ("impair-process-control",), Fit.DIRECT),
    references=(
        Reference("X.1332", "summary: abuse of load control functions", verified=True),
        Reference("NESCOR", "AMI.1", verified=False),
        Reference("NISTIR7628", "logical interface category AMI head-end to meter", verified=False),
    ),
    response=(
        "Freeze the disconnect queue at the head-end and revoke the operator session that sent it.",
        "Reconnect in staged blocks after two-person approval; check the billing system for forged work orders.",
    ),
    gap="",
)

SG_02 = Threat(
    id="SG-02",
    title="Load-switch cycling to make demand oscillate",
    domain="smart_grid",
    service="ami",
    asset="meter load switch, feeder",
    observable="The same meters switch off and on again several times, many of them in the same seconds.",
    streams=("headend_command", "meter_event"),
    severity=Severity.CRITICAL,
    stride=("Tampering", "Denial of service"),
    technique=Technique("T0806", "Brute Force I/O", ("impair-process-control",), Fit.DIRECT),
    references=(
        Reference("X.1332", "summary: abuse of load control functions", verified=True),
        Reference("GURUX", "OBIS 0.0.96.3.10.255 class 70; ControlState 0/1/2", verified=True),
    ),
    response=(
        "Block further switch commands for the affected meters; leave them in the connected state.",
        "Tell the control centre: watch frequency and feeder ramp; stagger any later reconnect.",
    ),
    gap="",
)

SG_03 = Threat(
    id="SG-03",
    title="Energy register runs backwards or jumps beyond physics",
    domain="smart_grid",
    service="ami",
    asset="meter",
    observable="A cumulative register reads lower than before, or the step is more energy than the fuse rating allows.",
    streams=("meter_interval", "asset_register"),
    severity=Severity.HIGH,
    stride=("Tampering",),
    technique=Technique("T0856", "Spoof Reporting Message", ("evasion", "impair-process-control"), Fit.DIRECT),
    references=(
        Reference("X.1332", "summary: invalid metering information", verified=True),
        Reference("X.1331", "clause 7.2", verified=True),
        Reference("GURUX", "OBIS 1.0.1.8.x, 1.0.2.8.x registers, class 3", verified=True),
    ),
    response=(
        "Hold the reading from billing, request an on-demand read and compare with the local display value.",
        "If it repeats, send a crew with a seal check; keep the raw frames as evidence.",
    ),
    gap="",
)

SG_04 = Threat(
    id="SG-04",
    title="Slow under-reporting of consumption (theft by false data)",
    domain="smart_grid",
    service="ami",
    asset="meter, customer premises",
    observable="Reported use drifts below the customer's own history and below peers, while voltage and neighbours stay normal.",
    streams=("meter_interval", "weather"),
    severity=Severity.MEDIUM,
    stride=("Tampering",),
    technique=Technique("T0856", "Spoof Reporting Message", ("evasion", "impair-process-control"), Fit.DIRECT),
    references=(
        Reference("X.1332", "summary: invalid metering information", verified=True),
        Reference("X.1331", "clause 7.2", verified=True),
    ),
    response=(
        "Queue the account for revenue protection; do not disconnect on the score alone.",
        "Compare with the transformer balance (SG-05) and order a site check when both agree.",
    ),
    gap="",
)

SG_05 = Threat(
    id="SG-05",
    title="Transformer energy balance does not close",
    domain="smart_grid",
    service="ami",
    asset="distribution transformer, group of meters",
    observable="Transformer (or feeder) meter shows more energy than the sum of its customers plus technical loss.",
    streams=("feeder_measurement", "meter_interval"),
    severity=Severity.MEDIUM,
    stride=("Tampering",),
    technique=Technique("T0856", "Spoof Reporting Message", ("evasion", "impair-process-control"), Fit.DIRECT),
    references=(
        Reference("X.1332", "summary: invalid metering information", verified=True),
        Reference("X.1331", "clause 7.2", verified=True),
    ),
    response=(
        "Rank the customers below the transformer by SG-04 score and by missing reads.",
        "Verify the transformer-to-meter map before any field action: wrong topology gives the same sign.",
    ),
    gap="",
)

SG_06 = Threat(
    id="SG-06",
    title="Replayed or frozen load profile",
    domain="smart_grid",
    service="ami",
    asset="meter, data concentrator",
    observable="A day of interval values repeats an older day exactly, or values stay constant while voltage still moves.",
    streams=("meter_interval",),
    severity=Severity.HIGH,
    stride=("Tampering", "Spoofing"),
    technique=Technique("T0856", "Spoof Reporting Message", ("evasion", "impair-process-control"), Fit.DIRECT),
    references=(
        Reference("X.1331", "clause 7.2", verified=True),
        Reference("X.1311", "clause 10.4 data freshness", verified=True),
    ),
    response=(
        "Mark the intervals as estimated, pull the profile again by a direct read of the meter.",
        "If the direct read differs, treat the concentrator as suspect and rotate its keys.",
    ),
    gap="",
)

SG_07 = Threat(
    id="SG-07",
    title="Physical tamper signature",
    domain="smart_grid",
    service="ami",
    asset="meter",
    observable="Cover, terminal or magnetic-field events, reverse flow or phase loss, followed by a drop in measured load.",
    streams=("meter_event", "meter_interval"),
    severity=Severity.MEDIUM,
    stride=("Tampering",),
    technique=Technique("T0856", "Spoof Reporting Message", ("evasion", "impair-process-control"), Fit.APPROXIMATE),
    references=(
        Reference(
            "GURUX",
            "event log 0.0.99.98.1.255 (fraud detection), terminal-cover counter 0.0.96.20.5.255",
            verified=True,
        ),
        Reference("X.1332", "summary: invalid metering information", verified=True),
    ),
    response=(
        "Open a revenue-protection case with event time stamps and the load before and after.",
        "Check for a maintenance visit first; then send a crew and reseal.",
    ),
    gap="",
)

SG_08 = Threat(
    id="SG-08",
    title="False alarm flood hides real alarms",
    domain="smart_grid",
    service="ami",
    asset="head-end, meter data system",
    observable="Alarm events arrive far above normal rate from many meters, but grid measurements show no matching fault.",
    streams=("meter_event", "feeder_measurement"),
    severity=Severity.HIGH,
    stride=("Spoofing", "Denial of service"),
    technique=Technique("T0856", "Spoof Reporting Message", ("evasion", "impair-process-control"), Fit.DIRECT),
    references=(Reference("NESCOR", "AMI.8", verified=False), Reference("X.1331", "clause 7.2", verified=True)),
    response=(
        "Group and rate-limit by event code at the head-end; keep a raw copy.",
        "Give priority to alarms that a second source confirms; find the common concentrator, firmware or key.",
    ),
    gap="",
)

SG_09 = Threat(
    id="SG-09",
    title="Event log cleared or meter silent about events",
    domain="smart_grid",
    service="ami",
    asset="meter, data concentrator",
    observable="Log entry count drops, event sequence has gaps, or routine events stop while interval reads go on.",
    streams=("meter_event", "headend_command"),
    severity=Severity.HIGH,
    stride=("Repudiation", "Tampering"),
    technique=Technique("T0872", "Indicator Removal on Host", ("evasion",), Fit.DIRECT),
    references=(Reference("GURUX", "profile generic class 7, 0.0.99.98.0..4.255 event logs", verified=True),),
    response=(
        "Read all logs of the meter now and store them off the device.",
        "Compare with neighbours behind the same concentrator; a group pattern means the path, not the meter.",
    ),
    gap="",
)

SG_10 = Threat(
    id="SG-10",
    title="Credential sweep over meters (default or shared passwords)",
    domain="smart_grid",
    service="ami",
    asset="meter, optical or network port",
    observable="One client fails association on many meters, or one meter sees many failures, at times ending in success.",
    streams=("dlms_session",),
    severity=Severity.HIGH,
    stride=("Spoofing", "Elevation of privilege"),
    technique=Technique("T0812", "Default Credentials", ("lateral-movement",), Fit.DIRECT),
    references=(
        Reference("GURUX", "AssociationResult, Authentication enums", verified=True),
        Reference("ICSNPP-C1222", "c1222_logon_security_service.log: user_id user req_resp", verified=True),
        Reference("X.1331", "clause 7.4", verified=True),
    ),
    response=(
        "Block the client address at the head-end firewall; lock the meter client account if the meter supports it.",
        "Rotate the shared secret for the whole batch when any success is seen.",
    ),
    gap="",
)

SG_11 = Threat(
    id="SG-11",
    title="Replay or security downgrade on a meter session",
    domain="smart_grid",
    service="ami",
    asset="meter, head-end",
    observable="Invocation (frame) counter goes back or repeats, or a session uses less protection than the meter was enrolled with.",
    streams=("dlms_session", "c1222"),
    severity=Severity.HIGH,
    stride=("Spoofing", "Tampering"),
    technique=Technique("T0830", "Adversary-in-the-Middle", ("collection",), Fit.APPROXIMATE),
    references=(
        Reference("GURUX", "invocation counter OBIS 0.0.43.1.e.255; Security enum 0x00/0x10/0x20/0x30", verified=True),
        Reference("ICSNPP-C1222", "epsem_control values", verified=True),
        Reference("DLMS", "security suite 0-2", verified=False),
        Reference("X.1331", "clauses 7.2, 7.4", verified=True),
    ),
    response=(
        "Drop the session and force a new association with fresh keys.",
        "If counters are behind on both sides, check for a restored head-end backup before blaming an attacker.",
    ),
    gap="",
)

SG_12 = Threat(
    id="SG-12",
    title="Unapproved or downgraded meter firmware",
    domain="smart_grid",
    service="ami",
    asset="meter, concentrator",
    observable="Image transfer reaches verify or activate outside a campaign; version not on the list, older, or hash differs.",
    streams=("firmware_inventory", "headend_command"),
    severity=Severity.CRITICAL,
    stride=("Tampering", "Elevation of privilege"),
    technique=Technique("T0857", "System Firmware", ("persistence", "inhibit-response-function"), Fit.DIRECT),
    references=(
        Reference("GURUX", "image transfer class 18, OBIS 0.0.44.0.e.255, ImageTransferStatus 0..7", verified=True),
        Reference("X.1331", "clause 7.4", verified=True),
        Reference("IEC62443", "SR 3.4 software integrity", verified=False),
    ),
    response=(
        "Stop the campaign and the image server; quarantine the concentrator that pushed it.",
        "Re-flash a sample with the approved image, then compare hash and behaviour before the rest.",
    ),
    gap="",
)

SG_13 = Threat(
    id="SG-13",
    title="Clock, tariff or limiter changed outside a change window",
    domain="smart_grid",
    service="ami",
    asset="meter",
    observable="Clock set by more than the limit, tariff calendar or demand limiter written without a ticket, often on many meters.",
    streams=("headend_command", "meter_interval"),
    severity=Severity.HIGH,
    stride=("Tampering",),
    technique=Technique("T0836", "Modify Parameter", ("impair-process-control",), Fit.DIRECT),
    references=(
        Reference("GURUX", "classes 8, 20, 71; ClockStatus bits; OBIS 1.0.0.9.11.255 time shift limit", verified=True),
        Reference("X.1332", "summary", verified=True),
        Reference("X.1311", "clause 10.4 data freshness", verified=True),
    ),
    response=(
        "Restore calendar and limiter from the configuration store; re-sync the clock from a trusted source.",
        "Flag the affected billing intervals and find the account that wrote them.",
    ),
    gap="",
)

SG_14 = Threat(
    id="SG-14",
    title="Mass loss of meter communication without an outage",
    domain="smart_grid",
    service="ami",
    asset="field area network, concentrator",
    observable="Reachability of a concentrator or feeder falls fast, but the feeder is energised and there is no last-gasp burst.",
    streams=("fan_link", "feeder_measurement", "meter_event"),
    severity=Severity.HIGH,
    stride=("Denial of service",),
    technique=Technique("T0815", "Denial of View", ("impact",), Fit.DIRECT),
    references=(
        Reference("X.1331", "clause 7.3", verified=True),
        Reference("RFC7416", "abstract", verified=True),
        Reference("ENISA-SGTL", "scope", verified=True),
    ),
    response=(
        "Switch billing and load control for the area to fallback; poll through a neighbour or cellular path.",
        "Send a spectrum check if noise rose; otherwise look at the backhaul and the concentrator first.",
    ),
    gap="",
)

SG_15 = Threat(
    id="SG-15",
    title="Rogue head-end, or bulk reads by an unknown client",
    domain="smart_grid",
    service="ami",
    asset="meter, head-end interface",
    observable="A client that is not enrolled writes to meters, or reads far more meters or profiles than the schedule.",
    streams=("dlms_session", "flow"),
    severity=Severity.CRITICAL,
    stride=("Spoofing", "Information disclosure"),
    technique=Technique("T0848", "Rogue Master", ("initial-access",), Fit.DIRECT),
    references=(
        Reference("X.1331", "clauses 7.1, 7.4", verified=True),
        Reference("X.1332", "summary: personal information in metering data", verified=True),
    ),
    response=(
        "Block the client and verify that meters still accept only the enrolled system title.",
        "For bulk reads, list the customers concerned: this can be a personal-data breach to report.",
    ),
    gap="",
)

ALL = (SG_01, SG_02, SG_03, SG_04, SG_05, SG_06, SG_07, SG_08, SG_09, SG_10, SG_11, SG_12, SG_13, SG_14, SG_15)
