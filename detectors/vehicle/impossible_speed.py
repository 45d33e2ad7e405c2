"""A speed that the declared type of station cannot drive.

Limits by station type as in ETSI TS 103 759 (Speed-ValueTooLarge); a station of unknown or undeclared type gets a
limit of its own, for a BSM does not declare one. A speed that is negative or no number is impossible too. Blind spot:
a false speed below the limit (see `position_speed_mismatch`). Source: threat ITS-02 of the catalogue.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Row, fires_on, quiet_on
from detectors.plausibility import speed_limit
from detectors.profiles import its_awareness
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CAM


@dataclass(frozen=True)
class Params:
    car_ms: float = 140.0  # passenger car
    heavy_ms: float = 85.0  # motorcycle, bus, lorry, trailer
    light_ms: float = 30.0  # pedestrian, cyclist, moped, special vehicle, tram
    unknown_ms: float = 85.0  # type unknown or not declared
    standing_ms: float = 0.5  # roadside unit: it stands, but its receiver has noise
    backward_ms: float = 30.0  # any type, driving backward


def build(p: Params, site: Site) -> Firing:
    # Station types of ETSI TS 102 894-2.
    limits = {5: p.car_ms, 15: p.standing_ms}
    limits |= dict.fromkeys((4, 6, 7, 8, 9), p.heavy_ms) | dict.fromkeys((1, 2, 3, 10, 11), p.light_ms)
    limit = speed_limit(limits, p.unknown_ms, p.backward_ms)
    speed = pl.col("speed_ms")
    wrong = (speed > limit) | (speed < 0) | speed.is_nan()
    # A message without a speed claims none.
    return Firing(when=wrong.fill_null(False), values={"limit": limit})


DETECTOR = Detector(
    id="impossible_speed",
    version=1,
    threat=its_awareness.ITS_02,
    record=CAM,
    kind=Row(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    parties=Parties("station", "station", source="station", destination="receiver"),
    dedup=("station",),
    episode_s=60.0,
    says="station {station} claims {speed_ms} m/s",
    observed="{speed_ms} m/s",
    expected="0 to {limit} m/s for its type and drive direction",
    runbook=(
        "Ignore the station in traffic functions for a minute.",
        "Send a misbehaviour report with the message as evidence.",
        "Several stations at one place point to a fault of the receiver or of satellite navigation.",
    ),
    tolerance="none needed: each record is judged alone",
    examples=(
        fires_on("a car at 160 m/s", [{"time": 0, "station": "A1", "station_type": 5, "speed_ms": 160.0}]),
        fires_on(
            "a car backward at 35 m/s",
            [{"time": 0, "station": "A1", "station_type": 5, "speed_ms": 35.0, "backward": True}],
        ),
        fires_on("a roadside unit that drives", [{"time": 0, "station": "R1", "station_type": 15, "speed_ms": 12.0}]),
        fires_on("a speed that is no number", [{"time": 0, "station": "A1", "speed_ms": float("nan")}]),
        quiet_on(
            "a fast car, a cyclist, a BSM without a type, a message without a speed",
            [
                {"time": 0, "station": "A1", "station_type": 5, "speed_ms": 65.0},
                {"time": 1, "station": "B1", "station_type": 2, "speed_ms": 9.0},
                {"time": 2, "station": "C1", "speed_ms": 41.0},
                {"time": 3, "station": "D1", "station_type": 15},
            ],
        ),
    ),
)
