"""Threats to awareness messages (CAM, BSM): what a station says of itself."""

from detectors.profiles.threat import Fit, Reference, Severity, Technique, Threat

ITS_01 = Threat(
    id="ITS-01",
    title="CAM flooding (beacon interval too small)",
    domain="its",
    service="v2x",
    asset="RSU, OBU, radio channel",
    observable="One station sends awareness messages faster than the generation rules allow.",
    streams=("v2x_cam",),
    severity=Severity.MEDIUM,
    stride=("Denial of service",),
    technique=Technique("T0814", "Denial of Service", ("inhibit-response-function",), Fit.ANALOGY),
    references=(
        Reference(
            "TS103759-CAM", "target 0 (beacon), observation 1 Beacon-IntervalTooSmall; trigger 80 % rule", verified=True
        ),
        Reference("CAM-gen", "T_GenCamMin 100 ms, T_GenCamMax 1000 ms", verified=True),
        Reference("R155", "8.1", verified=True),
        Reference("X.1372", "clause 7.3", verified=True),
        Reference("F2MD", "DoS, DoSRandom attack types", verified=True),
    ),
    response=(
        "Drop messages of this certificate at the RSU above the rate limit.",
        "Send a misbehaviour report with two messages as evidence; check channel load at neighbours.",
    ),
    gap="",
)

ITS_02 = Threat(
    id="ITS-02",
    title="Speed not possible for the station type",
    domain="its",
    service="v2x",
    asset="OBU",
    observable="Speed above the limit for the declared type of station, or fast reverse driving.",
    streams=("v2x_cam",),
    severity=Severity.MEDIUM,
    stride=("Tampering",),
    technique=Technique("T0856", "Spoof Reporting Message", ("evasion", "impair-process-control"), Fit.ANALOGY),
    references=(
        Reference(
            "TS103759-CAM",
            "target 4 (speed), observations 3 ValueTooLarge-VehicleType and 4 DriveDirectionReverse",
            verified=True,
        ),
        Reference("TS103759-CAM-limits", "14000/8500/3000/0 cm/s; 3000 cm/s in reverse", verified=False),
        Reference("R155", "11.2", verified=True),
        Reference("TS103759-classes", "class 1", verified=True),
    ),
    response=(
        "Ignore the station in traffic functions for 60 s.",
        "Report with one message as evidence; several stations at one place point to an RSU or GNSS fault.",
    ),
    gap="",
)

ITS_03 = Threat(
    id="ITS-03",
    title="Position jump between messages",
    domain="its",
    service="v2x",
    asset="OBU",
    observable="Distance between two positions of one station is more than any vehicle can drive in the time.",
    streams=("v2x_cam",),
    severity=Severity.HIGH,
    stride=("Tampering",),
    technique=Technique("T0856", "Spoof Reporting Message", ("evasion", "impair-process-control"), Fit.ANALOGY),
    references=(
        Reference("TS103759-CAM", "target 3 (position), observation 4 Position-ChangeTooLarge", verified=True),
        Reference(
            "F2MD", "PositionConsistancy: distance < MAX_PLAUSIBLE_SPEED*time; MAX_TIME_DELTA 3.1 s", verified=True
        ),
        Reference("R155", "4.1, 11.2", verified=True),
        Reference("TS103759-classes", "class 2", verified=True),
    ),
    response=(
        "Exclude the station from queue and collision functions until 10 s are consistent.",
        "Report with the two messages; jumps of many stations at once point to GNSS trouble (ITS-16).",
    ),
    gap="",
)

ITS_04 = Threat(
    id="ITS-04",
    title="Acceleration or speed change not possible",
    domain="its",
    service="v2x",
    asset="OBU",
    observable="Reported acceleration above road grip, or speed changes more than acceleration allows.",
    streams=("v2x_cam",),
    severity=Severity.MEDIUM,
    stride=("Tampering",),
    technique=Technique("T0856", "Spoof Reporting Message", ("evasion", "impair-process-control"), Fit.ANALOGY),
    references=(
        Reference(
            "TS103759-CAM",
            "target 5 (acceleration) observation 4; target 4 observation 5 Speed-ChangeTooLarge",
            verified=True,
        ),
        Reference("TS103759-CAM-limits", "90 dm/s^2, grip 0.9", verified=False),
        Reference("F2MD", "SpeedConsistancy", verified=True),
        Reference("R155", "11.2", verified=True),
    ),
    response=(
        "Lower the trust of the station; do not raise brake warnings from it alone.",
        "Report with two messages; check whether other sensors saw hard braking.",
    ),
    gap="",
)

ITS_05 = Threat(
    id="ITS-05",
    title="Position, speed and heading disagree",
    domain="its",
    service="v2x",
    asset="OBU",
    observable="The driven track does not match reported speed or heading over several messages.",
    streams=("v2x_cam",),
    severity=Severity.HIGH,
    stride=("Tampering",),
    technique=Technique("T0856", "Spoof Reporting Message", ("evasion", "impair-process-control"), Fit.ANALOGY),
    references=(
        Reference(
            "F2MD",
            "PositionSpeedConsistancy, PositionHeadingConsistancy (MAX_HEADING_CHANGE 90, POS_HEADING_TIME 1.1), Kalman checks",
            verified=True,
        ),
        Reference("R155", "4.1, 11.2", verified=True),
        Reference("TS103759-classes", "class 2", verified=True),
        Reference("TR103460", "consistency checks", verified=True),
    ),
    response=(
        "Replace the reported state by the predicted state in displays and mark it.",
        "Report with the last five messages; repeat offenders go to the misbehaviour authority.",
    ),
    gap="",
)

ITS_06 = Threat(
    id="ITS-06",
    title="Frozen position or false stop",
    domain="its",
    service="v2x",
    asset="OBU",
    observable="Position stays fixed while speed is above zero, or a stop is reported in the middle of moving traffic.",
    streams=("v2x_cam",),
    severity=Severity.MEDIUM,
    stride=("Tampering",),
    technique=Technique("T0856", "Spoof Reporting Message", ("evasion", "impair-process-control"), Fit.ANALOGY),
    references=(
        Reference("F2MD", "ConstPos, ConstSpeed, EventualStop attack types", verified=True),
        Reference("R155", "11.2, 20.4", verified=True),
        Reference("TS103759-classes", "classes 2 and 5", verified=True),
    ),
    response=(
        "Do not publish a stationary-vehicle warning from this station alone.",
        "Use camera or loop data at the place if there is any; then report.",
    ),
    gap="",
)

ITS_07 = Threat(
    id="ITS-07",
    title="Sybil or ghost vehicles",
    domain="its",
    service="v2x",
    asset="RSU, OBU",
    observable="Several identities overlap in space, move as a rigid grid, or all appear at once near one radio source.",
    streams=("v2x_cam",),
    severity=Severity.HIGH,
    stride=("Spoofing",),
    technique=Technique("T0856", "Spoof Reporting Message", ("evasion", "impair-process-control"), Fit.ANALOGY),
    references=(
        Reference("R155", "4.2", verified=True),
        Reference(
            "F2MD",
            "Intersection > 0.5 (MAX_DELTA_INTER 2 s), SuddenAppearence (420 m, 2.1 s), GridSybil, DataReplaySybil",
            verified=True,
        ),
        Reference("X.1372", "clause 7.5", verified=True),
        Reference("TS103759-classes", "class 5", verified=True),
    ),
    response=(
        "Count the group as one vehicle in traffic-state estimates.",
        "Send one report that links all certificates; ask the PKI to check parallel use of tickets.",
    ),
    gap="",
)

ITS_08 = Threat(
    id="ITS-08",
    title="Position out of radio range or off the road",
    domain="its",
    service="v2x",
    asset="OBU, RSU",
    observable="The claimed position is further than radio can reach, or not on any road while the vehicle moves.",
    streams=("v2x_cam", "road_map"),
    severity=Severity.MEDIUM,
    stride=("Tampering",),
    technique=Technique("T0856", "Spoof Reporting Message", ("evasion", "impair-process-control"), Fit.ANALOGY),
    references=(
        Reference(
            "F2MD", "RangePlausibility MAX_PLAUSIBLE_RANGE 420; PositionPlausibility distance from route", verified=True
        ),
        Reference("R155", "4.1", verified=True),
        Reference("TS103759-classes", "class 3", verified=True),
    ),
    response=(
        "Drop the message from the local map; keep it for evidence.",
        "Check the map version and the GNSS state of the RSU before reporting many stations.",
    ),
    gap="",
)

ALL = (ITS_01, ITS_02, ITS_03, ITS_04, ITS_05, ITS_06, ITS_07, ITS_08)
