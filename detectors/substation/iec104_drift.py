"""A known IEC 60870-5-104 station sends an object that it did not send while the site was learned.

Compares common address, type and object address of what stations report (types 1 to 40) with the baseline; stations that it
does not know are not judged. An outcome of its own: configuration drift, no attack. Blind spot: objects that are rare and were
not sent while the site was learned. Source: measured by others on several sites: a baseline of one configuration accepts
between 0 and 93 % of another's normal traffic.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Row, fires_on, quiet_on
from detectors.profiles import drift
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104

#: Answers that an address, a type or a cause is not known carry back what was asked: they are `iec104_scan`'s.
UNKNOWN_CAUSES = (44, 45, 46, 47)


@dataclass(frozen=True)
class Params:
    pass


def build(p: Params, site: Site) -> Firing:
    runs = site.baseline.objects or ()
    known = sorted({f"{r.source}|{r.common_address}|{r.type_id}|{a}" for r in runs for a in range(r.first, r.last + 1)})
    names = ("source", "common_address", "type_id", "object_address")
    sent = pl.concat_str([pl.col(n).cast(pl.String).fill_null("None") for n in names], separator="|")
    reports = pl.col("type_id").is_between(1, 40) & ~pl.col("cause").is_in(UNKNOWN_CAUSES)
    old = pl.col("source").is_in(sorted({r.source for r in runs}))
    return Firing(when=reports.fill_null(False) & old & ~sent.is_in(known))


_SITE = {
    "baseline": {"objects": [{"source": "10.0.0.20", "common_address": 3, "type_id": 36, "first": 100, "last": 110}]}
}


def _report(object_address: int, source: str = "10.0.0.20", type_id: int = 36) -> dict[str, object]:
    return {
        "time": 0,
        "source": source,
        "destination": "10.0.0.1",
        "format": "I",
        "type_id": type_id,
        "cause": 3,
        "common_address": 3,
        "object_address": object_address,
    }


DETECTOR = Detector(
    id="iec104_drift",
    version=1,
    threat=drift.DRIFT,
    record=IEC104,
    kind=Row(build),
    params=Params,
    severity=Severity.LOW,
    confidence=Confidence.HIGH,
    parties=Parties("station", "source", source="source", destination="destination"),
    dedup=("source", "common_address", "type_id"),
    episode_s=86_400.0,
    says="configuration drift: {source} sends object {object_address} of station {common_address} as type {type_id}, which is new",
    observed="object {object_address}, type {type_id}",
    expected="the objects of the baseline",
    runbook=drift.DRIFT.response,
    needs=("baseline.objects",),
    tolerance="each record is judged alone",
    examples=(
        fires_on("a new object, and an old one as another type", [_report(111), _report(100, type_id=30)], 2, _SITE),
        quiet_on("what was learned, and a station that is not known", [_report(105), _report(1, "10.0.0.21")], _SITE),
    ),
)
