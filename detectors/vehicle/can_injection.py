"""Frames between the frames of a periodic CAN identifier.

Learns the period of each identifier and its shortest interval from the first frames. A frame is early when it comes before
`ratio` of both. Control units send some periodic messages early too, when a value changes, but not within `quick_s` of the one
before, and what comes next goes on from there; some turn to a shorter period for a while, so the rate alone is no sign. So an
early frame counts where it comes that soon, or where the next one comes back to the data before it at the end of the period. What
counts raises a score by 1 - `leak`, all other frames lower it by `leak` (a cumulative sum), and three close together reach
`limit`. Blind spot: an attack from the first frames on; a masquerade that keeps the period; a single frame; identifiers with
fewer than `learn` frames; several forged frames a period of a slow identifier, further apart than `quick_s`. Source: threat
ITS-18 of the catalogue; ITU-T X.1375 clauses 8.2 and 8.3.
"""

from dataclasses import dataclass

import polars as pl

from detectors.can_bus import IDENTIFIER, every, flagged, frames, merged, payload
from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Cusum, Derived, Last, Least, Period, Recent, TimeSince
from detectors.memory.payload import BACK
from detectors.profiles import its_vehicle
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CAN_FRAME


@dataclass(frozen=True)
class Params:
    learn: int = 50  # intervals from which period and shortest interval are learned
    ratio: float = 0.5  # of the period and of the shortest interval: a frame before is early
    quick_s: float = 0.008  # after the frame before: sooner than control units send again of themselves
    grid: float = 0.1  # of the period: how far from its end a frame may come that goes back to the old data
    leak: float = 0.2  # of the score, a frame
    limit: float = 1.9  # score that fires: three early frames with at most two others between


def build(p: Params, site: Site) -> Firing:
    gap, period = TimeSince(IDENTIFIER), Period(IDENTIFIER, learn=p.learn)
    interval = Derived("interval", gap.col, (gap,))
    learning = Derived(f"learning {p.learn}", period.col.is_null(), (period,))
    least = Least(IDENTIFIER, interval, learning)
    soonest = p.ratio * pl.min_horizontal(period.col, least.col)
    # Null while learning, and for a late frame.
    early = Derived(f"early {p.ratio:g} of {p.learn}", (gap.col < soonest).fill_null(False), (gap, period, least))
    before = Last(IDENTIFIER, interval)
    data = payload()
    back = (before.col < soonest) & ((gap.col + before.col - period.col).abs() < p.grid * period.col)
    between = Derived(
        f"between {early.name}, {p.quick_s:g}s, {p.grid:g}",
        (early.expr & (gap.col < p.quick_s)) | (back & flagged(data, BACK)).fill_null(False),
        (*early.memories, before, data),
    )
    rises = Derived(f"rise {between.name}", between.expr.cast(pl.Float64), between.memories)
    part = Derived(f"early or {between.name}", early.expr | between.expr, between.memories)
    score = Cusum(IDENTIFIER, value=rises, slack=p.leak)
    return Firing(
        when=between.expr & (score.col > p.limit),
        memories=(score, before),
        values={
            "id": pl.col("can_id").cast(pl.String),
            "gap": pl.min_horizontal(gap.col, before.col) * 1000,
            "period": period.col * 1000,
            "least": least.col * 1000,
            "score": score.col,
        },
        trail=(Recent(IDENTIFIER, seconds=2.0, at_most=10, where=part),),
    )


#: An event-driven identifier: pairs of frames at uneven times.
_EVENTS = [
    t
    for i in range(60)
    for t in (0.1 * i + 0.03 * ((i * 7919) % 13 / 6 - 1), 0.1 * i + 0.03 * ((i * 7919) % 13 / 6 - 1) + 0.004)
]

DETECTOR = Detector(
    id="can_injection",
    version=2,
    threat=its_vehicle.ITS_18,
    record=CAN_FRAME,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.MEDIUM,
    parties=Parties("bus", "channel"),
    dedup=("vehicle", "channel", "can_id"),
    episode_s=10.0,
    says="frames of identifier {id} on {channel} of {vehicle} come {gap} ms apart instead of {period} ms",
    observed="interval {gap} ms, score {score}",
    expected="a period of {period} ms, never below {least} ms while it was learned",
    runbook=(
        "Keep a trace of a minute around the alert and compare the payloads of the interleaved frames.",
        "Set the function concerned to its safe value where a rule exists.",
        "Look for added devices at the bus; compare with vehicles of the same software.",
    ),
    tolerance="a late frame is passed over",
    examples=(
        fires_on(
            "forged frames 3 ms after the real ones of a 20 ms identifier",
            merged(
                frames(every(0.020, 0, 3, 0.05)),
                frames([t + 0.003 for t in every(0.020, 0, 3, 0.05)[80:100]], data=b"\xff" * 8),
            ),
        ),
        quiet_on(
            "a periodic identifier with jitter and one delayed frame",
            frames([t + (0.012 if i == 90 else 0) for i, t in enumerate(every(0.020, 0, 4, 0.05))]),
        ),
        fires_on(
            "forged frames 30 ms after the real ones of a 100 ms identifier",
            merged(
                frames(every(0.1, 0, 10, 0.01), data=b"\x10" * 8),
                frames([t + 0.03 for t in every(0.1, 0, 10, 0.01)[80:90]], data=b"\xff" * 8),
            ),
        ),
        quiet_on(
            "a periodic identifier that is sent at once when its value changes",
            merged(
                frames(every(0.1, 0, 10)[:80]),
                *(frames([8.02 + 0.02 * i], data=bytes((0, i, 0, 0, 0, 0, 0, 0))) for i in range(30)),
            ),
        ),
        quiet_on("an event-driven identifier that comes in pairs", frames(_EVENTS)),
    ),
)
