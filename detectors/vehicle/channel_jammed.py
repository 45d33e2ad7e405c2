"""The radio channel of a roadside unit is busy or noisy for long, and little of it is understood.

Fires where one of these holds for `hold_s` without a break: the channel is busy above `busy_ratio` and the unit receives less than
`received_share` of the frames that it usually receives in as much busy time; more than `broken_share` of all frames have a wrong
check sum; the noise floor stands `rise_db` above its slow mean. Frames are compared with busy time, not with the hour, so rush hour
and an empty road look alike. Blind spot: a jammer that answers single frames alone; one that is there from the first
record on; a unit that a nearby radio disturbs looks the same, so look at its neighbours. Source: threat ITS-15 of the catalogue;
ETSI TS 102 687 (channel busy ratio); ITU-T X.1372 clause 7.3.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.holding import held
from detectors.memory import Derived, Ewma, Recent
from detectors.profiles import its_messages
from detectors.profiles.threat import Severity
from detectors.reasons import reasons
from detectors.site import Site
from schemas.records import RSU_RADIO


@dataclass(frozen=True)
class Params:
    busy_ratio: float = 0.6  # fires above
    received_share: float = 0.3  # of the usual frames a busy second: fires below
    broken_share: float = 0.5  # of the frames: fires above
    frames_min: int = 20  # in an interval, for their share to count
    rise_db: float = 10.0  # of the noise floor over its slow mean
    hold_s: float = 30.0


BY = ("receiver", "channel")
#: About three hours of reports every ten seconds; little of what a jammer leaves gets into it.
SLOW, LEAST = 0.001, 30
BUSY_S = pl.col("busy_ratio") * pl.col("interval_s")
#: Frames a second of busy time; an idle channel says nothing of it.
YIELD = Derived("frames a busy second", pl.when(pl.col("busy_ratio") > 0.02).then(pl.col("received") / BUSY_S))
USUAL, NOISE = Ewma(BY, YIELD, alpha=SLOW, least=LEAST), Ewma(BY, "noise_dbm", alpha=SLOW, least=LEAST)


def build(p: Params, site: Site) -> Firing:
    frames = pl.col("received") + pl.col("crc_errors")
    jammed, why = reasons(
        (
            (pl.col("busy_ratio") > p.busy_ratio) & (pl.col("received") < p.received_share * USUAL.col * BUSY_S),
            "hardly any of its frames is received",
        ),
        ((pl.col("crc_errors") > p.broken_share * frames) & (frames >= p.frames_min), "most frames are broken"),
        (pl.col("noise_dbm") > NOISE.col + p.rise_db, pl.format("noise is {} dB above usual", pl.col("noise_dbm") - NOISE.col)),
    )  # fmt: skip
    bad = Derived(f"jammed by {p}", jammed, (USUAL, NOISE))
    lasts = held(BY, bad, gap_max_s=2 * p.hold_s)
    return Firing(
        when=(lasts.expr >= p.hold_s).fill_null(False),
        memories=lasts.memories,
        values={"why": why, "lasts": lasts.expr, "busy": 100 * pl.col("busy_ratio")},
        trail=(Recent(BY, seconds=2 * p.hold_s, at_most=20, where=bad),),
    )


def _radio(
    begin: int, count: int, busy: float, received: int, broken: int, noise: float = -98.0
) -> list[dict[str, object]]:
    own = {"receiver": "RSU-1", "channel": 180, "interval_s": 10.0, "busy_ratio": busy, "noise_dbm": noise}
    return [{**own, "time": 10.0 * (begin + i), "received": received, "crc_errors": broken} for i in range(count)]


_USUAL = [r for i in range(40) for r in _radio(i, 1, 0.1 + 0.01 * (i % 9), 250 + 25 * (i % 9), 4)]

DETECTOR = Detector(
    id="channel_jammed",
    version=1,
    threat=its_messages.ITS_15,
    record=RSU_RADIO,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("receiver", "receiver", destination="receiver"),
    dedup=("receiver",),
    episode_s=600.0,
    says="the V2X channel of {receiver} is jammed for {lasts} s: {why}",
    observed="{busy} % busy, {received} frames received and {crc_errors} broken; {why}",
    expected="as many frames as busy time usually brings, few of them broken",
    runbook=(
        "Look at the neighbouring units: one alone has a fault of its own, or a sender close by.",
        "Switch services to the cellular path and mark the area as degraded.",
        "Send the radio team with direction finding; tell the spectrum regulator.",
    ),
    tolerance="a late report is not compared with the mean",
    examples=(
        fires_on("busy and deaf", [*_USUAL, *_radio(40, 6, 0.9, 60, 10)]),
        fires_on("most frames are broken", [*_USUAL, *_radio(40, 6, 0.2, 90, 300)]),
        fires_on("noise rises by fifteen decibels", [*_USUAL, *_radio(40, 6, 0.1, 100, 20, noise=-83.0)]),
        quiet_on("rush hour: busy, and much is received", [*_USUAL, *_radio(40, 60, 0.7, 1600, 400)]),
        quiet_on("an empty road", [*_USUAL, *_radio(40, 60, 0.0, 0, 0)]),
        quiet_on(
            "twenty seconds of a passing disturber", [*_USUAL, *_radio(40, 2, 0.9, 60, 10), *_radio(42, 9, 0.1, 250, 4)]
        ),
    ),
)
