"""One account takes out the data of far more vehicles than it does as a rule.

Fires on a request that hands out data, when the account read or exported more than `vehicles_max` vehicles within an hour, or more than
`records_max` records within a day: both at least `usual` times its own mean, once it is known for `learn` requests. `vehicles.accounts` of
the site file says otherwise of single accounts. Blind spot: exports spread over months or over many accounts; an account that takes out
much from its first day on and is not judged by the site file. Source: threat ITS-25 of the catalogue; UN R155 annex 5, 1.1 and 3.3.
"""

from dataclasses import dataclass
from typing import Any

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Derived, DistinctWithin, Ewma, Recent, SumWithin
from detectors.profiles import its_vehicle
from detectors.profiles.threat import Severity
from detectors.reasons import reasons
from detectors.site import Site
from schemas.records import FLEET_REQUEST


@dataclass(frozen=True)
class Params:
    vehicles_max: int = 50  # that an account reads in an hour
    records_max: int = 20_000  # that an account takes in a day
    usual: float = 5.0  # times the mean of the account
    learn: int = 100  # requests after which there is such a mean


HOUR_S, DAY_S = 3600.0, 86_400.0
MANY = 5000
ACCOUNT = ("account",)
TAKES = Derived("takes data", pl.col("action").is_in(["read", "export"]) & (pl.col("result") == "done"))


def build(p: Params, site: Site) -> Firing:
    read = DistinctWithin(ACCOUNT, HOUR_S, MANY, "vehicle", TAKES)
    taken = SumWithin(ACCOUNT, DAY_S, MANY, "records", TAKES)
    vehicles = Derived("vehicles read", read.col.cast(pl.Float64), (read,))
    records = Derived("records taken", taken.col, (taken,))
    means = [Ewma(ACCOUNT, value=v, alpha=0.002, least=p.learn, where=TAKES) for v in (vehicles, records)]
    listed = {a.account: a.records for a in site.vehicles.accounts if a.records is not None}
    own = pl.col("account").replace_strict(listed, default=None, return_dtype=pl.Float64)
    most_vehicles = pl.max_horizontal(pl.lit(float(p.vehicles_max)), p.usual * means[0].col.fill_null(0.0))
    most_records = own.fill_null(pl.max_horizontal(pl.lit(float(p.records_max)), p.usual * means[1].col.fill_null(0.0)))
    fires, why = reasons(
        (
            TAKES.col & (taken.col > most_records),
            pl.format("{} records in a day, at most {} expected", taken.col.round(0), most_records.round(0)),
        ),
        (
            TAKES.col & (read.col > most_vehicles) & own.is_null(),
            pl.format("{} vehicles read in an hour, at most {} expected", read.col, most_vehicles.round(0)),
        ),
    )
    return Firing(
        when=fires,
        memories=(read, taken, *means),
        values={"why": why},
        trail=(Recent(ACCOUNT, seconds=HOUR_S, at_most=50, where=TAKES),),
    )


def _takes(number: int, begin: float = 0.0, each_s: float = 10.0, **fields: Any) -> list[dict[str, object]]:
    start = {"backend": "fleet-1", "account": "insurer", "host": "203.0.113.5", "action": "read", "result": "done"}
    return [{"time": begin + each_s * i, "vehicle": f"v{i}", "records": 10, **start, **fields} for i in range(number)]


_EXPORT: dict[str, Any] = {"action": "export", "vehicle": None}

DETECTOR = Detector(
    id="fleet_export",
    version=1,
    threat=its_vehicle.ITS_25,
    record=FLEET_REQUEST,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.LOW,
    parties=Parties("account", "account", source="host"),
    dedup=("backend", "account"),
    episode_s=21_600.0,
    says="account {account} from {host}: {why}",
    observed="{why}",
    expected="the vehicles and records that the account takes as a rule",
    runbook=(
        "Revoke the token; stop exports that are under way.",
        "List the vehicles and holders whose data were taken; check the duties of data protection.",
        "Enter what an account may take in the site file (vehicles.accounts).",
    ),
    tolerance="a late request counts at the clock of its account",
    examples=(
        fires_on("two hundred vehicles in half an hour", _takes(200)),
        fires_on("an export of 200,000 records", [*_takes(20), *_takes(1, 300, records=200_000, **_EXPORT)]),
        fires_on(
            "more than the site file allows",
            _takes(30, records=100),
            site={"vehicles": {"accounts": [{"account": "insurer", "records": 2000}]}},
        ),
        quiet_on("a holder looks at two cars", [{**t, "vehicle": f"v{i % 2}"} for i, t in enumerate(_takes(300))]),
        quiet_on("requests that are refused", _takes(200, result="refused")),
        quiet_on(
            "an export every night, as listed",
            [t for d in range(5) for t in _takes(1, 86_400.0 * d, records=100_000, **_EXPORT)],
            site={"vehicles": {"accounts": [{"account": "insurer", "records": 150_000}]}},
        ),
    ),
)
