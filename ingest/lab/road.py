"""A straight road past a roadside unit: cars that follow each other and send awareness messages once a second.

Cars keep their distance by the intelligent driver model (Treiber, Hennecke, Helbing 2000), so that one that brakes hard makes those
behind it brake. Positions carry a slowly wandering error as satellite navigation has it. Once a second is what the control of
congestion leaves of a channel that is well used (ETSI TS 102 687; T_GenCam_DCC of EN 302 637-2).
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ingest.source import Record
from schemas.records import CAM

#: A car sends at every other step.
STEP_S: Final = 0.5
M_PER_DEG: Final = 111_195.0
#: Model: comfortable acceleration and braking (m/s2), time gap (s), least distance and length (m).
ACCELERATE, BRAKE, GAP_S, LEAST_M, LENGTH_M = 1.5, 2.5, 1.4, 3.0, 4.6
HARD_MS2: Final = -6.5
ERROR_M: Final = 0.6


@dataclass(frozen=True)
class Road:
    """Where it lies and who hears it.

    Args:
        unit: name of the roadside unit.
        latitude, longitude: where the unit stands, in the middle of the road, which leads east.
        half_m: how far it hears to both sides.
        speed_ms: what its cars would like to drive.
        cars_per_s: that come, in each direction.
        half_width_m: of a direction, from the middle of the road to its lane.
    """

    unit: str
    latitude: float
    longitude: float
    half_m: float = 400.0
    speed_ms: float = 25.0
    cars_per_s: float = 0.14
    half_width_m: float = 2.5

    def place(self, x: float, y: float = 0.0) -> tuple[float, float]:
        """Latitude and longitude of a place `x` metres east and `y` metres north of the unit."""
        east = M_PER_DEG * math.cos(math.radians(self.latitude))
        return self.latitude + y / M_PER_DEG, self.longitude + x / east


@dataclass
class Car:
    """A car on the road.

    Attributes:
        station: its pseudonym.
        east: whether it drives east.
        way: since it came into reach, metres.
        track: (seconds, way, speed) of each message that it sent.
        brakes: until when it brakes as hard as it can, seconds.
        begun: when it last began to, seconds.
        odd: whether it sends at odd steps, and `offset_s` after their begin.
    """

    station: str
    east: bool
    likes_ms: float
    way: float
    speed: float
    offset_s: float
    odd: bool
    count: int
    acceleration: float = 0.0
    error: tuple[float, float] = (0.0, 0.0)
    brakes: float = -1.0
    begun: float = -1.0
    track: list[tuple[float, float, float]] = field(default_factory=list)

    def x(self, road: Road, way: float) -> float:
        """Metres east of the unit after that way."""
        return way - road.half_m if self.east else road.half_m - way


def drive(
    rng: random.Random, road: Road, start: int, seconds: float, brakings: Sequence[float] = ()
) -> tuple[list[Record], list[Car]]:
    """The awareness messages that the unit hears, by time, and all cars.

    Args:
        rng: of everything random.
        road: the road.
        start: microseconds since 1970.
        seconds: how long.
        brakings: when a car in the middle of the road brakes hard for two seconds and a half, seconds.
    """
    records: list[Record] = []
    every: list[Car] = []
    lanes: dict[bool, list[Car]] = {True: [], False: []}
    comes = {east: rng.expovariate(road.cars_per_s) for east in lanes}
    waiting = sorted(brakings)
    for number in range(round(seconds / STEP_S)):
        now = number * STEP_S
        for east, lane in lanes.items():
            room = not lane or lane[-1].way > GAP_S * lane[-1].speed + 12
            if now >= comes[east] and room:
                speed = min(road.speed_ms, lane[-1].speed) if lane and lane[-1].way < 150 else road.speed_ms
                likes = road.speed_ms * rng.uniform(0.88, 1.12)
                name = f"{rng.getrandbits(32):08X}"
                lane.append(
                    Car(name, east, likes, 0.0, speed, rng.uniform(0, STEP_S), rng.random() < 0.5, rng.randrange(128))
                )
                every.append(lane[-1])
                comes[east] = now + rng.expovariate(road.cars_per_s)
        if waiting and now >= waiting[0]:
            middle = [c for lane in lanes.values() for c in lane if 0.5 < c.way / road.half_m < 1.3 and c.speed > 12]
            if middle:
                chosen = rng.choice(middle)
                chosen.begun, chosen.brakes = now, now + 2.5
                waiting.pop(0)
        for lane in lanes.values():
            for car in lane:
                if number % 2 == car.odd:
                    records.append(_message(rng, road, car, start, now))
            _advance(rng, lane, now)
            while lane and lane[0].way > 2 * road.half_m:
                del lane[0]
    records.sort(key=lambda record: record.fields["time"])
    return records, every


def _advance(rng: random.Random, lane: list[Car], now: float) -> None:
    """One step of the cars of a lane, the foremost first."""
    keep = math.exp(-STEP_S / 30)
    ahead: Car | None = None
    for car in lane:
        free = 1 - (car.speed / car.likes_ms) ** 4
        if ahead is not None:
            distance = max(0.5, ahead.way - car.way - LENGTH_M)
            closing = car.speed * (car.speed - ahead.speed) / (2 * math.sqrt(ACCELERATE * BRAKE))
            free -= ((LEAST_M + max(0.0, car.speed * GAP_S + closing)) / distance) ** 2
        wish = HARD_MS2 if now < car.brakes else max(-7.0, ACCELERATE * free)
        car.acceleration = max(wish, -car.speed / STEP_S)
        car.way += car.speed * STEP_S + car.acceleration * STEP_S**2 / 2
        car.speed = max(0.0, car.speed + car.acceleration * STEP_S)
        wander = ERROR_M * math.sqrt(1 - keep * keep)
        car.error = (car.error[0] * keep + rng.gauss(0, wander), car.error[1] * keep + rng.gauss(0, wander))
        ahead = car


def _message(rng: random.Random, road: Road, car: Car, start: int, now: float) -> Record:
    way = car.way + car.speed * car.offset_s
    car.track.append((now + car.offset_s, way, car.speed))
    # Whoever drives east does so on the right-hand, the southern side.
    side = -road.half_width_m if car.east else road.half_width_m
    latitude, longitude = road.place(car.x(road, way) + car.error[0], side + car.error[1])
    time = start + round((now + car.offset_s) * 1e6)
    car.count = (car.count + 1) % 128
    return Record(
        CAM,
        {
            "time": time,
            "receiver": road.unit,
            "station": car.station,
            "received": time + round(rng.uniform(2000, 9000)),
            "station_type": 5,
            "message_count": car.count,
            "latitude": latitude,
            "longitude": longitude,
            "position_confidence_m": 3.0,
            "speed_ms": max(0.0, car.speed + rng.gauss(0, 0.05)),
            "heading_deg": ((90.0 if car.east else 270.0) + rng.gauss(0, 0.3)) % 360,
            "acceleration_ms2": car.acceleration,
            "backward": False,
            "length_m": LENGTH_M,
            "width_m": 1.8,
            "signature": "valid",
        },
    )
