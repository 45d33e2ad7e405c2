"""One source is named by alerts at several sites.

Counts different sites (a site, head-end, transformer or receiver: the locality of the alert) a source. Alerts about the source
itself are not counted: a vehicle passes many roadside units. Blind spot: a source that changes its address from site to site; fewer
than `sites_min` sites. A new master that no site file enrols yet looks the same. Source: E-ISAC and SANS ICS, Analysis of the Cyber
Attack on the Ukrainian Power Grid (2016): one group, three companies, thirty substations.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Derived, DistinctWithin, Recent
from detectors.profiles import correlation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import ALERT


@dataclass(frozen=True)
class Params:
    sites_min: int = 3  # in the window
    window_s: float = 86_400.0
    severity_min: int = 2  # OCSF severity of the alerts that count


BY = ("source",)


def build(p: Params, site: Site) -> Firing:
    acts = Derived(
        f"acts on another, {p.severity_min}",
        (
            pl.col("source").is_not_null() & (pl.col("source") != "unknown") & (pl.col("source") != pl.col("entity"))
        ).fill_null(False)
        & (pl.col("severity_id") >= p.severity_min),
    )
    sites = DistinctWithin(BY, seconds=p.window_s, at_most=1000, value="site", where=acts)
    return Firing(
        when=acts.col & (sites.col >= p.sites_min),
        memories=(sites,),
        values={"sites": sites.col, "hours": pl.lit(p.window_s / 3600), "fewer": pl.lit(p.sites_min)},
        trail=(Recent(BY, seconds=p.window_s, at_most=50, where=acts),),
    )


def _alerts(*sites: str, **fields: object) -> list[dict[str, object]]:
    return [
        {
            "time": 600.0 * i,
            "alert_id": f"a{i}",
            "site": site,
            "source": "10.0.0.66",
            "entity": "10.0.0.1",
            "detector": "rogue_master",
            "severity_id": 5,
            **fields,
        }
        for i, site in enumerate(sites)
    ]


DETECTOR = Detector(
    id="one_source_many_sites",
    version=1,
    threat=correlation.COR_01,
    record=ALERT,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("source", "source", source="source", destination="entity"),
    dedup=("source",),
    episode_s=21_600.0,
    says="alerts at {sites} sites name {source} within {hours} h, the last ({detector}) at {site}",
    observed="{sites} sites",
    expected="fewer than {fewer} sites in {hours} h",
    runbook=(
        "Block the source between the sites; it is not the trouble of one of them.",
        "Read the related alerts in their order: how it came in, and where it goes next.",
        "Look for the source at the sites that are still quiet.",
    ),
    tolerance="an alert that comes late counts at the clock of its source; one later than the window is not counted",
    examples=(
        fires_on("one host at three substations", _alerts("S1", "S2", "S3")),
        quiet_on("one host at two", _alerts("S1", "S2", "S1", "S2")),
        quiet_on(
            "no source is known", _alerts("S1", "S2", "S3", source="unknown") + _alerts("S1", "S2", "S3", source=None)
        ),
        quiet_on("a car with a bad clock passes ten roadside units", _alerts(*"ABCDEFGHIJ", entity="10.0.0.66")),
        quiet_on("alerts that are themselves correlations", _alerts("S1", "S2", "S3", domain="correlation")),
    ),
)
