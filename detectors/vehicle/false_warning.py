"""A warning about an event that its sender cannot know of at first hand, or of a braking that is none.

Compares the place of an event with the last awareness message of the station that warns of it: an end of queue or a traffic condition may
be `far_m` away, a stationary or emergency vehicle, a risk of collision or a dangerous situation `near_m`. An emergency braking that
begins below `braking_min_ms` is none. Roadside units warn of events elsewhere and are not judged, nor is who sends no awareness messages.
Blind spot: a made-up event beside its sender (see `unconfirmed_braking`); a sender whose own position is false too. Source:
threat ITS-12 of the catalogue; ETSI TS 103 759, DENM: DistanceBetweenPositionInDenmAndLdmTooLarge, EeblEventSpeedbelowMinThreshold;
ETSI TS 102 894-2 (cause codes).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.geometry import east_m, is_position, length, north_m
from detectors.grouping import TIME
from detectors.memory import Derived, LastOf, seconds_since
from detectors.memory.recent import REFERENCE
from detectors.profiles import its_messages
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CAM, DENM


@dataclass(frozen=True)
class Params:
    far_m: float = 1000.0  # end of queue, traffic condition
    near_m: float = 100.0  # stationary or emergency vehicle, risk of collision, dangerous situation
    heard_s: float = 3.0  # age of the awareness message that still tells where the sender is
    speed_max_ms: float = 60.0  # way that it may have made since
    braking_min_ms: float = 20 / 3.6  # of an emergency brake light


#: Cause codes of ETSI TS 102 894-2: traffic condition, end of queue; stationary, emergency vehicle, collision risk, dangerous situation.
FAR, NEAR = [1, 27], [94, 95, 97, 99]
BY = ("station",)
PLACED = Derived("placed vehicle", is_position("latitude", "longitude") & (pl.col("station_type").fill_null(0) != 15))
LATITUDE, LONGITUDE, TOLD, WHERE = (
    LastOf(CAM, BY, value, PLACED) for value in ("latitude", "longitude", TIME, REFERENCE)
)


def build(p: Params, site: Site) -> Firing:
    cause = pl.col("cause_code").fill_null(0)
    # An end of a warning tells of no event; a forwarded one has another sender.
    own = (pl.col("station") == pl.col("originator")) & pl.col("termination").is_null()
    own &= pl.col("station_type").fill_null(0) != 15
    east = east_m(pl.col("event_latitude"), pl.col("event_longitude"), LONGITUDE.col)
    distance = length(east, north_m(pl.col("event_latitude"), LATITUDE.col))
    age = seconds_since(TOLD)
    most = pl.when(cause.is_in(FAR)).then(p.far_m).when(cause.is_in(NEAR)).then(p.near_m).otherwise(1e9)
    known = is_position("event_latitude", "event_longitude") & (age.abs() <= p.heard_s)
    far = known & (distance > most + age.abs() * p.speed_max_ms)
    brakes = (cause == 99) & (pl.col("sub_cause_code") == 1) & (pl.col("event_speed_ms") < p.braking_min_ms)
    # Who was not heard of lately, or gives no speed, is not judged by it.
    far, brakes = far.fill_null(False), brakes.fill_null(False)
    why = (
        pl.when(far)
        .then(pl.format("{} m away", distance.round(0).cast(pl.Int64, strict=False)))
        .otherwise(pl.format("an emergency braking at {} m/s", pl.col("event_speed_ms").round(1)))
    )
    return Firing(
        when=own & (far | brakes),
        memories=(LATITUDE, LONGITUDE, TOLD),
        values={
            "why": why,
            "most": pl.when(far).then(pl.format("an event within {} m of its sender", most.cast(pl.Int64)))
            .otherwise(pl.format("a braking from {} m/s", round(p.braking_min_ms, 1))),
            "cause": cause,
        },
        trail=(WHERE,),
    )  # fmt: skip


def _cam(time: float, **fields: object) -> dict[str, object]:
    at = {"station": "A1", "station_type": 5, "latitude": 48.0, "longitude": 11.0}
    return {"record": "cam", "time": time, "receiver": "R1", **at, **fields}


def _warns(time: float, cause: int, east: float, **fields: object) -> dict[str, object]:
    return {
        "time": time,
        "receiver": "R1",
        "station": "A1",
        "originator": "A1",
        "station_type": 5,
        "cause_code": cause,
        "event_latitude": 48.0,
        "event_longitude": 11.0 + east / 74_400,
        **fields,
    }


DETECTOR = Detector(
    id="false_warning",
    version=1,
    threat=its_messages.ITS_12,
    record=DENM,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("station", "station", source="station", destination="receiver"),
    dedup=("station", "originator", "sequence_number"),
    episode_s=600.0,
    says="station {station} warns of an event (cause {cause}) that it cannot know of: {why}",
    observed="{why}",
    expected="{most}",
    runbook=(
        "Hold the warning in the centre until a second source or three vehicles confirm it.",
        "If it is already shown on signs, withdraw it.",
        "Send a misbehaviour report with the warning and the awareness message as evidence.",
    ),
    tolerance="a warning is judged by what its sender said last before it arrived",
    examples=(
        fires_on(
            "a stationary vehicle 600 m from its sender", [_cam(0.0), _warns(0.4, 94, 600.0), _warns(1.4, 94, 600.0)]
        ),
        fires_on("an end of queue 2 km ahead", [_cam(0.0), _warns(0.4, 27, 2000.0)]),
        fires_on("an emergency braking at 3 m/s", [_warns(0.4, 99, 0.0, sub_cause_code=1, event_speed_ms=3.0)]),
        quiet_on(
            "a breakdown beside the sender, a queue 600 m ahead, roadworks far away",
            [_cam(0.0), _warns(0.2, 94, 30.0), _warns(0.4, 27, 600.0), _warns(0.6, 3, 5000.0)],
        ),
        quiet_on(
            "a warning that somebody else forwards, one of a roadside unit, and one of a sender not heard of lately",
            [
                _cam(0.0),
                _warns(0.2, 94, 600.0, originator="B1"),
                _warns(0.4, 94, 600.0, station_type=15),
                _warns(60.0, 94, 600.0),
            ],
        ),
    ),
)
