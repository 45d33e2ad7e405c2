"""A device of a home asks for many domains that do not exist: a bot that looks for its master by made-up names.

Counts different registered domains that a device asked for and that do not exist, where most of its questions end so. Blind
spot: a bot that finds its master soon; names below one domain. A resolver that says NXDOMAIN for what it blocks makes a device
that asks for much advertising look the same; have it answer otherwise. Source: threat HN-02 of the catalogue; RFC 8020
(NXDOMAIN).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.home_devices import domain_of
from detectors.memory import CountWithin, Derived, DistinctWithin, Recent
from detectors.profiles import home_network
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import DNS_QUERY


@dataclass(frozen=True)
class Params:
    domains_min: int = 30  # that do not exist, in the window
    share_min: float = 0.5  # of the questions: fires above
    window_s: float = 600.0


DEVICE = ("device",)
IN_VAIN = Derived("no such name", pl.col("result") == "nxdomain")
DOMAIN = Derived("registered domain", domain_of(pl.col("name").str.to_lowercase()))


def build(p: Params, site: Site) -> Firing:
    domains = DistinctWithin(DEVICE, p.window_s, 20 * p.domains_min, DOMAIN, IN_VAIN)
    vain, every = CountWithin(DEVICE, p.window_s, 2000, IN_VAIN), CountWithin(DEVICE, p.window_s, 2000)
    return Firing(
        when=IN_VAIN.col & (domains.col >= p.domains_min) & (vain.col > p.share_min * every.col),
        memories=(domains, vain, every),
        values={"domains": domains.col, "vain": vain.col, "every": every.col, "minutes": pl.lit(p.window_s / 60)},
        trail=(Recent(DEVICE, p.window_s, 20, IN_VAIN),),
    )


def _queries(number: int, name: str, result: str = "nxdomain", every_s: float = 2.0) -> list[dict[str, object]]:
    return [
        {
            "time": every_s * i,
            "home": "home-0815",
            "device": "02:00:5e:10:00:09",
            "name": name.format(i),
            "result": result,
        }
        for i in range(number)
    ]


DETECTOR = Detector(
    id="home_dga",
    version=1,
    threat=home_network.HN_02,
    record=DNS_QUERY,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    parties=Parties("home device", "device", source="device", destination="home"),
    dedup=("home", "device"),
    episode_s=3600.0,
    says="{device} of {home} asked for {domains} domains that do not exist in {minutes} min, the last: {name}",
    observed="{vain} of {every} questions in vain, {domains} domains",
    expected="names that exist, or few others",
    runbook=(
        "Move the device to a guest network with only its broker allowed.",
        "Keep the names: they tell which bot it is.",
        "Send the customer a clear notice.",
    ),
    tolerance="a late question counts at the clock of its device; one later than the window is not counted",
    examples=(
        fires_on("a domain after the other", _queries(60, "x{0}q.example{0}")),
        quiet_on("a search list of the home is tried for every name", _queries(200, "host{}.fritz.box")),
        quiet_on("the line is down", _queries(200, "www.site{}.example", "servfail")),
        quiet_on(
            "browsing, with names in vain now and then",
            [*_queries(45, "a{0}.s{0}", "noerror"), *_queries(40, "b{0}.t{0}")],
        ),
    ),
)
