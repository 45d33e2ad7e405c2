"""Cars behind an announced emergency braking drive on, and none slows down.

Follows the last emergency brake light that the receiver heard of: cars that drive in its direction within `urban_m` or `rural_m`
behind it claim, from `react_s` on, far more than the speed of the event; it fires where `stations_min` do and none is slower. Blind
spot: an empty road; a warning without speed, or with little less than others drive; several brake lights in the same seconds, of which
the last is followed. On a motorway the other lanes may pass a real braking: hold the warning, do not punish its sender for this
alone. Source: threat ITS-12 of the catalogue; ETSI TS 103 759, DENM: EeblIncWithOtherVehiclesSpeed.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.geometry import east_m, is_position, length, north_m
from detectors.memory import Derived, DistinctWithin, LastOf, Recent
from detectors.memory.recent import REFERENCE
from detectors.profiles import its_messages
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CAM, DENM


@dataclass(frozen=True)
class Params:
    urban_m: float = 100.0
    rural_m: float = 200.0  # other and unknown kinds of road
    react_s: float = 2.5  # after the event, until a driver behind has slowed down
    over_s: float = 10.0  # after it the road may be free again
    stations_min: int = 3
    times: float = 1.5  # the speed of the event: faster is driving on
    window_s: float = 20.0


#: Dangerous situation, emergency brake light, with the speed of the event.
BRAKES = Derived(
    "emergency braking with a speed",
    (pl.col("cause_code") == 99)
    & (pl.col("sub_cause_code") == 1)
    & pl.col("termination").is_null()
    & pl.col("event_speed_ms").is_not_null()
    & is_position("event_latitude", "event_longitude"),
)


def _event(value: str | Derived) -> LastOf:
    return LastOf(DENM, (), value, BRAKES)


ACCUSED, LATITUDE, LONGITUDE, SPEED, HEADING, ROAD, NUMBER, WARNING = map(_event, (
    "originator", "event_latitude", "event_longitude", "event_speed_ms", "event_heading_deg", "road_type", "sequence_number", REFERENCE,
))  # fmt: skip
DETECTED = _event(Derived("detected", pl.col("detection_time").dt.epoch("us")))
EVENT = (ACCUSED, LATITUDE, LONGITUDE, SPEED, HEADING, ROAD, NUMBER, DETECTED)


def build(p: Params, site: Site) -> Firing:
    heading = pl.col("heading_deg")
    since = (pl.col("time").dt.epoch("us") - DETECTED.col) * 1e-6
    east, north = (
        east_m(pl.col("latitude"), pl.col("longitude"), LONGITUDE.col),
        north_m(pl.col("latitude"), LATITUDE.col),
    )
    reach = pl.when(ROAD.col.is_in([0, 1])).then(p.urban_m).otherwise(p.rural_m)
    behind = east * heading.radians().sin() + north * heading.radians().cos() < 0
    # Without a direction of the event all that drive towards it count.
    along = ((heading - HEADING.col + 540.0) % 360.0 - 180.0).abs().fill_null(0.0) < 45
    near = is_position("latitude", "longitude") & heading.is_between(0, 360) & (length(east, north) <= reach)
    # Params stand in the name: they are part of what it is.
    named = f"{p.urban_m:g} {p.rural_m:g} {p.react_s:g} {p.over_s:g} {p.times:g}"
    faster = pl.col("speed_ms") > p.times * SPEED.col
    judged = near & behind & along & since.is_between(p.react_s, p.over_s) & (pl.col("station") != ACCUSED.col)
    drives = Derived(f"drives on {named}", (judged & faster).fill_null(False), EVENT)
    slows = Derived(f"slows down {named}", (judged & ~faster).fill_null(False), EVENT)
    who = ("receiver",)
    on, slow = (
        DistinctWithin(who, seconds=p.window_s, at_most=100, value="station", where=where) for where in (drives, slows)
    )
    return Firing(
        when=drives.col & (on.col >= p.stations_min) & (slow.col == 0),
        memories=(*EVENT, on, slow),
        values={"accused": ACCUSED.col, "number": NUMBER.col, "event": SPEED.col, "stations": on.col, "reach": reach},
        trail=(WARNING, Recent(who, seconds=p.window_s, at_most=20, where=drives)),
    )  # fmt: skip


def _denm(time: float, speed: float) -> dict[str, object]:
    own = {"station": "A1", "originator": "A1", "detection_time": 1.0, "cause_code": 99, "sub_cause_code": 1}
    at = {"event_latitude": 48.0, "event_longitude": 11.0, "event_heading_deg": 90.0, "event_speed_ms": speed}
    return {"record": "denm", "time": time, "receiver": "R1", **own, **at}


def _cars(begin: float, end: float, speed: float, station: str = "B", heading: float = 90.0) -> list[dict[str, object]]:
    """Four cars 30 m behind each other, the first 30 m behind the event; a message a second of each."""
    return [
        {
            "time": time + 0.1 * i,
            "receiver": "R1",
            "station": f"{station}{i}",
            "latitude": 48.0,
            "longitude": 11.0 - 30.0 * (i + 1) / 74_400,
            "speed_ms": speed,
            "heading_deg": heading,
        }
        for time in (begin + second for second in range(round(end - begin)))
        for i in range(4)
    ]


DETECTOR = Detector(
    id="unconfirmed_braking",
    version=1,
    threat=its_messages.ITS_12,
    record=CAM,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.LOW,
    parties=Parties("station", ACCUSED.column, source=ACCUSED.column, destination="receiver"),
    dedup=(ACCUSED.column,),
    episode_s=60.0,
    says="station {accused} warns of its emergency braking, but {stations} cars behind it drive on and none slows down",
    observed="{stations} cars much faster than {event} m/s within {reach} m behind it",
    expected="cars that slow down to the {event} m/s of event {number}",
    runbook=(
        "Hold the warning in the centre until a second source or three vehicles confirm it.",
        "Look at the place by camera or loop data where there is any; other lanes may pass a real braking.",
        "If it is made up, send a misbehaviour report with the warning and the cars' messages as evidence.",
    ),
    tolerance="a late message counts at the receiver's clock; one later than the window is not counted",
    examples=(
        fires_on("four cars drive on at 25 m/s", [*_cars(0, 1, 25.0), _denm(1.2, 12.0), *_cars(2, 8, 25.0)]),
        quiet_on("they brake", [*_cars(0, 1, 25.0), _denm(1.2, 12.0), *_cars(2, 3, 22.0), *_cars(3, 8, 10.0)]),
        quiet_on("they come from the other side", [_denm(1.2, 12.0), *_cars(2, 8, 25.0, heading=270.0)]),
        quiet_on("it is over", [_denm(1.2, 12.0), *_cars(12, 20, 25.0)]),
    ),
)
