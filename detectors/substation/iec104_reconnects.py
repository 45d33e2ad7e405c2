"""An IEC 60870-5-104 connection is started again and again, or data transfer is stopped again and again.

Counts STARTDT activations of one controlling station to one outstation, and STOPDT activations. A redundancy switch-over takes one of each;
resets that somebody injects, or a worm that stops data transfer, take many. Blind spot: a connection that is
reset before STARTDT; connections that are all taken (no flow records yet). A poor radio link is one too. Source: threat SG-23 of the
catalogue; IEC 60870-5-104 clause 5.3 (STARTDT, STOPDT).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, Recent
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    starts_max: int = 10  # activations in the window: fires above; a poor radio link takes some
    window_s: float = 600.0


BY = ("source", "destination", "control")
ACTIVATES = Derived("starts or stops", pl.col("control").is_in(["STARTDT act", "STOPDT act"]).fill_null(False))


def build(p: Params, site: Site) -> Firing:
    often = CountWithin(BY, seconds=p.window_s, at_most=max(100, 2 * p.starts_max), where=ACTIVATES)
    return Firing(
        when=ACTIVATES.col & (often.col > p.starts_max),
        memories=(often,),
        values={"often": often.col, "minutes": pl.lit(p.window_s / 60), "most": pl.lit(p.starts_max)},
        trail=(Recent(BY, seconds=p.window_s, at_most=20, where=ACTIVATES),),
    )


def _frames(control: str | None, every_s: float, count: int) -> list[dict[str, object]]:
    ends = {"source": "10.0.0.10", "destination": "10.0.0.20", "format": "U"}
    return [{"time": i * every_s, **ends, "control": control} for i in range(count)]


DETECTOR = Detector(
    id="iec104_reconnects",
    version=1,
    threat=smart_grid_substation.SG_23,
    record=IEC104,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("station", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=900.0,
    says="{source} sent {control} to {destination} {often} times in {minutes} min",
    observed="{often} times {control} in {minutes} min",
    expected="at most {most}",
    runbook=(
        "Move to the redundant link; keep the last good values marked as old.",
        "Look for a reset injector on the path (same TTL, odd sequence numbers), and for a failing line.",
        "Ask for the host of the source address whether its software restarts.",
    ),
    tolerance="a late frame counts at the pair's clock; one later than the window is not counted",
    examples=(
        fires_on("a connection reset every 20 s", _frames("STARTDT act", 20.0, 15)),
        fires_on("data transfer stopped again and again", _frames("STOPDT act", 5.0, 12)),
        quiet_on(
            "a restart a day, test frames between",
            _frames("STARTDT act", 86_400.0, 4) + _frames("TESTFR act", 20.0, 60),
        ),
        quiet_on("a line that fails now and then", _frames("STARTDT act", 100.0, 6) + _frames("STOPDT act", 110.0, 6)),
        quiet_on("confirmations, and S frames", _frames("STARTDT con", 20.0, 15) + _frames(None, 1.0, 60)),
    ),
)
