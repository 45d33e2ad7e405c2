"""A station's track does not follow from the speed and heading that it claims.

Adds up the steps between positions, seen along the claimed heading, and the steps that the claimed speed says; what is older fades. It
fires when both sums differ, for several messages, by more than noise of the positions and of the speed explains, or when the track
leads back or aside. One sum sees a wrong speed, a wrong heading and a frozen position alike, noise of single messages cancels, and a
heading that is some degrees wrong only turns the sum. Blind spot: messages without speed or heading; a falsification that fits
together; a false speed of less than about 3 m/s. Source: threat ITS-05 of the catalogue; F2MD PositionSpeedConsistency,
PositionHeadingConsistency and Kalman checks.
"""

from dataclasses import dataclass

import polars as pl

from detectors import plausibility as check
from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, Recent
from detectors.profiles import its_awareness
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CAM


@dataclass(frozen=True)
class Params:
    fade_s: float = 12.0  # after which a step hardly counts
    gap_max_s: float = 3.1  # between two messages whose step is judged
    confidence_m: float = (
        10.0  # of a position that tells none, and the least that is believed: difference that noise explains
    )
    confidence_max_m: float = 50.0  # the most that is believed
    rest_share: float = 0.1  # of the claimed way: noise of the speed
    window_s: float = 5.0
    messages_min: int = 3  # messages of the window that are off


def build(p: Params, site: Site) -> Firing:
    motion, rest = check.Motion(p.fade_s, p.gap_max_s), check.radius(p.confidence_m, p.confidence_max_m)
    speed, heading = motion.speed_check(rest, p.rest_share), motion.heading_check(rest)
    off = Derived(f"off its claimed track by {p}", speed.fails | heading.fails, (speed.shared, heading.shared))
    often = CountWithin(check.BY, seconds=p.window_s, at_most=20, where=off)
    return Firing(
        when=off.col & (often.col >= p.messages_min),
        memories=(often, *motion.sums),
        values={
            "what": pl.when(heading.fails)
            .then(pl.format("moves {} m off its heading", motion.driven.round(1)))
            .otherwise(pl.format("moves {} m where it claims {} m", motion.driven.round(1), motion.claimed.round(1))),
            "allowed": motion.allowed(rest, p.rest_share),
        },
        trail=(Recent(check.BY, seconds=p.window_s, at_most=20, where=off),),
    )


def _drive(
    seconds: float, claimed_ms: float, driven_ms: float, heading: float = 0.0, hz: float = 10.0, **fields: object
) -> list[dict[str, object]]:
    return [
        {
            "time": i / hz,
            "station": "A1",
            "message_count": i % 128,
            # Noise of a receiver, up to 1.5 m.
            "latitude": 48.0 + (i / hz * driven_ms + 1.5 * ((i * 7919) % 13 / 6 - 1)) / 111_195,
            "longitude": 11.0 + 1.5 * ((i * 104_729) % 11 / 5 - 1) / 74_405,
            "speed_ms": claimed_ms,
            "heading_deg": heading,
            **fields,
        }
        for i in range(int(seconds * hz))
    ]


def _turn(seconds: float, speed: float, rate_deg: float, hz: float = 10.0) -> list[dict[str, object]]:
    """A turn with `rate_deg` degrees a second, exact positions."""
    import math

    radius = speed / math.radians(rate_deg)
    out: list[dict[str, object]] = []
    for i in range(int(seconds * hz)):
        angle = math.radians(rate_deg * i / hz)
        out.append(
            {
                "time": i / hz,
                "station": "C1",
                "latitude": 48.0 + radius * math.sin(angle) / 111_195,
                "longitude": 11.0 + radius * (1 - math.cos(angle)) / (111_195 * math.cos(math.radians(48.0))),
                "speed_ms": speed,
                "heading_deg": math.degrees(angle) % 360,
            }
        )
    return out


DETECTOR = Detector(
    id="position_speed_mismatch",
    version=2,
    threat=its_awareness.ITS_05,
    record=CAM,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("station", "station", source="station", destination="receiver"),
    dedup=("station",),
    episode_s=60.0,
    says="station {station} {what}",
    observed="{what}, within some seconds",
    expected="the way that speed and heading claim, {allowed} m more or less",
    runbook=(
        "Replace the reported state by the predicted one in displays, and mark it.",
        "Send a misbehaviour report with the last messages as evidence.",
        "If many stations are off in the same direction, suspect satellite navigation.",
    ),
    tolerance="a late message is passed over",
    examples=(
        fires_on("7 m/s more claimed than driven", _drive(10, 21, 14)),
        fires_on("a frozen position", _drive(10, 14, 0)),
        fires_on("a heading to the south on a way to the north, at 1 Hz", _drive(10, 10, 10, heading=180.0, hz=1.0)),
        quiet_on("a steady drive and a car that stands", [*_drive(10, 14, 14), *_drive(10, 0, 0, station="B1")]),
        quiet_on("a U-turn", _turn(12, 8, 15)),
        quiet_on("a drive at 1 Hz", _drive(20, 30, 30, hz=1.0)),
    ),
)
