"""Frames between the frames of a periodic CAN identifier.

Learns the period of each identifier and its shortest interval from the first frames. A frame is early when it comes
before `ratio` of both; early frames raise a score by 1 - `leak`, all others lower it by `leak` (a cumulative sum),
and three early frames close together reach `limit`. An event-driven identifier shows short intervals while it is
learned, so that only shorter ones still count. Blind spot: an attack from the first frames on; a masquerade that
keeps the period; a single frame; identifiers with fewer than `learn` frames. Source: threat ITS-18 of the catalogue;
ITU-T X.1375 clauses 8.2 and 8.3.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Remembering, fires_on, quiet_on
from detectors.memory import Cusum, Derived, Least, Period, Recent, TimeSince
from detectors.profiles import its_vehicle
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CAN_FRAME


@dataclass(frozen=True)
class Params:
    learn: int = 50  # intervals from which period and shortest interval are learned
    ratio: float = 0.5  # of the period and of the shortest interval: a frame before is early
    leak: float = 0.2  # of the score, a frame
    limit: float = 1.9  # score that fires: three early frames with at most two others between


def build(p: Params, site: Site) -> Firing:
    by = ("channel", "extended", "can_id")
    gap, period = TimeSince(by), Period(by, learn=p.learn)
    interval = Derived("interval", gap.col, (gap,))
    learning = Derived(f"learning {p.learn}", period.col.is_null(), (period,))
    least = Least(by, interval, learning)
    soonest = p.ratio * pl.min_horizontal(period.col, least.col)
    # Null while learning, and for a late frame.
    early = Derived(f"early {p.ratio:g} of {p.learn}", (gap.col < soonest).fill_null(False), (gap, period, least))
    rises = Derived(f"rise {early.name}", early.expr.cast(pl.Float64), early.memories)
    score = Cusum(by, value=rises, slack=p.leak)
    return Firing(
        when=early.col & (score.col > p.limit),
        memories=(score,),
        values={
            "id": pl.col("can_id").cast(pl.String),
            "gap": gap.col * 1000,
            "period": period.col * 1000,
            "least": least.col * 1000,
            "score": score.col,
        },
        trail=(Recent(by, seconds=2.0, at_most=10, where=early),),
    )


def _frames(times: list[float], can_id: int = 0x280, data: bytes = bytes(8)) -> list[dict[str, object]]:
    return [{"time": t, "channel": "can0", "can_id": can_id, "dlc": 8, "data": data} for t in times]


def _periodic(period_s: float, number: int, jitter: float = 0.05) -> list[float]:
    return [period_s * (i + jitter * ((i * 7919) % 13 / 6 - 1)) for i in range(number)]


def _merged(*streams: list[dict[str, object]]) -> list[dict[str, object]]:
    return sorted((f for stream in streams for f in stream), key=lambda f: float(str(f["time"])))


#: An event-driven identifier: pairs of frames at uneven times.
_EVENTS = [
    t
    for i in range(60)
    for t in (0.1 * i + 0.03 * ((i * 7919) % 13 / 6 - 1), 0.1 * i + 0.03 * ((i * 7919) % 13 / 6 - 1) + 0.004)
]

DETECTOR = Detector(
    id="can_injection",
    version=1,
    threat=its_vehicle.ITS_18,
    record=CAN_FRAME,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.MEDIUM,
    entity_kind="bus",
    entity="channel",
    source="",
    destination="",
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
    needs=(),
    tolerance="a late frame is passed over",
    examples=(
        fires_on(
            "forged frames 3 ms after the real ones of a 20 ms identifier",
            _merged(
                _frames(_periodic(0.020, 150)),
                _frames([t + 0.003 for t in _periodic(0.020, 150)[80:100]], data=b"\xff" * 8),
            ),
        ),
        quiet_on(
            "a periodic identifier with jitter and one delayed frame",
            _frames([t + (0.012 if i == 90 else 0) for i, t in enumerate(_periodic(0.020, 200))]),
        ),
        quiet_on("an event-driven identifier that comes in pairs", _frames(_EVENTS)),
    ),
)
