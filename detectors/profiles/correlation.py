"""What is seen in alerts together: no threats of the catalogue, but courses of an attack, with ids of their own."""

from detectors.profiles.threat import Fit, Reference, Severity, Technique, Threat

_UKRAINE = Reference(
    "E-ISAC and SANS ICS, Analysis of the Cyber Attack on the Ukrainian Power Grid, 2016",
    "30 substations of three companies in half an hour, after months of reconnaissance",
    verified=False,
)

COR_01 = Threat(
    id="COR-01",
    title="One source against many sites",
    domain="smart_grid",
    service="correlation",
    asset="all sites",
    observable="Alerts at several sites name the same source.",
    streams=("alert",),
    severity=Severity.HIGH,
    stride=("Elevation of privilege",),
    technique=Technique("T0886", "Remote Services", ("initial-access", "lateral-movement"), Fit.APPROXIMATE),
    references=(_UKRAINE,),
    response=(
        "Block the source between the sites, not at one of them.",
        "Look for it at the sites that raised no alert yet.",
    ),
    gap="",
)

COR_02 = Threat(
    id="COR-02",
    title="Load switched at meters while substations are commanded",
    domain="smart_grid",
    service="correlation",
    asset="distribution grid",
    observable="Alerts of mass switching by the head-end and of unauthorised substation commands within an hour.",
    streams=("alert",),
    severity=Severity.CRITICAL,
    stride=("Denial of service", "Tampering"),
    technique=Technique("T0826", "Loss of Availability", ("impact",), Fit.APPROXIMATE),
    references=(_UKRAINE,),
    response=(
        "Call the control centre: switch by telephone and by hand until remote control is clean.",
        "Freeze the head-end's queue and block the source of the commands at once.",
    ),
    gap="",
)

COR_03 = Threat(
    id="COR-03",
    title="Reconnaissance followed by commands of the same source",
    domain="smart_grid",
    service="correlation",
    asset="RTU, IED, PLC",
    observable="A source that scanned sends commands or writes within a day.",
    streams=("alert",),
    severity=Severity.CRITICAL,
    stride=("Information disclosure", "Tampering"),
    technique=Technique("T0855", "Unauthorized Command Message", ("impair-process-control",), Fit.DIRECT),
    references=(
        _UKRAINE,
        Reference(
            "Assante and Lee, The Industrial Control System Cyber Kill Chain, SANS, 2015", "stage 2", verified=False
        ),
    ),
    response=(
        "Take the source off the control network.",
        "Read back the outputs and set points of every device that it scanned, not only of those it wrote to.",
    ),
    gap="",
)

COR_04 = Threat(
    id="COR-04",
    title="Ghost vehicles while the channel is jammed",
    domain="its",
    service="correlation",
    asset="roadside unit",
    observable="One roadside unit hears made-up vehicles while its channel is jammed: the honest ones are to be replaced.",
    streams=("alert",),
    severity=Severity.CRITICAL,
    stride=("Spoofing", "Denial of service"),
    technique=Technique("T0832", "Manipulation of View", ("impact",), Fit.ANALOGY),
    references=(Reference("X.1372", "clauses 7.3 and 7.5", verified=True),),
    response=(
        "Take the roadside unit out of traffic control; use loops and cameras at the place.",
        "Send somebody: the sender is within radio range.",
    ),
    gap="",
)

COR_05 = Threat(
    id="COR-05",
    title="Alert storm",
    domain="smart_grid",
    service="correlation",
    asset="the people who watch",
    observable="Far more alerts of one detector, or of one site, than usual.",
    streams=("alert",),
    severity=Severity.MEDIUM,
    stride=("Denial of service",),
    technique=Technique("T0878", "Alarm Suppression", ("inhibit-response-function",), Fit.ANALOGY),
    references=(Reference("ANSI/ISA-18.2", "alarm flood: more than ten alarms in ten minutes", verified=False),),
    response=(
        "Look for the rare alerts beside the storm first: it may be there to hide them.",
        "Find the common cause; suppress what is explained, with an expiry.",
    ),
    gap="",
)

ALL = (COR_01, COR_02, COR_03, COR_04, COR_05)
