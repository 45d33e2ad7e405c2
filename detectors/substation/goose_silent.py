"""GOOSE control blocks of a site fell silent while others are heard, or all of them did.

A control block is silent after `intervals` of its own learned interval, and `least_s`. Whoever holds back its messages
for good, or takes its publisher off the network, takes its interlocking and breaker-failure schemes away. One alert a
site until all are heard again. Blind spot: messages held back for a shorter time (`goose_suppressed`); a second control
block that falls silent while a first one is. A publisher that is switched off for work looks the same. Source: threat
SG-27 of the catalogue; IEC 61850-8-1 clause 18.
"""

from dataclasses import dataclass

from detectors.detector import Confidence, Detector, Parties, Silence, SilenceSettings, fires_on, quiet_on
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import GOOSE


@dataclass(frozen=True)
class Params:
    intervals: float = 10.0  # of a control block's learned interval, until it is silent
    least_s: float = 300.0  # but no earlier than this, seconds: a publisher restarts within


def settings(p: Params, site: Site) -> SilenceSettings:
    return SilenceSettings(p.intervals, p.least_s, share=0.0, least_keys=1)


def _stream(name: str, start: float, end: float) -> list[dict[str, object]]:
    body = {"control_block": name, "source_mac": "00:30:a7:00:00:01", "st_num": 4}
    return [{"time": start + 2 * i, **body, "sq_num": i} for i in range(int(end - start) // 2)]


def _site(*streams: list[dict[str, object]]) -> list[dict[str, object]]:
    return sorted((record for stream in streams for record in stream), key=lambda record: float(str(record["time"])))


DETECTOR = Detector(
    id="goose_silent",
    version=1,
    threat=smart_grid_substation.SG_27,
    record=GOOSE,
    kind=Silence(key="control_block", group="site", settings=settings),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("site", "site"),
    dedup=("site",),
    episode_s=3600.0,
    says="{silent} of {known} GOOSE control blocks of {site} are silent",
    observed="{silent} silent of {known} known control blocks",
    expected="all of them heard",
    runbook=(
        "Find out which: compare the control blocks of the SCD file with those that the tap still hears.",
        "Ask whether the publisher is off for work; if not, assume that its interlocking is not available.",
        "Look at the publisher's switch port and at what changed there.",
    ),
    tolerance="a late message is a sign of life at the site's clock",
    examples=(
        fires_on("one of two stays away", _site(_stream("a", 0, 1200), _stream("b", 1, 300))),
        quiet_on(
            "a publisher that restarts", _site(_stream("a", 0, 1200), _stream("b", 1, 300), _stream("b", 450, 1200))
        ),
    ),
)
