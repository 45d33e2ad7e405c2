"""Warnings on a road (DENM) beside the awareness messages of its cars: roadworks that move on, brakings, queues, a lost load.

A trailer repeats its warning, updates it as it moves and cancels it; cars that brake hard say so, and those behind them brake too; a car
warns of a load on the road, and another one that finds none negates it; the road's operator warns of what lies elsewhere. Attacks:
events far from who warns of them, brakings that are none, warnings altered, ended or multiplied by others.
"""

import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.road import Car, Road, drive
from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario, merged
from ingest.source import Record
from schemas.records import CAM, DENM

ROAD: Final = Road("rsu-12", 48.17, 11.55)
TRAILER, OPERATOR = "00C0FFEE", "0000A015"
#: Cause codes of ETSI TS 102 894-2.
ROADWORKS, ACCIDENT, OBSTACLE, END_OF_QUEUE, STATIONARY, EMERGENCY_VEHICLE, DANGER = 3, 2, 10, 27, 94, 95, 99
UPDATE_S: Final = 600.0


@dataclass(frozen=True)
class Event:
    """What a station warns of: cause and sub-cause, place (metres east and north of the unit), speed and times (seconds)."""

    originator: str
    number: int
    station_type: int
    cause: int
    at: tuple[float, float]
    detected_s: float
    speed_ms: float | None = None
    heading_deg: float | None = None
    sub_cause: int = 0

    def message(self, rng: random.Random, start: int, at_s: float, **more: Any) -> Record:
        """The warning as the unit hears it when it is sent at `at_s`."""
        latitude, longitude = ROAD.place(*self.at)
        detected = start + round(self.detected_s * 1e6)
        fields = {
            "time": start + round((at_s + rng.uniform(0.003, 0.015)) * 1e6),
            "receiver": ROAD.unit,
            "station": self.originator,
            "originator": self.originator,
            "sequence_number": self.number,
            "generation_time": start + round(at_s * 1e6),
            "station_type": self.station_type,
            "detection_time": detected,
            "reference_time": detected + 20_000,
            "event_latitude": round(latitude, 7),
            "event_longitude": round(longitude, 7),
            "cause_code": self.cause,
            "sub_cause_code": self.sub_cause,
            "information_quality": 3,
            "event_speed_ms": self.speed_ms,
            "event_heading_deg": self.heading_deg,
            "road_type": 2,
            "validity_s": 600.0,
            "signature": "valid",
        }
        return Record(DENM, {**fields, **more})

    def repeated(self, rng: random.Random, start: int, seconds: float, every_s: float, **more: Any) -> Iterator[Record]:
        """The warning, again and again from its detection on."""
        for i in range(max(1, round(seconds / every_s))):
            yield self.message(rng, start, self.detected_s + 0.05 + i * every_s, **more)

    def ended(self, rng: random.Random, start: int, at_s: float, how: str, by: str, station_type: int) -> Record:
        """The end of the warning, by its originator or by somebody else."""
        times = dict.fromkeys(("detection_time", "reference_time"), start + round(at_s * 1e6))
        gone = dict.fromkeys(("cause_code", "sub_cause_code", "information_quality", "event_speed_ms"))
        return self.message(rng, start, at_s, termination=how, station=by, station_type=station_type, **times, **gone)


def own_event(
    rng: random.Random, car: Car, number: int, cause: int, ahead_m: float = 0.0, at: int | None = None
) -> Event:
    """What a car warns of at one of its messages: something `ahead_m` ahead of it."""
    index = rng.randrange(len(car.track) // 4, 3 * len(car.track) // 4) if at is None else at
    at_s, way, speed = car.track[index]
    heading = 90.0 if car.east else 270.0
    return Event(car.station, number, 5, cause, (car.x(ROAD, way + ahead_m), 0.0), at_s + 0.1, speed, heading)


def braking(car: Car) -> Event:
    """The emergency brake light of a car that began to brake hard."""
    times = [at_s for at_s, _, _ in car.track]
    at_s, way, speed = car.track[max(0, bisect_right(times, car.begun) - 1)]
    x = car.x(ROAD, way + (car.begun - at_s) * speed)
    return Event(
        car.station, 1, 5, DANGER, (x, 0.0), car.begun + 0.3, max(6.0, speed - 2), 90.0 if car.east else 270.0, 1
    )


HALF_HOUR_S: Final = 1800.0


def quiet(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """Half an hour of traffic after the other, each with roadworks of its own."""
    records: list[Record] = []
    for number in range(max(1, round(seconds / HALF_HOUR_S))):
        begin = start + round(number * HALF_HOUR_S * 1e6)
        records += _half_hour(rng, begin, min(seconds, HALF_HOUR_S), number + 1)
    return records


def _half_hour(rng: random.Random, start: int, seconds: float, number: int) -> list[Record]:
    """It has two or three of each kind of warning, and roadworks all the time."""
    records, cars = drive(rng, ROAD, start, seconds, [rng.uniform(60, seconds) for _ in range(3)])
    whole = [car for car in cars if len(car.track) > 20]
    works = [Event(TRAILER, number, 10, ROADWORKS, (200.0, -4.0), -30.0)]
    while works[-1].detected_s + UPDATE_S < seconds:
        last = works[-1]
        works.append(Event(TRAILER, number, 10, ROADWORKS, (last.at[0] - 15, -4.0), last.detected_s + UPDATE_S))
    for event in works:
        records += (
            r
            for r in event.repeated(rng, start, UPDATE_S - 1, 2.0)
            if start <= r.fields["time"] < start + (seconds - 20) * 1e6
        )
    records.append(works[-1].ended(rng, start, seconds - 10, "cancellation", TRAILER, 10))
    for i, distance in enumerate((3000.0, 9000.0)):
        far = Event(OPERATOR, i, 15, ACCIDENT, (distance, 0.0), rng.uniform(0, seconds - 300))
        records += far.repeated(rng, start, 240, 5.0)
    for car in (car for car in whole if car.begun >= 0):
        records += braking(car).repeated(rng, start, 2.5, 0.5)
    for cause, ahead, lasts in (
        (END_OF_QUEUE, 500.0, 20.0),
        (EMERGENCY_VEHICLE, 0.0, 0.4),
        (OBSTACLE, 60.0, 60.0),
        (OBSTACLE, 80.0, 40.0),
    ):
        event = own_event(rng, rng.choice(whole), rng.randrange(100, 1000), cause, ahead)
        records += event.repeated(rng, start, lasts, 1.0)
        if cause == OBSTACLE and rng.random() < 0.7:
            records.append(event.ended(rng, start, event.detected_s + lasts, "negation", rng.choice(whole).station, 5))
    end = start + round(seconds * 1e6)
    return sorted((r for r in records if r.fields["time"] < end), key=lambda record: record.fields["time"])


WARNINGS: Final = Quiet("v2x_warnings", "a road with roadworks, and the warnings of its cars", quiet, 1)


def _cars(records: list[Record], start: int) -> list[Car]:
    """Cars of the traffic that pass the whole road, as their messages show them."""
    tracks: dict[str, list[Record]] = {}
    for record in records:
        if record.schema is CAM:
            tracks.setdefault(record.fields["station"], []).append(record)
    cars = []
    for station, heard in tracks.items():
        east = heard[0].fields["heading_deg"] < 180
        car = Car(station, east, 0.0, 0.0, 0.0, 0.0, False, 0)
        for r in heard:
            x = (r.fields["longitude"] - ROAD.longitude) / (ROAD.place(1.0)[1] - ROAD.longitude)
            way = ROAD.half_m + (x if east else -x)
            car.track.append(((r.fields["time"] - start) / 1e6, way, r.fields["speed_ms"]))
        if len(heard) > 25 and 300 < car.track[0][0] < 1500 and min(speed for *_, speed in car.track) > 15:
            cars.append(car)
    return cars


def _injected(records: list[Record], forged: list[Record], *entities: str) -> Injected:
    both, attack = merged(records, sorted(forged, key=lambda record: record.fields["time"]))
    times = [both[i].fields["time"] for i in attack]
    return Injected(both, min(times), max(times), frozenset(entities), attack)


@dataclass(frozen=True)
class Far:
    cause: int = STATIONARY
    ahead_m: float = 600.0
    seconds: float = 10.0


def far_event(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A passing car warns of something far from it."""
    car = rng.choice(_cars(records, start))
    event = own_event(rng, car, 9, p.cause, p.ahead_m)
    return _injected(records, list(event.repeated(rng, start, p.seconds, 1.0)), car.station)


@dataclass(frozen=True)
class Braking:
    speed_ms: float = 7.0
    seconds: float = 3.0
    every_s: float = 0.5


def made_up_braking(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A car says that it brakes hard, and drives on."""
    car = rng.choice(_cars(records, start))
    event = own_event(rng, car, 9, DANGER)
    event = Event(event.originator, 9, 5, DANGER, event.at, event.detected_s, p.speed_ms, event.heading_deg, 1)
    return _injected(records, list(event.repeated(rng, start, p.seconds, p.every_s)), car.station)


@dataclass(frozen=True)
class Phantom:
    speed_ms: float = 9.0
    seconds: float = 120.0  # as often as it takes for cars to come by
    every_s: float = 0.5
    braking_s: float = 8.0  # until the next one


def phantom_braking(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A transmitter beside the road makes up brakings of a car that is not there, one after the other."""
    begin, heading = rng.uniform(300, 1300), rng.choice((90.0, 270.0))
    forged: list[Record] = []
    for number in range(round(p.seconds / p.braking_s)):
        at = rng.uniform(100, 200) * (1 if heading == 90 else -1), 0.0
        event = Event("DEADBEEF", number, 5, DANGER, at, begin + number * p.braking_s, p.speed_ms, heading, 1)
        forged += event.repeated(rng, start, p.braking_s, p.every_s)
    return _injected(records, forged, "DEADBEEF")


@dataclass(frozen=True)
class Negation:
    repeated: int = 5
    how: str = "negation"


def ended(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A passenger car ends the roadworks."""
    car = rng.choice(_cars(records, start))
    begin = car.track[len(car.track) // 2][0]
    works = Event(TRAILER, 1, 10, ROADWORKS, (200.0, -4.0), begin)
    forged = [works.ended(rng, start, begin + i, p.how, car.station, 5) for i in range(p.repeated)]
    return _injected(records, forged, car.station, TRAILER)


@dataclass(frozen=True)
class Cancellation(Negation):
    how: str = "cancellation"


@dataclass(frozen=True)
class Altered:
    seconds: float = 120.0
    moved_deg: float = 0.004  # some 300 m


def altered(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Repetitions of the roadworks are taken from the air, and sent on with another place and quality."""
    begin = start + round(rng.uniform(300, 1400) * 1e6)
    forged = []
    for r in records:
        late = r.fields["time"] - begin
        if r.schema is DENM and r.fields["originator"] == TRAILER and 0 <= late < p.seconds * 1e6:
            changed = {"event_longitude": r.fields["event_longitude"] + p.moved_deg, "information_quality": 1}
            forged.append(Record(DENM, {**r.fields, "time": r.fields["time"] + 300_000, **changed}))
    return _injected(records, forged, TRAILER)


@dataclass(frozen=True)
class Flood:
    hz: float = 25.0
    seconds: float = 10.0


def flood(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A warning is repeated many times a second."""
    car = rng.choice(_cars(records, start))
    event = own_event(rng, car, 9, OBSTACLE, 50.0)
    return _injected(records, list(event.repeated(rng, start, p.seconds, 1 / p.hz)), car.station)


QUIET: Final = (WARNINGS,)
SCENARIOS: Final = tuple(
    Scenario(name, threat, says, WARNINGS, 1800.0, inject, params)
    for name, threat, says, inject, params in (
        (
            "false_stationary_vehicle",
            "ITS-12",
            "a stationary vehicle 600 m from who warns of it, traffic at 25 m/s",
            far_event,
            Far,
        ),
        ("made_up_braking", "ITS-12", "a car at 25 m/s says that it brakes at 7 m/s", made_up_braking, Braking),
        (
            "phantom_braking",
            "ITS-12",
            "brakings of a car that is not there, while all drive on",
            phantom_braking,
            Phantom,
        ),
        ("roadworks_negated", "ITS-13", "a passenger car negates roadworks", ended, Negation),
        ("roadworks_cancelled", "ITS-13", "a passenger car cancels roadworks", ended, Cancellation),
        ("roadworks_altered", "ITS-13", "roadworks are repeated with another place and quality", altered, Altered),
        ("warning_flood", "ITS-13", "one warning 25 times a second", flood, Flood),
    )
)
