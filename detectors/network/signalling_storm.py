"""One subscriber begins far more signalling procedures than its kind does: a modem gone wild, or an infected device.

Counts attaches, service requests and sessions within minutes; a fixed asset has a lower bound than a person's phone. Blind
spot: a slow storm; many devices with few procedures each; a SIM card of which nobody says that it is fixed has the bound of a
phone. Source: threat MOB-01 of the catalogue; NIST Mobile Threat Catalogue CEL-17; ITU-T X.1126.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, Recent
from detectors.profiles import mobile
from detectors.profiles.threat import Severity
from detectors.site import Site
from detectors.subscribers import is_fixed
from schemas.records import MOBILE_SIGNALLING


@dataclass(frozen=True)
class Params:
    fixed_max: int = 20  # procedures of a fixed asset in the window: fires above
    other_max: int = 150  # of any other subscriber
    window_s: float = 600.0


IMSI = ("imsi",)
BEGINS = Derived("begins a procedure", pl.col("procedure").is_in(["attach", "service_request", "session_start"]))


def build(p: Params, site: Site) -> Firing:
    begun = CountWithin(IMSI, p.window_s, 2 * max(p.other_max, p.fixed_max), BEGINS)
    most = pl.when(is_fixed(site)).then(p.fixed_max).otherwise(p.other_max)
    return Firing(
        when=BEGINS.col & (begun.col > most),
        memories=(begun,),
        values={"begun": begun.col, "most": most, "minutes": pl.lit(p.window_s / 60)},
        trail=(Recent(IMSI, p.window_s, 20, BEGINS),),
    )


def _procedures(number: int, every_s: float, procedure: str, fixed: bool | None) -> list[dict[str, object]]:
    return [
        {
            "time": every_s * i,
            "platform": "operator-1",
            "imsi": "901700000000042",
            "procedure": procedure,
            "fixed": fixed,
        }
        for i in range(number)
    ]


DETECTOR = Detector(
    id="signalling_storm",
    version=1,
    threat=mobile.MOB_01,
    record=MOBILE_SIGNALLING,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    parties=Parties("subscriber", "imsi", source="imsi", destination="platform"),
    dedup=("imsi",),
    episode_s=3600.0,
    says="{imsi} began {begun} procedures in {minutes} min, the last: {procedure}",
    observed="{begun} procedures in {minutes} min",
    expected="at most {most}",
    runbook=(
        "Rate-limit the subscriber and quarantine its session.",
        "Look at the causes of rejection: a wrong access point or an ended contract looks the same.",
        "Have the owner of the asset re-image the modem.",
    ),
    tolerance="a late record counts at the clock of its subscriber; one later than the window is not counted",
    examples=(
        fires_on("a modem that attaches every ten seconds", _procedures(60, 10.0, "attach", True)),
        fires_on("a phone with a request a second", _procedures(400, 1.0, "service_request", None)),
        quiet_on("a chatty phone", _procedures(300, 8.0, "service_request", None)),
        quiet_on(
            "five attempts, then a long pause (3GPP TS 24.301, T3411 and T3402)", _procedures(5, 15.0, "attach", True)
        ),
        quiet_on("a moving modem is handed over again and again", _procedures(90, 4.0, "handover", True)),
    ),
)
