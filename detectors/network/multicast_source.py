"""A second source sends into a multicast group whose source sends on.

- With the site's list of a group's sources (`iptv.sources`): any other one.
- Without: one that is new to the group and goes on for `sustained_s` while a source that has been there for `settled_s` goes on
  too. Two sources that began together (redundant encoders), and a stand-in that takes over, are none.

Blind spot: without the list, a forger who sends before the group has a settled source, or after its source fell silent; a
forged source address. Source: threat TV-01 of the catalogue; ITU-T X.1191 clause 6.2; RFC 4607 (one source a channel).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.grouping import TIME
from detectors.memory import Derived, DistinctWithin, Least, Recent
from detectors.profiles import iptv
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import MULTICAST_FLOW


@dataclass(frozen=True)
class Params:
    sustained_s: float = 90.0  # beside the settled source before it counts
    settled_s: float = 900.0  # in the group before a source is its own
    going_on_s: float = 60.0  # a source that was heard this long ago still sends


SENDS = Derived("sends", pl.col("packets") > 0)
CLOCK = Derived("event time", pl.col(TIME).cast(pl.Float64))


def build(p: Params, site: Site) -> Firing:
    first = Least(("group", "source"), CLOCK, SENDS)
    age_s = ((CLOCK.expr - first.col) * 1e-6).fill_null(0.0)
    settled = Derived(f"sends for {p.settled_s:g}s", SENDS.expr & (age_s >= p.settled_s), (first,))
    others = DistinctWithin(("group",), p.going_on_s, 8, "source", settled)
    beside = age_s.is_between(p.sustained_s, p.settled_s, closed="left") & (others.col > 0)
    listed = site.iptv.sources or {}
    of_site = pl.concat_str([pl.col("group"), pl.col("source")], separator=" ").is_in(
        [f"{group} {source}" for group, sources in listed.items() for source in sources]
    )
    foreign = pl.when(pl.col("group").is_in(list(listed))).then(~of_site).otherwise(beside)
    return Firing(
        when=SENDS.col & foreign,
        memories=(first, others),
        values={"rate": pl.col("packets") / pl.col("interval_s")},
        trail=(Recent(("group",), p.going_on_s, 10, SENDS),),
    )


def _flow(time: float, source: str, packets: int = 3800) -> dict[str, object]:
    into = {"headend": "headend-1", "group": "239.1.1.5", "interval_s": 10.0}
    return {"time": time, **into, "source": source, "packets": packets}


def _flows(source: str, begin: float, end: float) -> list[dict[str, object]]:
    return [_flow(begin + 10.0 * i, source) for i in range(int((end - begin) / 10))]


def _by_time(*records: dict[str, object]) -> list[dict[str, object]]:
    return sorted(records, key=lambda r: float(str(r["time"])))


_OWN = _flows("10.9.0.1", 0, 2000)
_SITE = {"iptv": {"sources": {"239.1.1.5": ["10.9.0.1", "10.9.0.2"]}}}

DETECTOR = Detector(
    id="multicast_source",
    version=1,
    threat=iptv.TV_01,
    record=MULTICAST_FLOW,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    parties=Parties("multicast group", "group", source="source", destination="group"),
    dedup=("group",),
    episode_s=900.0,
    says="{source} sends {rate} packets/s into {group}, which has a source of its own",
    observed="{packets} packets in {interval_s} s from {source}",
    expected="packets of the group's own source",
    runbook=(
        "Drop the source at the edge; allow the group's own source alone (source-specific multicast, access lists).",
        "Look at the picture; show the fallback slate if it is not the channel's.",
        "Find the port that the source sends from.",
    ),
    tolerance="a late record is judged by the age of its source, and counts at the group's clock",
    examples=(
        fires_on("a second source beside the first", _by_time(*_OWN, *_flows("10.66.0.1", 1500, 1800))),
        fires_on("a source that is not on the list", [_flow(0.0, "10.66.0.1")], site=_SITE),
        quiet_on(
            "a stand-in takes over and overlaps for half a minute",
            _by_time(*_flows("10.9.0.1", 0, 1500), *_flows("10.9.0.2", 1470, 2400)),
        ),
        quiet_on("two encoders from the start", _by_time(*_OWN, *_flows("10.9.0.2", 3, 2000))),
        quiet_on("a stand-in of the list", [_flow(0.0, "10.9.0.1"), _flow(1.0, "10.9.0.2")], site=_SITE),
        quiet_on(
            "a source that is known to the exporter and sends nothing", _by_time(*_OWN, _flow(1700, "10.66.0.1", 0))
        ),
    ),
)
