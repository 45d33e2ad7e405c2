"""A multicast querier that should not be one takes over, or queries in a way that floods the network.

- A general query from a host that the site file does not list as a querier; without the list: from one that was none before,
  while the querier of that VLAN is still heard (RFC 3376 section 8.5: it is gone after 255 s).
- A general query that all members must answer within less than a second: all reports come at once.
- General queries of one source again and again, above `queries_max` in ten seconds.

Queries from 0.0.0.0 are those of snooping switches (RFC 4541 section 2.1.1) and take over nothing. Blind spot: without the list, a
forger who waits until the querier fails, or who is the first. Source: threat MC-01 of the catalogue; RFC 3376 section 9.1.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, Last, Recent, SeenBefore, TimeSince
from detectors.profiles import multicast
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IGMP


@dataclass(frozen=True)
class Params:
    response_min_s: float = 1.0  # maximum response time of a general query: fires below
    queries_max: int = 4  # general queries of one source in `window_s`: fires above
    window_s: float = 10.0
    gone_s: float = 255.0  # silence after which another host may take over
    known_s: float = 2_592_000.0  # how long a querier is known


VLAN = ("vlan",)
QUERY = Derived("general query", (pl.col("type") == "general_query") & ~pl.col("source").is_in(["0.0.0.0", "::"]))


def build(p: Params, site: Site) -> Firing:
    last, since = Last(VLAN, "source", QUERY), TimeSince(VLAN, QUERY)
    known = SeenBefore(VLAN, p.known_s, 16, "source", QUERY)
    count = CountWithin(("vlan", "source"), p.window_s, 2 * p.queries_max + 2, QUERY)
    if site.multicast.queriers is None:
        takes_over = (last.col != pl.col("source")) & (since.col <= p.gone_s)
        foreign = QUERY.col & takes_over.fill_null(False) & ~known.col
    else:
        foreign = QUERY.col & ~pl.col("source").is_in(site.multicast.queriers)
    # IGMPv1 has no maximum response time.
    asks_at_once = (pl.col("max_response_s") > 0) & (pl.col("max_response_s") < p.response_min_s)
    hasty = QUERY.col & asks_at_once.fill_null(False) & (pl.col("version").fill_null(2) > 1)
    floods = QUERY.col & (count.col > p.queries_max)
    why = (
        pl.when(foreign)
        .then(pl.format("{} queries in place of the querier", "source"))
        .when(hasty)
        .then(pl.format("{} has all members answer within {} s", "source", "max_response_s"))
        .otherwise(pl.format("{} queries {} times in {} s", "source", count.col, pl.lit(p.window_s)))
    )
    return Firing(
        when=foreign | hasty | floods,
        memories=(last, since, known, count),
        values={
            "why": why,
            "vlan_name": pl.format("VLAN {}", pl.col("vlan").cast(pl.String).fill_null("untagged")),
            "querier": last.col.fill_null("a configured one"),
        },
        trail=(Recent(VLAN, seconds=300.0, at_most=10, where=QUERY),),
    )


def _query(time: float, source: str, max_response_s: float = 10.0, **fields: object) -> dict[str, object]:
    return {
        "time": time,
        "switch": "acc-3",
        "port": "ge-0/0/48",
        "vlan": 40,
        "source": source,
        "type": "general_query",
        "max_response_s": max_response_s,
        "version": 3,
        **fields,
    }


_USUAL = [_query(125.0 * i, "10.40.0.2") for i in range(4)]
_SITE = {"multicast": {"queriers": ["10.40.0.2", "10.40.0.3"]}}

DETECTOR = Detector(
    id="igmp_querier",
    version=1,
    threat=multicast.MC_01,
    record=IGMP,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    parties=Parties("switch port", "port", source="source"),
    dedup=("switch", "port"),
    episode_s=900.0,
    says="{why} at {port} of {switch}, {vlan_name}",
    observed="{why}",
    expected="queries of {querier}, one in two minutes, with seconds to answer",
    runbook=(
        "Find the host behind the port; shut the port if it is no router.",
        "Enable querier guard (IGMP query filter) on access ports.",
        "Check GOOSE and PMU multicast on the same switch: they share the tables.",
    ),
    tolerance="a late query takes over nothing and counts at the clock of its VLAN",
    examples=(
        fires_on("a host at an access port takes over", [*_USUAL, _query(400.0, "10.0.0.1", port="ge-0/0/7")]),
        fires_on("a host that is no querier of the site", [_query(0.0, "10.0.0.1")], site=_SITE),
        fires_on("all members have to answer at once", [*_USUAL, _query(400.0, "10.40.0.2", 0.1)]),
        fires_on("queries without end", [_query(0.5 * i, "10.40.0.2") for i in range(20)]),
        quiet_on("the querier and a snooping switch", [*_USUAL, _query(380.0, "0.0.0.0")]),
        quiet_on(
            "it fails, its stand-in takes over, and it comes back",
            [*_USUAL, _query(640.0, "10.40.0.3"), _query(765.0, "10.40.0.3"), _query(770.0, "10.40.0.2")],
        ),
        quiet_on(
            "start-up queries, and one after a change of topology", [_query(31.0 * i, "10.40.0.2") for i in range(4)]
        ),
        quiet_on("a stand-in that the site knows", [*_USUAL, _query(380.0, "10.40.0.3")], site=_SITE),
    ),
)
