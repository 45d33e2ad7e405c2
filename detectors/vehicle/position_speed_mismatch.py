"""A station's track does not follow from the speed and heading that it claims.

Adds up, over the last seconds, the steps between positions and the steps that claimed speed and heading say (mean of
both ends times the time between). What remains is noise of the two end positions and a share of the way; it fires
when the rest is larger for several messages. One sum sees a wrong speed, a wrong heading and a frozen position alike,
and noise of single messages cancels. Blind spot: messages without speed or heading; a falsification that fits
together; slow drift below `rest_m`. Source: threat ITS-05 of the catalogue; F2MD PositionSpeedConsistency and
PositionHeadingConsistency.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Remembering, fires_on, quiet_on
from detectors.geometry import east_m, is_position, length, north_m
from detectors.memory import CountWithin, Derived, Last, Recent, SumWithin, TimeSince
from detectors.profiles import its_messages
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CAM


@dataclass(frozen=True)
class Params:
    window_s: float = 5.0
    gap_max_s: float = 1.6  # between two messages whose step is judged
    rest_m: float = 8.0  # rest that noise explains, where the confidence is not larger
    confidence_max_m: float = 50.0  # the most that is believed
    rest_share: float = 0.2  # of the claimed way: turns between messages, noise of speed and heading
    messages_min: int = 3  # messages of the window with too large a rest


BY = ("station",)
#: A message that can be judged: position, speed and heading are there, and it does not drive backward.
MOVING = Derived(
    "placed and moving",
    is_position("latitude", "longitude")
    & pl.col("speed_ms").is_between(0, 200).fill_null(False)
    & pl.col("heading_deg").is_between(0, 360).fill_null(False)
    & ~pl.col("backward").fill_null(False),
)
EAST = Derived("speed east", pl.col("speed_ms") * pl.col("heading_deg").radians().sin())
NORTH = Derived("speed north", pl.col("speed_ms") * pl.col("heading_deg").radians().cos())


def build(p: Params, site: Site) -> Firing:
    gap = TimeSince(BY, MOVING)
    latitude, longitude = Last(BY, "latitude", MOVING), Last(BY, "longitude", MOVING)
    east, north, speed = Last(BY, EAST, MOVING), Last(BY, NORTH, MOVING), Last(BY, "speed_ms", MOVING)
    step = Derived(f"step within {p.gap_max_s:g}s", MOVING.expr & (gap.col < p.gap_max_s).fill_null(False), (gap,))
    here = pl.col("latitude"), pl.col("longitude")
    rest_east = Derived(
        "rest east", east_m(*here, longitude.col) - (EAST.expr + east.col) / 2 * gap.col, (longitude, east, gap)
    )
    rest_north = Derived(
        "rest north", north_m(here[0], latitude.col) - (NORTH.expr + north.col) / 2 * gap.col, (latitude, north, gap)
    )
    claimed = Derived("claimed way", (pl.col("speed_ms") + speed.col) / 2 * gap.col, (speed, gap))
    sums = [
        SumWithin(BY, seconds=p.window_s, at_most=200, value=v, where=step) for v in (rest_east, rest_north, claimed)
    ]
    rest, way = length(sums[0].col, sums[1].col), sums[2].col
    confidence = pl.col("position_confidence_m").fill_nan(None).fill_null(0.0).clip(0.0, p.confidence_max_m)
    allowed = pl.max_horizontal(pl.lit(p.rest_m), 2 * confidence) + p.rest_share * way
    off = Derived(
        f"off track by {p.rest_m:g} m, {p.confidence_max_m:g} m, {p.rest_share:g}, {p.window_s:g}s",
        step.expr & (rest > allowed),
        (gap, *sums),
    )
    often = CountWithin(BY, seconds=p.window_s, at_most=200, where=off)
    return Firing(
        when=off.col & (often.col >= p.messages_min),
        memories=(often,),
        values={"rest": rest, "way": way, "allowed": allowed, "window": pl.lit(p.window_s)},
        trail=(Recent(BY, seconds=p.window_s, at_most=20, where=off),),
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
    version=1,
    threat=its_messages.ITS_05,
    record=CAM,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    entity_kind="station",
    entity="station",
    source="station",
    destination="receiver",
    dedup=("station",),
    episode_s=60.0,
    says="station {station} is {rest} m off the track that its speed and heading say",
    observed="{rest} m off after a claimed way of {way} m in {window} s",
    expected="at most {allowed} m",
    runbook=(
        "Replace the reported state by the predicted one in displays, and mark it.",
        "Send a misbehaviour report with the last messages as evidence.",
        "If many stations are off in the same direction, suspect satellite navigation.",
    ),
    needs=(),
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
