"""More meters report under a transformer than there were while the site was learned.

Counts different meters within a day; a transformer that the baseline does not know had none. An outcome of its own:
configuration drift (new customers, another assignment of meters), no attack. Blind spot: a meter that takes another's place.
Source: threat SG-05 of the catalogue (a wrong topology gives the same sign as theft).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import DistinctWithin
from detectors.profiles import drift
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import METER_READING


@dataclass(frozen=True)
class Params:
    window_s: float = 86_400.0
    meters_max: int = 2_000  # of a transformer; a larger one is not judged


def build(p: Params, site: Site) -> Firing:
    known = {name: count for name, count in (site.baseline.meters or {}).items() if count < p.meters_max}
    large = sorted(set(site.baseline.meters or {}) - set(known))
    seen = DistinctWithin(("transformer",), seconds=p.window_s, at_most=p.meters_max, value="meter")
    count = pl.col("transformer").replace_strict(list(known), list(known.values()), default=0, return_dtype=pl.Int64)
    return Firing(
        when=(seen.col > count) & ~pl.col("transformer").is_in(large),
        memories=(seen,),
        values={"seen": seen.col, "known": count},
    )


_SITE = {"baseline": {"meters": {"T1": 3}}}


def _readings(meters: range, transformer: str = "T1") -> list[dict[str, object]]:
    return [
        {"time": 900 * i, "meter": f"M{m}", "transformer": transformer, "register_kwh": 1.0}
        for i, m in enumerate(meters)
    ]


DETECTOR = Detector(
    id="meter_drift",
    version=1,
    threat=drift.DRIFT,
    record=METER_READING,
    kind=Remembering(build),
    params=Params,
    severity=Severity.LOW,
    confidence=Confidence.HIGH,
    parties=Parties("transformer", "transformer"),
    dedup=("transformer",),
    episode_s=86_400.0,
    says="configuration drift: {seen} meters report under {transformer}, there were {known}; the last: {meter}",
    observed="{seen} meters in a day",
    expected="{known} meters, as the baseline says",
    runbook=drift.DRIFT.response,
    needs=("baseline.meters",),
    tolerance="a late reading counts at the clock of the transformer",
    examples=(
        fires_on(
            "a fourth meter, and a new transformer", [*_readings(range(4)), *_readings(range(9, 10), "T2")], 2, _SITE
        ),
        quiet_on("the three that were there", _readings(range(3)) * 3, _SITE),
    ),
)
