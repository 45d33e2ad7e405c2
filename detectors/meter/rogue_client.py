"""A client that is not enrolled writes to meters, or reads many; or an enrolled one reads far more than its schedule.

Enrolled is who stands in `meters.clients` of the site file. Without that, a client is a stranger for its first day in a
log that is itself older than a day. Blind spot: without site file a stranger who waits a day, and what an enrolled client's
account is used for; bulk reads of an enrolled client whose schedule (`meters_per_hour`) is not given. Source: threat SG-15 of
the catalogue; ITU-T X.1331 clauses 7.1 and 7.4; X.1332 (personal information in metering data).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.facts.meters import Client
from detectors.memory import CountWithin, Derived, DistinctWithin, Recent, TimeSince
from detectors.profiles import smart_grid_ami
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import DLMS_SESSION


@dataclass(frozen=True)
class Params:
    meters_min: int = 20  # meters that a stranger reads in an hour
    read_mult: float = 3.0  # times the schedule: an enrolled client fires above
    read_s: float = 3600.0
    new_s: float = 86_400.0  # for so long a client is a stranger, where the site file lists none


#: A client unheard for so long is a stranger again, seconds.
FORGOTTEN_S = 30 * 86_400.0
READS = Derived("reads", pl.col("service") == "get")
WRITES = pl.col("service").is_in(["set", "action"])


def _is(client: Client) -> pl.Expr:
    """Whether a record is of an enrolled client; a title that the record does not give is not the one enrolled."""
    own = pl.col("source") == client.source
    if client.client_sap is not None:
        own &= pl.col("client_sap") == client.client_sap
    if client.system_title is not None:
        own &= pl.col("system_title").fill_null("") == client.system_title
    return own


def build(p: Params, site: Site) -> Firing:
    def age(by: str) -> TimeSince:
        heard = CountWithin((by,), seconds=FORGOTTEN_S, at_most=2)
        return TimeSince((by,), Derived(f"first of {by}", heard.col == 1, (heard,)))

    clients = site.meters.clients
    most = max([500, 2 * p.meters_min, *(int(2 * p.read_mult * (c.meters_per_hour or 0)) for c in clients or ())])
    read = DistinctWithin(("source",), seconds=p.read_s, at_most=most, value="meter", where=READS)
    ages = (age("source"), age("headend"))
    if clients is None:
        # The very first record of a client has no age: it is a stranger's. That of a log is: nobody is known yet.
        stranger = (ages[0].col.fill_null(0.0) < p.new_s) & (ages[1].col.fill_null(0.0) > p.new_s)
    else:
        stranger = ~pl.any_horizontal(pl.lit(False), *map(_is, clients))
    schedule = pl.coalesce(
        *(pl.when(_is(c)).then(pl.lit(c.meters_per_hour)) for c in clients or () if c.meters_per_hour),
        pl.lit(None, dtype=pl.Int64),
    )
    greedy = READS.col & (read.col > p.read_mult * schedule).fill_null(False)
    bulk = READS.col & stranger & (read.col >= p.meters_min)
    why = (
        pl.when(WRITES & stranger)
        .then(pl.format("sends {} to {}", "service", "meter"))
        .otherwise(pl.format("read {} meters within the hour", read.col))
    )
    who = pl.when(stranger).then(pl.lit("stranger ")).otherwise(pl.lit("")) + pl.col("source")
    return Firing(
        when=(WRITES & stranger) | greedy | bulk,
        memories=(read, *(ages if clients is None else ())),
        values={"why": why, "who": who, "title": pl.col("system_title").fill_null("not given")},
        trail=(Recent(("source",), seconds=p.read_s, at_most=50),),
    )


def _asks(
    number: int, service: str = "get", source: str = "10.1.0.5", begin: float = 0.0, every_s: float = 10.0
) -> list[dict[str, object]]:
    return [
        {
            "time": begin + i * every_s,
            "headend": "H1",
            "source": source,
            "client_sap": 1,
            "meter": f"M{i}",
            "service": service,
        }
        for i in range(number)
    ]


_SITE = {"meters": {"clients": [{"source": "10.1.0.5", "client_sap": 1, "meters_per_hour": 100}]}}
_DAYS = [a for day in range(3) for a in _asks(5, begin=day * 40_000.0)]

DETECTOR = Detector(
    id="rogue_client",
    version=1,
    threat=smart_grid_ami.SG_15,
    record=DLMS_SESSION,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.MEDIUM,
    parties=Parties("headend", "headend", source="source", destination="meter"),
    dedup=("source",),
    episode_s=3600.0,
    says="{who} {why}, as client {client_sap}",
    observed="{who} {why}; client {client_sap}, system title {title}",
    expected="reads and writes of enrolled clients, as their schedule has it",
    runbook=(
        "Block the client and verify that meters still accept the enrolled system titles only.",
        "For bulk reads, list the customers concerned: it can be a breach of personal data to report.",
        "Enter a new head-end or field tool in the site file (meters.clients).",
    ),
    tolerance="a late session counts at the clock of its client; one later than the window is not counted",
    examples=(
        fires_on("a stranger writes", [*_DAYS, *_asks(1, "set", "10.9.0.66", 100_000.0)]),
        fires_on("a stranger reads 25 meters", [*_DAYS, *_asks(25, "get", "10.9.0.66", 100_000.0)]),
        fires_on("a client that the site file does not list writes", _asks(1, "action", "10.9.0.66"), site=_SITE),
        fires_on("the head-end reads 400 meters in an hour", _asks(400, every_s=5.0), site=_SITE),
        quiet_on("the head-end reads and writes", _asks(200, "get") + _asks(50, "set", begin=2000.0), site=_SITE),
        quiet_on("the first day of a log", _asks(50) + _asks(5, "set", "10.1.0.6", 600.0)),
        quiet_on("a new tool reads three meters", [*_DAYS, *_asks(3, "get", "10.9.0.7", 100_000.0)]),
    ),
)
