"""The noise floor at several links of a concentrator rises far above its usual level while their frames are lost.

A link is jammed where its noise stands more than `rise_db` above its own slow mean and its node does not answer, or a
large share of its frames is lost. Blind spot: links whose noise the source does not give; selective jamming of few frames,
or with so little power that the noise floor hides it; fewer than `links_min` links. Source: threat SG-14 of the
catalogue; ITU-T X.1331 clause 7.3; RFC 7416.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Derived, DistinctWithin, Ewma, Recent
from detectors.profiles import smart_grid_ami
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CONCENTRATOR_LINK


@dataclass(frozen=True)
class Params:
    rise_db: float = 10.0  # over the link's usual noise: fires above
    lost_share: float = 0.3  # of a link's frames, from which they count as lost
    links_min: int = 3  # links of a concentrator
    links_share: float = 0.2  # of its links heard in a day
    window_s: float = 900.0


LINK, AREA = ("node",), ("concentrator",)
#: About a day of quarter-hourly reports.
USUAL = Ewma(LINK, "noise_dbm", alpha=0.02, least=8)


def build(p: Params, site: Site) -> Firing:
    # Noise that is not given, or not known yet, has not risen; frames that are not counted are not lost.
    raised = (pl.col("noise_dbm") > USUAL.col + p.rise_db).fill_null(False)
    lost = (pl.col("frames_lost") >= p.lost_share * pl.col("frames_sent")) & (pl.col("frames_lost") > 0)
    jammed = Derived(
        f"jammed {p.rise_db:g} {p.lost_share:g}", raised & (lost.fill_null(False) | ~pl.col("reachable")), (USUAL,)
    )
    links = DistinctWithin(AREA, seconds=p.window_s, at_most=1000, value="node", where=jammed)
    known = DistinctWithin(AREA, seconds=86_400.0, at_most=1000, value="node")
    return Firing(
        when=jammed.col & (links.col >= p.links_min) & (links.col >= p.links_share * known.col),
        memories=(links, known),
        values={
            "links": links.col,
            "known": known.col,
            "usual": USUAL.col,
            "rise": pl.col("noise_dbm") - USUAL.col,
            "most": pl.lit(p.rise_db),
        },
        trail=(Recent(AREA, seconds=p.window_s, at_most=50, where=jammed),),
    )


def _reports(
    rounds: range, noise: float, lost: int, nodes: int = 10, reachable: bool = True, **fields: object
) -> list[dict[str, object]]:
    return [
        {
            "time": 900.0 * i + n,
            "concentrator": "DC1",
            "node": f"M{n}",
            "noise_dbm": noise + (7 * i + n) % 3,
            "frames_sent": 40,
            "frames_lost": lost,
            "reachable": reachable,
            **fields,
        }
        for i in rounds
        for n in range(nodes)
    ]


_DAY = _reports(range(40), -102.0, 2)

DETECTOR = Detector(
    id="field_jamming",
    version=1,
    threat=smart_grid_ami.SG_14,
    record=CONCENTRATOR_LINK,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("concentrator", "concentrator"),
    dedup=("concentrator",),
    episode_s=3600.0,
    says="{links} of {known} links of {concentrator} are jammed: noise at {node} is {rise} dB above usual",
    observed="noise {noise_dbm} dBm where {usual} dBm are usual, frames lost at {links} of {known} links",
    expected="a noise floor within {most} dB of its usual level",
    runbook=(
        "Send a spectrum check to the concentrator; look for what else was switched on there.",
        "Poll through a neighbour or a cellular path; set billing and load control of the area to fallback.",
        "Report a jammer to the radio authority; keep the reports as evidence.",
    ),
    tolerance="a late report does not move the usual noise",
    examples=(
        fires_on("noise rises by 20 dB, half of the frames are lost", _DAY + _reports(range(40, 44), -82.0, 20)),
        fires_on(
            "nodes no longer answer, frames are not counted",
            _DAY + _reports(range(40, 42), -85.0, 0, reachable=False, frames_sent=None, frames_lost=None),
        ),
        quiet_on("noise without loss", _DAY + _reports(range(40, 44), -85.0, 1)),
        quiet_on(
            "a concentrator restarts: loss without noise", _DAY + _reports(range(40, 42), -102.0, 40, reachable=False)
        ),
        quiet_on("one bad neighbour", _DAY + _reports(range(40, 60), -80.0, 30, nodes=1)),
    ),
)
