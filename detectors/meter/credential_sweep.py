"""A client is refused by many meters, or one meter refuses again and again: passwords or keys are being tried.

Counts different meters that rejected a client's association within an hour, where they are most of those that it asked for
one or that served it (associations may be held open), and rejections of one meter within ten minutes by whatever client. An
association that succeeds after such a sweep is an alert of its own: a key was found. Blind spot: a sweep slower than the
windows; one hidden in the many successes of a head-end's own address. A field tool with an old key looks the same. Source:
threat SG-10 of the catalogue; DLMS/COSEM association result and diagnostic; ITU-T X.1331 clause 7.4.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, DistinctWithin, Recent
from detectors.profiles import smart_grid_ami
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import DLMS_SESSION


@dataclass(frozen=True)
class Params:
    meters_min: int = 10  # meters that rejected the client in the hour
    share_min: float = 0.5  # of the meters that it asked or that served it: fires from here
    sweep_s: float = 3600.0
    failures_min: int = 5  # rejections by one meter in ten minutes
    failures_s: float = 600.0


# A meter that serves a client has let it in before; what fails without an association tells nothing of keys.
ASKED = Derived("asked or served", (pl.col("service") == "associate") | (pl.col("result").fill_null("") == "success"))
# A result that the source does not know is no rejection.
REJECTED = Derived("rejected", (pl.col("service") == "associate") & (pl.col("result").fill_null("") == "rejected"))
ACCEPTED = (pl.col("service") == "associate") & (pl.col("result").fill_null("") == "success")


def build(p: Params, site: Site) -> Firing:
    def meters(where: Derived) -> DistinctWithin:
        most = 2 * max(500, p.meters_min)
        return DistinctWithin(("source",), seconds=p.sweep_s, at_most=most, value="meter", where=where)

    asked, refusing = meters(ASKED), meters(REJECTED)
    failures = CountWithin(("meter",), seconds=p.failures_s, at_most=2 * p.failures_min + 100, where=REJECTED)
    sweeps = (refusing.col >= p.meters_min) & (refusing.col >= p.share_min * asked.col)
    insists = failures.col >= p.failures_min
    why = (
        pl.when(ACCEPTED)
        .then(pl.format("{} got into {} after {} meters had refused it", "source", "meter", refusing.col))
        .when(sweeps)
        .then(pl.format("{} was refused by {} of {} meters", "source", refusing.col, asked.col))
        .otherwise(pl.format("{} refused {} associations, the last of {}", "meter", failures.col, "source"))
    )
    return Firing(
        when=(REJECTED.col & (sweeps | insists)) | (ACCEPTED & sweeps),
        memories=(asked, refusing, failures),
        values={
            "why": why,
            "refusing": refusing.col,
            "asked": asked.col,
            "failures": failures.col,
            "client": pl.format("{} (client {})", "source", "client_sap"),
        },
        trail=(
            Recent(("source",), seconds=p.sweep_s, at_most=50, where=REJECTED),
            Recent(("meter",), seconds=p.failures_s, at_most=20, where=REJECTED),
        ),
    )


def _asks(meters: range, result: str, begin: float = 0.0, every_s: float = 5.0) -> list[dict[str, object]]:
    return [
        {
            "time": begin + i * every_s,
            "source": "10.9.0.66",
            "meter": f"M{meter}",
            "service": "associate",
            "result": result,
        }
        for i, meter in enumerate(meters)
    ]


DETECTOR = Detector(
    id="credential_sweep",
    version=2,
    threat=smart_grid_ami.SG_10,
    record=DLMS_SESSION,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("meter", "meter", source="source", destination="meter"),
    dedup=("source", "result"),
    episode_s=3600.0,
    says="{why}",
    observed="{refusing} of {asked} meters refused {client} within the hour; {failures} refusals by {meter} in ten minutes",
    expected="associations that succeed, now and then one that is refused",
    runbook=(
        "Block the client's address at the head-end's firewall; lock the client's account where the meter can.",
        "Where an association succeeded, renew the secret of the whole batch of meters.",
        "Ask whether a field tool or a key roll-out explains it.",
    ),
    tolerance="a late session counts at the clock of its client; one later than the window is not counted",
    examples=(
        fires_on("30 meters refuse one client", _asks(range(30), "rejected")),
        fires_on(
            "the thirty-first lets it in: an alert of its own",
            _asks(range(30), "rejected") + _asks(range(30, 31), "success", 200.0),
            alerts=2,
        ),
        fires_on(
            "a meter refuses six times in two minutes",
            _asks(range(1), "rejected", every_s=20.0) * 1
            + [{**a, "time": 20.0 * i} for i, a in enumerate(_asks(range(1), "rejected") * 6)],
        ),
        quiet_on(
            "a reading round in which twelve of a hundred meters refuse",
            _asks(range(100), "success") + _asks(range(100, 112), "rejected", 500.0),
        ),
        quiet_on(
            "a round over open associations, in which twelve of a hundred meters refuse a new one",
            [{**a, "service": "get"} for a in _asks(range(100), "success")] + _asks(range(100, 112), "rejected", 500.0),
        ),
        quiet_on(
            "a meter whose key is wrong, tried every quarter of an hour",
            [{**a, "time": 900.0 * i} for i, a in enumerate(_asks(range(1), "rejected") * 40)],
        ),
    ),
)
