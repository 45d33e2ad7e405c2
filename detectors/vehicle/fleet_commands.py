"""One account commands many vehicles, vehicles that are not its own, or suddenly from another country.

- Unlocking, starting, stopping, immobilising or ending the charge of more than `vehicles_max` vehicles within `window_s` without an
  order, or of more than `vehicles.accounts` of the site file says of the account. Who does so as a rule is judged by five times
  the own mean.
- A command to a vehicle on which the account has no rights is carried out, or it is refused for `tried_min` vehicles within `window_s`.
- A command from a country from which the account never gave one, within an hour of requests from another country.

Blind spot: commands under stolen accounts of many holders, one vehicle each; orders made up; log-ons by a relay in the usual
country. Source: threat ITS-25 of the catalogue; UN R155 annex 5, 1.1 and 16.1; ITU-T X.1371 clause 7.1.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Derived, DistinctWithin, Ewma, Recent, SeenBefore
from detectors.profiles import its_vehicle
from detectors.profiles.threat import Severity
from detectors.reasons import reasons
from detectors.site import Site
from schemas.records import FLEET_REQUEST


@dataclass(frozen=True)
class Params:
    vehicles_max: int = 5  # that an account commands in the window
    usual: float = 5.0  # times the mean of what the account does as a rule
    tried_min: int = 5  # vehicles in the window at which it is refused
    window_s: float = 600.0
    travel_s: float = 3600.0  # in which requests come from two countries


MANY = 1000
ACCOUNT = ("account",)
COMMANDS = Derived(
    "commands",
    pl.col("action").is_in(["unlock", "start", "stop", "immobilise", "charge_stop", "configure"])
    & pl.col("vehicle").is_not_null(),
)
BARE = Derived("commands without an order", COMMANDS.expr & pl.col("work_order").is_null())
_FOREIGN = (pl.col("owned") == False) & (pl.col("action") != "log_on")  # noqa: E712
REFUSED = Derived("refused at a foreign vehicle", (_FOREIGN & (pl.col("result") == "refused")).fill_null(False))
PLACED = Derived("commands from a known country", COMMANDS.expr & pl.col("country").is_not_null())


def build(p: Params, site: Site) -> Firing:
    many = DistinctWithin(ACCOUNT, p.window_s, MANY, "vehicle", BARE)
    rate = Derived(f"vehicles commanded in {p.window_s:g}s", many.col.cast(pl.Float64), (many,))
    usual = Ewma(ACCOUNT, value=rate, alpha=0.002, least=200, where=BARE)
    tried = DistinctWithin(ACCOUNT, p.window_s, MANY, "vehicle", REFUSED)
    countries = DistinctWithin(ACCOUNT, p.travel_s, 10, "country")
    there = SeenBefore(ACCOUNT, 30 * 86_400.0, 50, "country", PLACED)
    listed = {a.account: a.vehicles for a in site.vehicles.accounts if a.vehicles is not None}
    learned = pl.max_horizontal(pl.lit(float(p.vehicles_max)), p.usual * usual.col.fill_null(0.0))
    most = pl.col("account").replace_strict(listed, default=None, return_dtype=pl.Float64).fill_null(learned)
    fires, why = reasons(
        (
            COMMANDS.expr & _FOREIGN & (pl.col("result") == "done"),
            pl.format("{} of {}, on which it has no rights", "action", "vehicle"),
        ),
        (
            BARE.col & (many.col > most),
            pl.format(
                "commands to {} vehicles in {} s, at most {} expected", many.col, pl.lit(p.window_s), most.round(0)
            ),
        ),
        (
            REFUSED.col & (tried.col >= p.tried_min),
            pl.format("refused at {} vehicles on which it has no rights", tried.col),
        ),
        (
            PLACED.col & (countries.col > 1) & ~there.col,
            pl.format("{} from {}, where it never was, and from elsewhere within the hour", "action", "country"),
        ),
    )
    return Firing(
        when=fires,
        memories=(many, usual, tried, countries, there),
        values={"why": why, "on": pl.col("vehicle").fill_null("the fleet")},
        trail=(
            Recent(ACCOUNT, seconds=p.window_s, at_most=50, where=BARE),
            Recent(ACCOUNT, seconds=p.window_s, at_most=50, where=REFUSED),
        ),
    )


def _request(time: float, vehicle: int | None = 0, action: str = "unlock", **fields: object) -> dict[str, object]:
    start = {"time": time, "backend": "fleet-1", "account": "app-7", "host": "198.51.100.23", "country": "DE"}
    return {**start, "action": action, "vehicle": f"v{vehicle}", "result": "done", "owned": True, **fields}


_DEPOT = [_request(3600.0 * h + 6 * v, v, "start", account="depot") for h in range(20) for v in range(30)]
_TRIP = [_request(0), _request(1000, action="read", country="AT"), _request(1800, country="AT")]
_SITE = {"vehicles": {"accounts": [{"account": "depot", "vehicles": 40}]}}

DETECTOR = Detector(
    id="fleet_commands",
    version=1,
    threat=its_vehicle.ITS_25,
    record=FLEET_REQUEST,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.MEDIUM,
    parties=Parties("account", "account", source="host", destination="vehicle"),
    dedup=("backend", "account"),
    episode_s=3600.0,
    says="account {account} from {host}: {why}",
    observed="{why}",
    expected="commands to its own vehicles, a few at a time, from where it is used",
    runbook=(
        "Revoke the token, stop the queue of commands, keep the vehicles in their present state.",
        "List the vehicles and their holders; look for the hole in the interface that let it through.",
        "List accounts that command many vehicles in the site file (vehicles.accounts).",
    ),
    tolerance="a late request counts at the clock of its account",
    examples=(
        fires_on("one token unlocks 80 vehicles in three minutes", [_request(2.2 * i, i) for i in range(80)]),
        fires_on("a vehicle of somebody else", [_request(0, owned=False)]),
        fires_on(
            "vehicles are tried one by one",
            [_request(3.0 * i, i, "read", owned=False, result="refused") for i in range(9)],
        ),
        fires_on("another country within the hour", _TRIP),
        fires_on(
            "a depot starts twice as many as listed",
            [_request(i, i, "start", account="depot") for i in range(80)],
            site=_SITE,
        ),
        quiet_on("a depot in the morning, as listed", _DEPOT, site=_SITE),
        quiet_on("a family and its two cars", [_request(60.0 * i, i % 2) for i in range(30)]),
        quiet_on("a recall under an order", [_request(i, i, "configure", work_order="R5") for i in range(80)]),
        quiet_on("a traveller without commands", _TRIP[:2]),
    ),
)
