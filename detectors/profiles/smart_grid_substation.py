"""Threats to substations and telecontrol."""

from detectors.profiles.threat import Fit, Reference, Severity, Technique, Threat

SG_16 = Threat(
    id="SG-16",
    title="Scan for control devices on the OT network",
    domain="smart_grid",
    service="scada",
    asset="RTU, IED, PLC, gateway",
    observable="One host opens connections to many addresses or control ports in a short time, most fail.",
    streams=("flow",),
    severity=Severity.MEDIUM,
    stride=("Information disclosure",),
    technique=Technique("T0846", "Remote System Discovery", ("discovery",), Fit.DIRECT),
    references=(
        Reference("ENISA-SGTL", "scope", verified=True),
        Reference("IEC62443", "SR 6.2 continuous monitoring", verified=False),
    ),
    response=(
        "Find the host and its user; isolate it at the switch if it is not an asset scanner.",
        "Search the same host for later control messages (SG-17, SG-21): scans come before commands.",
    ),
    gap="",
)

SG_17 = Threat(
    id="SG-17",
    title="Rogue master talks to an outstation",
    domain="smart_grid",
    service="scada",
    asset="RTU, IED, PLC",
    observable="A new address sends control-direction messages, or two masters are active for one outstation.",
    streams=("modbus", "iec104", "dnp3"),
    severity=Severity.CRITICAL,
    stride=("Spoofing", "Elevation of privilege"),
    technique=Technique("T0848", "Rogue Master", ("initial-access",), Fit.DIRECT),
    references=(
        Reference("ICSNPP-MODBUS", "modbus_detailed.log fields", verified=True),
        Reference("WS-104", "iec60870_asdu.* fields", verified=True),
        Reference("ICSNPP-DNP3", "dnp3_control.log fields", verified=True),
        Reference("IEC62351", "part 5 authentication", verified=False),
    ),
    response=(
        "Drop the flow at the substation firewall; keep the configured master running.",
        "Capture the full session; read back all outputs of the outstation against the control-centre view.",
    ),
    gap="",
    also=(Technique("T0869", "Standard Application Layer Protocol", ("command-and-control",), Fit.APPROXIMATE),),
)

SG_18 = Threat(
    id="SG-18",
    title="Unauthorised Modbus write",
    domain="smart_grid",
    service="scada",
    asset="PLC, RTU, inverter, capacitor controller",
    observable="Write functions from a host without write role, to an address outside the map, or with a value outside limits.",
    streams=("modbus",),
    severity=Severity.CRITICAL,
    stride=("Tampering", "Elevation of privilege"),
    technique=Technique("T0855", "Unauthorized Command Message", ("impair-process-control",), Fit.DIRECT),
    references=(
        Reference("PYMODBUS", "function codes 5, 6, 15, 16, 22, 23", verified=True),
        Reference("ICSNPP-MODBUS", "modbus_detailed.log, modbus_mask_write_register.log", verified=True),
    ),
    response=(
        "Restore the register from the approved set-point list and block the source.",
        "Check the process value locally: the display may show the forged register.",
    ),
    gap="",
)

SG_19 = Threat(
    id="SG-19",
    title="Protocol reconnaissance (device id, address sweep, abnormal interrogation)",
    domain="smart_grid",
    service="scada",
    asset="PLC, RTU",
    observable="Device identification requests, exception bursts from address sweeps, or interrogations above the normal rate.",
    streams=("modbus", "iec104"),
    severity=Severity.MEDIUM,
    stride=("Information disclosure",),
    technique=Technique("T0888", "Remote System Information Discovery", ("discovery",), Fit.DIRECT),
    references=(
        Reference("PYMODBUS", "0x2B/0x0E, 0x11; ExcCodes 1-4", verified=True),
        Reference("ICSNPP-MODBUS", "modbus_read_device_identification.log", verified=True),
        Reference("LIB60870", "COT 44 unknown type .. 47 unknown IOA; types 100-102", verified=True),
    ),
    response=(
        "Identify the tool and the user; confirm with engineering whether it is planned.",
        "Raise watch level for write or command detectors on the same source for 24 h.",
    ),
    gap="",
    also=(
        Technique("T0801", "Monitor Process State", ("collection",), Fit.DIRECT),
        Technique("T0802", "Automated Collection", ("collection",), Fit.DIRECT),
    ),
)

SG_20 = Threat(
    id="SG-20",
    title="Remote restart, listen-only or firmware-update-mode command",
    domain="smart_grid",
    service="scada",
    asset="RTU, relay (IED), PLC",
    observable="A restart or silence service is sent to a field device, then the device stops answering.",
    streams=("modbus", "iec104", "dnp3", "flow"),
    severity=Severity.CRITICAL,
    stride=("Denial of service",),
    technique=Technique("T0816", "Device Restart/Shutdown", ("inhibit-response-function",), Fit.DIRECT),
    references=(
        Reference("PYMODBUS", "func 8 sub-functions 0x0001, 0x0004", verified=True),
        Reference("LIB60870", "C_RP_NA_1 = 105", verified=True),
        Reference("ZEEK-DNP3", "0x0d, 0x0e, 0x12", verified=True),
    ),
    response=(
        "Treat the bay as unprotected until the relay answers: ask for backup protection or switch the line.",
        "Block the source; restart the device locally and compare its settings with the store.",
    ),
    gap="",
)

SG_21 = Threat(
    id="SG-21",
    title="IEC 104 control command outside the profile",
    domain="smart_grid",
    service="substation",
    asset="RTU, substation gateway",
    observable="Single, double, step or set-point commands from a wrong host, to an unlisted point, or execute without select.",
    streams=("iec104",),
    severity=Severity.CRITICAL,
    stride=("Tampering", "Elevation of privilege"),
    technique=Technique("T0855", "Unauthorized Command Message", ("impair-process-control",), Fit.DIRECT),
    references=(
        Reference("LIB60870", "type ids 45-51, 58-64; COT 6/7/10", verified=True),
        Reference("WS-104", "iec60870_asdu.typeid/causetx/nega/oa/addr/ioa", verified=True),
        Reference("CRYSYS-104", "unauthorized access, packet injection", verified=True),
        Reference("IEC62351", "part 5", verified=False),
    ),
    response=(
        "Send a stop to the affected bay through local control; block the source at the gateway.",
        "Compare breaker states from two paths (104 and GOOSE or local) before switching back.",
    ),
    gap="",
    also=(Technique("T0836", "Modify Parameter", ("impair-process-control",), Fit.DIRECT),),
)

SG_22 = Threat(
    id="SG-22",
    title="IEC 104 sweep or toggling over object addresses",
    domain="smart_grid",
    service="substation",
    asset="RTU, substation gateway",
    observable="Commands walk through many object addresses in order, or switch the same address on and off.",
    streams=("iec104",),
    severity=Severity.CRITICAL,
    stride=("Tampering", "Denial of service"),
    technique=Technique("T0806", "Brute Force I/O", ("impair-process-control",), Fit.DIRECT),
    references=(
        Reference("LIB60870", "type ids 45-47", verified=True),
        Reference("WS-104", "iec60870_asdu.ioa", verified=True),
    ),
    response=(
        "Block command direction at the gateway at once; monitoring direction may stay.",
        "Put bays in local mode, then verify each breaker; this is the Industroyer2 pattern.",
    ),
    gap="",
    also=(Technique("T0831", "Manipulation of Control", ("impact",), Fit.DIRECT),),
)

SG_23 = Threat(
    id="SG-23",
    title="IEC 104 link disruption",
    domain="smart_grid",
    service="substation",
    asset="RTU, front-end",
    observable="STOPDT from a wrong peer, sequence errors (APCI poisoning), reset injection, all connection slots taken, unanswered test frames.",
    streams=("iec104", "flow"),
    severity=Severity.HIGH,
    stride=("Denial of service",),
    technique=Technique("T0814", "Denial of Service", ("inhibit-response-function",), Fit.DIRECT),
    references=(
        Reference("LIB60870", "default APCI parameters k=12 w=8 t1=15 t2=10 t3=20", verified=True),
        Reference("CRYSYS-104", "IEC starvation, TCP poisoning, IEC APCI poisoning", verified=True),
    ),
    response=(
        "Move to the redundant link; keep the last good values marked as old.",
        "Check for a reset injector on the path (same TTL, odd sequence) and for a failing WAN line.",
    ),
    gap="",
)

SG_24 = Threat(
    id="SG-24",
    title="DNP3 operate without select, or trip burst",
    domain="smart_grid",
    service="substation",
    asset="RTU, recloser, IED",
    observable="Direct operate where select-before-operate is policy, operate without its select, or several trips in seconds.",
    streams=("dnp3_control", "dnp3"),
    severity=Severity.CRITICAL,
    stride=("Tampering", "Elevation of privilege"),
    technique=Technique("T0855", "Unauthorized Command Message", ("impair-process-control",), Fit.DIRECT),
    references=(
        Reference("ZEEK-DNP3", "0x03 select, 0x04 operate, 0x05/0x06 direct operate", verified=True),
        Reference(
            "ICSNPP-DNP3",
            "dnp3_control.log (SELECT, OPERATE, RESPONSE); direct operate shows in dnp3.log fc_request",
            verified=True,
        ),
    ),
    response=(
        "Block control codes at the outstation firewall; keep polling.",
        "Confirm with the operator log whether a person sent it; verify breaker positions locally.",
    ),
    gap="",
)

SG_25 = Threat(
    id="SG-25",
    title="Field reporting switched off (DNP3 unsolicited disabled)",
    domain="smart_grid",
    service="substation",
    asset="RTU, IED",
    observable="A disable-unsolicited request, then event reports stop while polls still work.",
    streams=("dnp3",),
    severity=Severity.HIGH,
    stride=("Denial of service",),
    technique=Technique("T0878", "Alarm Suppression", ("inhibit-response-function",), Fit.DIRECT),
    references=(Reference("ZEEK-DNP3", "0x14 enable, 0x15 disable, 0x82 unsolicited response", verified=True),),
    response=(
        "Re-enable unsolicited reports and poll all event classes now.",
        "Review alarms of the silent period; find which host sent the request.",
    ),
    gap="",
)

SG_26 = Threat(
    id="SG-26",
    title="Forged GOOSE message (state number or publisher mismatch)",
    domain="smart_grid",
    service="substation",
    asset="IED, process bus",
    observable="State number jumps, sequence goes back, a second source uses the same control block, or test/config fields differ.",
    streams=("goose",),
    severity=Severity.CRITICAL,
    stride=("Spoofing", "Tampering"),
    technique=Technique("T0855", "Unauthorized Command Message", ("impair-process-control",), Fit.DIRECT),
    references=(
        Reference(
            "LIBIEC61850",
            "publisher: stNum+1 and sqNum=0 on change, wrap to 1; receiver: sqNum not increasing is invalid",
            verified=True,
        ),
        Reference("WS-GOOSE", "goose.* fields", verified=True),
        Reference(
            "ERENO", "use cases 01-05: replay, inverse replay, masquerade fault/normal, injection", verified=True
        ),
        Reference("IEC61850", "8-1 clause 18", verified=False),
        Reference("IEC62351", "part 6", verified=False),
    ),
    response=(
        "Check whether a trip was issued; if not, block the port of the wrong source MAC.",
        "Compare with the SCD file; set receivers to refuse simulation and wrong confRev.",
    ),
    gap="",
)

SG_27 = Threat(
    id="SG-27",
    title="GOOSE suppressed or poisoned",
    domain="smart_grid",
    service="substation",
    asset="IED, process bus switch",
    observable="No frame within the time allowed to live, one frame with a very high state number, or a multicast flood.",
    streams=("goose", "switch_port"),
    severity=Severity.CRITICAL,
    stride=("Denial of service",),
    technique=Technique("T0804", "Block Reporting Message", ("inhibit-response-function",), Fit.DIRECT),
    references=(
        Reference("LIBIEC61850", "subscriber invalid after timeAllowedToLive", verified=True),
        Reference("WS-GOOSE", "goose.* fields", verified=True),
        Reference("ERENO", "use cases 06-08: high stNum (1000-100000), high-rate stNum, grey hole", verified=True),
        Reference("IEC61850", "8-1 clause 18", verified=False),
    ),
    response=(
        "Assume interlocking and breaker-failure schemes of that bay are not available; tell protection staff.",
        "Limit multicast on the offending port; restart the publisher to resynchronise stNum.",
    ),
    gap="",
)

SG_28 = Threat(
    id="SG-28",
    title="False data injection in grid measurements",
    domain="smart_grid",
    service="scada",
    asset="RTU, state estimator",
    observable="Measurements do not fit the network equations although each one looks normal.",
    streams=("scada_measurement", "network_model"),
    severity=Severity.HIGH,
    stride=("Tampering",),
    technique=Technique("T0856", "Spoof Reporting Message", ("evasion", "impair-process-control"), Fit.DIRECT),
    references=(
        Reference("NESCOR", "DGM.6", verified=False),
        Reference("NISTIR7628", "vol. 3 bottom-up issues", verified=False),
    ),
    response=(
        "Mark the suspect points as bad data and let the estimator run without them.",
        "Confirm on a second path (PMU, meter, phone to site) before any switching based on them.",
    ),
    gap="",
)

SG_29 = Threat(
    id="SG-29",
    title="Replayed or frozen measurements on the operator view",
    domain="smart_grid",
    service="scada",
    asset="HMI, front-end, RTU",
    observable="A noisy analogue value stays constant or repeats an earlier stretch exactly while related values move.",
    streams=("scada_measurement",),
    severity=Severity.HIGH,
    stride=("Spoofing", "Tampering"),
    technique=Technique("T0832", "Manipulation of View", ("impact",), Fit.DIRECT),
    references=(Reference("NESCOR", "DGM.6", verified=False),),
    response=(
        "Mark the view as not trusted; call the site for a local reading.",
        "Compare 104 values with a passive tap near the RTU: the place where they differ is the place of the attack.",
    ),
    gap="",
)

SG_30 = Threat(
    id="SG-30",
    title="Switching without a matching command (cross-layer check)",
    domain="smart_grid",
    service="substation",
    asset="breaker, RTU, operator console",
    observable="A breaker changes state with no command or protection event, or a confirmed command has no effect, or state disagrees with current.",
    streams=("iec104", "goose", "scada_measurement"),
    severity=Severity.HIGH,
    stride=("Tampering", "Repudiation"),
    technique=Technique("T0831", "Manipulation of Control", ("impact",), Fit.DIRECT),
    references=(
        Reference(
            "LIB60870", "COT 3 spontaneous, 6/7 activation and confirmation, 11/12 return information", verified=True
        ),
        Reference("NESCOR", "DGM.6", verified=False),
    ),
    response=(
        "Ask the site whether it was local switching; if not, lock remote control of the bay.",
        "Take the sequence-of-events record from the relay before it is overwritten.",
    ),
    gap="",
)

SG_31 = Threat(
    id="SG-31",
    title="Time source manipulation (PMU, PTP, NTP, time-tagged data)",
    domain="smart_grid",
    service="substation",
    asset="PMU, clock, IED",
    observable="Clock identity or offset changes, phasor angle steps do not fit the frequency, or time tags drift from capture time.",
    streams=("time_sync", "synchrophasor", "iec104"),
    severity=Severity.HIGH,
    stride=("Tampering",),
    technique=Technique("T0832", "Manipulation of View", ("impact",), Fit.APPROXIMATE),
    references=(
        Reference("ENISA-TIME", "time attacks lead to synchronisation failures", verified=False),
        Reference(
            "ICSNPP-SYNC", "log files and data_rate (per-phasor values are not logged by default)", verified=True
        ),
        Reference("C37.118", "1 % TVE is about 26 us at 60 Hz", verified=False),
        Reference("NIST-MTC", "GPS-1", verified=True),
    ),
    response=(
        "Move the clock to holdover or to the second source; mark PMU data as time-bad.",
        "Check antenna and grandmaster on site; hold wide-area protection that needs synchronised data.",
    ),
    gap="",
)

ALL = (SG_16, SG_17, SG_18, SG_19, SG_20, SG_21, SG_22, SG_23, SG_24, SG_25, SG_26, SG_27, SG_28, SG_29, SG_30, SG_31)
