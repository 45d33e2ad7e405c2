"""An acceleration beyond road grip, or a speed that changes faster than a vehicle accelerates or brakes.

Fires on a claimed acceleration above `acceleration_ms2` either way, and on a change of the claimed speed between two
messages of a station above `faster_ms2` or `slower_ms2` times the time between them, plus `noise_ms` of both speeds.
Blind spot: a false speed that changes slowly (see `position_speed_mismatch`); a gap longer than `gap_max_s`; a crash is
one too. Source: threat ITS-04 of the catalogue; F2MD SpeedConsistency; ETSI TS 103 759, Speed-ChangeTooLarge and
LongAcc-ValueTooLarge.
"""

from dataclasses import dataclass

import polars as pl

from detectors import plausibility as check
from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Last
from detectors.memory.recent import REFERENCE
from detectors.profiles import its_awareness
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CAM


@dataclass(frozen=True)
class Params:
    acceleration_ms2: float = 9.0  # claimed, either way: what tyres hold on a dry road
    faster_ms2: float = 5.0  # gain of speed
    slower_ms2: float = 10.0  # loss of speed
    noise_ms: float = 3.0  # of the difference of two speeds
    gap_max_s: float = 3.1  # longer gaps are not judged


def build(p: Params, site: Site) -> Firing:
    change = check.speed_change(p.faster_ms2, p.slower_ms2, p.noise_ms, p.gap_max_s)
    before, gap = check.speed_before()
    # No acceleration claims none.
    claimed = (pl.col("acceleration_ms2").abs() > p.acceleration_ms2) & pl.col("acceleration_ms2").is_finite()
    claimed = claimed.fill_null(False)
    went = pl.format("went from {} to {} m/s in {} s", before.col.round(1), pl.col("speed_ms").round(1), gap.col)
    return Firing(
        when=change.fails | claimed,
        memories=(change.shared, before, gap),
        values={
            "what": pl.when(change.fails)
            .then(went)
            .otherwise(pl.format("claims an acceleration of {} m/s2", "acceleration_ms2")),
            "limit": pl.when(change.fails)
            .then((pl.col("speed_ms") - before.col).abs() / change.off)
            .otherwise(p.acceleration_ms2),
            "unit": pl.when(change.fails).then(pl.lit("m/s in that time")).otherwise(pl.lit("m/s2")),
        },
        trail=(Last(check.BY, REFERENCE, check.SAYS_SPEED),),
    )


def _drive(speeds_ms: list[float], hz: float = 10.0, **fields: object) -> list[dict[str, object]]:
    return [
        {"time": i / hz, "station": "A1", "message_count": i, "speed_ms": speed, **fields}
        for i, speed in enumerate(speeds_ms)
    ]


DETECTOR = Detector(
    id="impossible_acceleration",
    version=1,
    threat=its_awareness.ITS_04,
    record=CAM,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    parties=Parties("station", "station", source="station", destination="receiver"),
    dedup=("station",),
    episode_s=60.0,
    says="station {station} {what}",
    observed="{what}",
    expected="at most {limit} {unit}",
    runbook=(
        "Do not raise brake warnings from this station alone.",
        "Send a misbehaviour report with the two messages as evidence.",
        "Look whether stations near it braked too: then something happened on the road.",
    ),
    tolerance="a late message is passed over",
    examples=(
        fires_on("5 and 25 m/s in turn, twice a second", _drive([5.0, 25.0] * 10, hz=2.0)),
        fires_on("12 m/s^2", _drive([20.0, 20.0], acceleration_ms2=12.0)),
        quiet_on(
            "full braking from 40 m/s, then a start, with noise of a metre a second",
            _drive([max(0.0, 40.0 - 0.9 * i + (i % 3 - 1) * 0.8) for i in range(46)] + [0.4 * i for i in range(30)]),
        ),
        quiet_on(
            "no speed now and then, an acceleration that is unknown, a gap",
            [
                *_drive([20.0, 20.0], acceleration_ms2=float("nan")),
                {"time": 0.3, "station": "A1"},
                {"time": 9.0, "station": "A1", "speed_ms": 2.0},
            ],
        ),
    ),
)
