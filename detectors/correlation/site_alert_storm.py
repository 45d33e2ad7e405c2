"""One site raises far more alerts than usual, of all detectors together.

More than `factor` times the mean of the day before, and at least `least` in ten minutes. Somebody may want to drown other alerts,
or hide in them; a fault of many devices looks the same. Blind spot: a storm that grows over a day is usual in the end. A
flood of one detector at one site becomes one incident where alerts land; `alert_storm` looks at one detector. Source: ANSI/ISA-18.2
calls more than ten alarms in ten minutes a flood for one operator.
"""

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.profiles import correlation
from detectors.profiles.threat import Severity
from detectors.site import Site
from detectors.surge import Params, surge
from schemas.records import ALERT

BY = ("site",)


def build(p: Params, site: Site) -> Firing:
    return surge(BY, p)


def _alerts(number: int, every_s: float, begin: float = 0.0, other: int = 1) -> list[dict[str, object]]:
    return [
        {
            "time": begin + i * every_s,
            "alert_id": f"a{begin:g}-{i}",
            "detector": "position_jump",
            "entity": f"R{i % other}",
            "domain": "vehicle",
        }
        for i in range(number)
    ]


DETECTOR = Detector(
    id="site_alert_storm",
    version=2,
    threat=correlation.COR_05,
    record=ALERT,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    parties=Parties("site", "site"),
    dedup=("site",),
    episode_s=3600.0,
    says="{site} raised {now} alerts in {minutes} min, the last: {detector}",
    observed="{now} alerts in {minutes} min",
    expected="about {usual} in {minutes} min, as in the day before",
    runbook=(
        "Look for the rare alerts beside the storm first: it may be there to hide them.",
        "Find the common cause: one sender, one device, one software version, or the detector's own limits.",
        "Suppress what is explained, with reason, owner and expiry.",
    ),
    tolerance="an alert that comes late counts at the clock of its site; one later than the window is not counted",
    examples=(
        fires_on(
            "forty alerts in five minutes after a quiet day",
            [*_alerts(20, 3600), *_alerts(40, 7, begin=72_000, other=8)],
        ),
        quiet_on("ten in five minutes", _alerts(10, 30)),
        quiet_on(
            "a noisy day, then somewhat more", [*_alerts(864, 100, other=3), *_alerts(35, 15, begin=86_400, other=3)]
        ),
    ),
)
