"""One identifier fills a CAN bus.

Within 100 ms more than half of at least `frames_min` frames carry one identifier, and the bus is loaded above
`load_max`, or above `surge_load` with `surge` times the frames that it carried when its rate was learned. Bits are
counted without stuffing and at the nominal bit rate, so the load is a lower bound (CAN FD data phases count too
much). Blind spot: a flood under many identifiers; a flood from the first frame on that stays below the load; a wrong
bit rate in the site file. Source: threat ITS-17 of the catalogue; ITU-T X.1375 clauses 7.4 and 8.2; ISO 11898-1 for
the frame lengths.
"""

from dataclasses import dataclass

import polars as pl

from detectors.can_bus import BUS, IDENTIFIER, every, frames, merged
from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, Period, Recent, SumWithin
from detectors.profiles import its_vehicle
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CAN_FRAME


@dataclass(frozen=True)
class Params:
    window_s: float = 0.1
    frames_min: int = 20  # of the bus in the window
    share: float = 0.5  # of one identifier: fires above
    load_max: float = 0.8  # of the bit rate: fires above
    surge: float = 1.5  # times the learned frame rate: fires above,
    surge_load: float = 0.25  # where the load is above this share of the bit rate: less floods nothing
    learn: int = 2000  # frames of the bus from which its rate is learned


#: Bits of a frame without stuffing, 3 bits of intermission included.
BITS = Derived(
    "frame bits",
    pl.when("extended").then(67).otherwise(47) + pl.when("remote").then(0).otherwise(pl.col("dlc").clip(0, 64) * 8),
)


def build(p: Params, site: Site) -> Firing:
    total = CountWithin(BUS, seconds=p.window_s, at_most=3000)
    own = CountWithin(IDENTIFIER, seconds=p.window_s, at_most=3000)
    bits = SumWithin(BUS, seconds=p.window_s, at_most=3000, value=BITS)
    period = Period(BUS, learn=p.learn)
    load = bits.col * (1 / (site.can.bitrate * p.window_s))
    usual = p.window_s / period.col
    # While the rate is being learned only the load is judged.
    surges = (load > p.surge_load) & (total.col > p.surge * usual).fill_null(False)
    return Firing(
        when=(total.col >= p.frames_min) & (own.col > p.share * total.col) & ((load > p.load_max) | surges),
        memories=(total, own, bits, period),
        values={
            "id": pl.col("can_id").cast(pl.String),
            "share": own.col / total.col * 100,
            "load": load * 100,
            "every": total.col,
            "usual": pl.format("{} frames", usual.round(1)).fill_null("a number not learned yet"),
            "ms": pl.lit(p.window_s * 1000),
        },
        trail=(Recent(IDENTIFIER, seconds=p.window_s, at_most=50),),
    )


def _normal(seconds: float) -> list[list[dict[str, object]]]:
    periodic = ((0.010, 0x110), (0.010, 0x120), (0.020, 0x280), (0.100, 0x410))
    return [frames(every(period_s, 0, seconds), can_id) for period_s, can_id in periodic]


DETECTOR = Detector(
    id="can_flooding",
    version=1,
    threat=its_vehicle.ITS_17,
    record=CAN_FRAME,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    parties=Parties("bus", "channel"),
    dedup=("vehicle", "channel"),
    episode_s=10.0,
    says="identifier {id} fills {channel} of {vehicle}: {share} % of {every} frames in {ms} ms, load {load} %",
    observed="{share} % of {every} frames in {ms} ms, load at least {load} %",
    expected="no identifier with more than half of a loaded bus; usually {usual} in {ms} ms",
    runbook=(
        "Block the identifier at the gateway towards the other domains; keep the safe driving mode.",
        "Ask the driver to stop when it is safe; look for added devices at the diagnostic connector.",
        "Read the fault memories and keep a trace of the bus.",
    ),
    tolerance="a late frame counts at the clock of its bus",
    examples=(
        fires_on(
            "identifier 0 every quarter of a millisecond for two tenths of a second",
            merged(*_normal(0.6), frames(every(0.00025, 0.3, 0.5), 0)),
        ),
        fires_on(
            "a flood every half a millisecond on a bus whose rate is learned",
            merged(*_normal(2.5), frames(every(0.0005, 2.2, 2.4), 0)),
            site={"detectors": {"can_flooding": {"learn": 400}}},
        ),
        quiet_on("four periodic identifiers", merged(*_normal(1.5))),
    ),
)
