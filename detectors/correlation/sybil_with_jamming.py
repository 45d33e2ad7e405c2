"""Made-up vehicles and jamming at one roadside unit within minutes.

Alerts of threats ITS-07 (Sybil or ghost vehicles) and ITS-15 (jamming of the channel) that name the same receiver, in either order.
Alone, jamming is a fault of radio and ghosts are a nuisance; together honest vehicles are silenced and replaced. Blind spot: a
receiver that is named differently in the two record types; jamming so strong that no ghost is heard either. Source: ITU-T X.1372
clauses 7.3 and 7.5.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, Recent
from detectors.profiles import correlation
from detectors.profiles.its_awareness import ITS_07
from detectors.profiles.its_messages import ITS_15
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import ALERT


@dataclass(frozen=True)
class Params:
    window_s: float = 600.0


BY = ("site",)
GHOSTS = Derived("ghosts", pl.col("threat") == ITS_07.id)
JAMMED = Derived("jammed", pl.col("threat") == ITS_15.id)
EITHER = Derived("ghosts or jammed", pl.col("threat").is_in([ITS_07.id, ITS_15.id]))


def build(p: Params, site: Site) -> Firing:
    ghosts = CountWithin(BY, seconds=p.window_s, at_most=1000, where=GHOSTS)
    jammed = CountWithin(BY, seconds=p.window_s, at_most=1000, where=JAMMED)
    return Firing(
        when=EITHER.col & (ghosts.col >= 1) & (jammed.col >= 1),
        memories=(ghosts, jammed),
        values={"ghosts": ghosts.col, "jammed": jammed.col, "minutes": pl.lit(p.window_s / 60)},
        trail=(Recent(BY, seconds=p.window_s, at_most=50, where=EITHER),),
    )


def _alert(time: float, threat: str, site: str = "RSU-1") -> dict[str, object]:
    return {"time": time, "alert_id": f"a{time:g}", "threat": threat, "site": site, "domain": "vehicle"}


DETECTOR = Detector(
    id="sybil_with_jamming",
    version=1,
    threat=correlation.COR_04,
    record=ALERT,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.MEDIUM,
    parties=Parties("receiver", "site", destination="site"),
    dedup=("site",),
    episode_s=3600.0,
    says="{site} hears made-up vehicles while its channel is jammed",
    observed="{ghosts} alerts of ghost vehicles, {jammed} of jamming in {minutes} min",
    expected="never both at one roadside unit within {minutes} min",
    runbook=(
        "Take the roadside unit out of traffic control; use loops and cameras at the place.",
        "Compare with the neighbouring units which stations vanished.",
        "Send the radio team: the sender is within range of this unit.",
    ),
    tolerance="an alert that comes late counts at the receiver's clock; one later than the window is not counted",
    examples=(
        fires_on("jamming, then ghosts", [_alert(0, "ITS-15"), _alert(120, "ITS-07"), _alert(130, "ITS-07")]),
        fires_on("ghosts, then jamming", [_alert(0, "ITS-07"), _alert(120, "ITS-15")]),
        quiet_on("at two roadside units", [_alert(0, "ITS-15"), _alert(120, "ITS-07", site="RSU-2")]),
        quiet_on("an hour between", [_alert(0, "ITS-15"), _alert(3600, "ITS-07")]),
    ),
)
