"""Cars of a SUMO simulation that send awareness messages, heard by roadside units, as USDOT ODE JSON.

Positions carry a slowly wandering error as satellite navigation has it; a message heard by two roadside units is two
lines.
"""

import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ingest.lab.attacks import Injection, Truth, iso, truth_of
from ingest.lab.awareness import Awareness
from ingest.lab.pace import Line
from ingest.lab.traffic import STEP_S, Car, Traffic

#: WGS 84 position of the net's corner, and the lengths of a degree there.
ORIGIN: Final = (50.9, 13.33)
_M_PER_DEG_LAT: Final = 111_229.0
_M_PER_DEG_LON: Final = 111_320.0 * math.cos(math.radians(ORIGIN[0]))
ACCURACY_M: Final = 1.0
FLOOD_EVERY_S: Final = 0.04


@dataclass(frozen=True)
class RoadsideUnit:
    """A receiver: its address, where it stands (metres in the net) and how far it hears."""

    address: str
    x: float
    y: float
    range_m: float


RECEIVERS: Final = (RoadsideUnit("10.30.0.1", 130, 270, 300), RoadsideUnit("10.30.0.2", 410, 270, 300))


@dataclass
class _Station:
    pseudonym: str
    phase_s: float
    error_x: float
    error_y: float
    awareness: Awareness = field(default_factory=Awareness)
    count: int = 0
    born_s: float = 0.0


def vehicle_lines(
    cars: Traffic, seconds: float, start_us: int, seed: int, plan: list[Injection]
) -> Iterator[Line[str] | Truth]:
    """The ODE messages of a run.

    Args:
        cars: a running simulation.
        seconds: length of the run.
        start_us: its begin, microseconds since 1970.
        seed: of pseudonyms, errors and attackers.
        plan: attacks.

    Yields:
        ODE JSON lines by time, and truth where an attack begins.
    """
    air = _Air(seed, start_us)
    waiting = list(plan)
    running: list[tuple[Injection, str]] = []
    used: set[str] = set()
    for number in range(round(seconds / STEP_S)):
        at_s = number * STEP_S
        present = {car.name: car for car in cars.step()}
        running = [(injection, name) for injection, name in running if at_s < injection.end_s and name in present]
        while waiting and waiting[0].start_s <= at_s and not used >= set(present):
            injection = waiting.pop(0)
            attacker = air.attacker(present, used)
            used.add(attacker)
            running.append((injection, attacker))
            yield truth_of(injection, start_us, {"station": [air.station(attacker, at_s).pseudonym]})
        attacks = {name: injection.attack.name for injection, name in running}
        lines: list[Line[str]] = []
        for name, car in present.items():
            lines += air.messages(car, at_s, attacks.get(name))
        yield from sorted(lines, key=lambda line: line.at_s)


class _Air:
    def __init__(self, seed: int, start_us: int) -> None:
        self._random = random.Random(f"{seed} vehicles")
        self._start_us = start_us
        self._stations: dict[str, _Station] = {}

    def station(self, name: str, at_s: float) -> _Station:
        """The station of a car; a new car draws its pseudonym and error."""
        if name not in self._stations:
            draw = self._random
            self._stations[name] = _Station(
                pseudonym=f"{draw.randrange(1 << 32):08X}",
                phase_s=draw.randrange(int(STEP_S * 1000)) / 1000,
                error_x=draw.gauss(0, ACCURACY_M / 2),
                error_y=draw.gauss(0, ACCURACY_M / 2),
                count=draw.randrange(128),
                born_s=at_s,
            )
        return self._stations[name]

    def attacker(self, present: dict[str, Car], taken: set[str]) -> str:
        """A moving car that is well within reach of a receiver, the youngest of them: it will stay longest."""

        def suits(name: str) -> tuple[bool, bool, float]:
            car = present[name]
            near = min(math.hypot(car.x - unit.x, car.y - unit.y) for unit in RECEIVERS)
            return car.speed > 3, near < 200, self.station(name, 0.0).born_s

        return max(sorted(set(present) - taken), key=suits)

    def messages(self, car: Car, at_s: float, attack: str | None) -> list[Line[str]]:
        """What receivers get of a car in one step."""
        station = self.station(car.name, at_s)
        draw = self._random
        keep = math.exp(-STEP_S / 30)
        wander = ACCURACY_M / 2 * math.sqrt(1 - keep * keep)
        station.error_x = station.error_x * keep + draw.gauss(0, wander)
        station.error_y = station.error_y * keep + draw.gauss(0, wander)
        if attack == "cam_flooding":
            first = math.ceil(round(at_s / FLOOD_EVERY_S, 6))
            last = math.ceil(round((at_s + STEP_S) / FLOOD_EVERY_S, 6))
            times = [count * FLOOD_EVERY_S for count in range(first, last)]
        elif station.awareness.due(car, at_s):
            times = [at_s]
        else:
            return []
        lines = []
        for time in times:
            ahead = (time - at_s) * car.speed
            claim = replace(
                car,
                x=car.x + station.error_x + ahead * math.sin(math.radians(car.heading)),
                y=car.y + station.error_y + ahead * math.cos(math.radians(car.heading)),
                speed=max(0.0, car.speed + draw.gauss(0, 0.05)),
                heading=(car.heading + draw.gauss(0, 0.2)) % 360,
            )
            lines += self._heard(car, self._forged(claim, attack), station, time + station.phase_s)
        return lines

    def _forged(self, claim: Car, attack: str | None) -> Car:
        if attack == "impossible_speed":
            return replace(claim, speed=160.0)
        if attack == "constant_speed_offset":
            return replace(claim, speed=claim.speed + 7.0)
        if attack == "position_jump":
            angle, distance = self._random.uniform(0, 2 * math.pi), self._random.uniform(30, 150)
            return replace(claim, x=claim.x + distance * math.cos(angle), y=claim.y + distance * math.sin(angle))
        return claim

    def _heard(self, car: Car, claim: Car, station: _Station, at_s: float) -> list[Line[str]]:
        """One line a receiver within whose range the car really is."""
        station.count = (station.count + 1) % 128
        generated_us = self._start_us + round(at_s * 1e6)
        lines = []
        for unit in RECEIVERS:
            if math.hypot(car.x - unit.x, car.y - unit.y) <= unit.range_m:
                delay_s = 0.004 + 0.004 * self._random.random()
                message = ode_message(claim, station.pseudonym, station.count, generated_us, unit, delay_s)
                lines.append(Line(at_s + delay_s, json.dumps(message, separators=(",", ":"))))
        return lines


def ode_message(
    claim: Car, pseudonym: str, count: int, generated_us: int, unit: RoadsideUnit, delay_s: float
) -> dict[str, Any]:
    """A basic safety message as the ODE hands it on (schema version 6).

    Args:
        claim: what the station says of itself.
        pseudonym: temporary id, eight hexadecimal digits.
        count: message count modulo 128.
        generated_us: generation time, microseconds since 1970.
        unit: who heard it.
        delay_s: after what time.
    """
    received = iso(generated_us + round(delay_s * 1e6))
    latitude, longitude = wgs84(claim.x, claim.y)
    here = wgs84(unit.x, unit.y)
    location = {
        "latitude": f"{here[0]:.7f}",
        "longitude": f"{here[1]:.7f}",
        "elevation": "0",
        "speed": "0",
        "heading": "0",
    }
    core = {
        "msgCnt": count,
        "id": pseudonym,
        "secMark": generated_us // 1000 % 60_000,
        "position": {"latitude": round(latitude, 7), "longitude": round(longitude, 7), "elevation": 400.0},
        "accelSet": {"accelLong": round(max(-20.0, min(20.0, claim.acceleration)), 2), "accelYaw": 0.0},
        "accuracy": {"semiMajor": ACCURACY_M, "semiMinor": ACCURACY_M},
        "transmission": "FORWARDGEARS",
        "speed": round(claim.speed, 2),
        "heading": round(claim.heading / 0.0125) * 0.0125 % 360,
        "size": {"width": round(claim.width * 100), "length": round(claim.length * 100)},
    }
    return {
        "metadata": {
            "bsmSource": "RV",
            "recordType": "rxMsg",
            "securityResultCode": "success",
            "receivedMessageDetails": {"locationData": location, "rxSource": "RSU"},
            "payloadType": "us.dot.its.jpo.ode.model.OdeBsmPayload",
            "odeReceivedAt": received,
            "schemaVersion": 6,
            "recordGeneratedAt": received,
            "recordGeneratedBy": "RSU",
            "sanitized": False,
            "originIp": unit.address,
        },
        "payload": {
            "dataType": "us.dot.its.jpo.ode.plugin.j2735.J2735Bsm",
            "data": {
                "coreData": core,
                "partII": [{"id": "SupplementalVehicleExtensions", "value": {"classification": 10}}],
            },
        },
    }


def wgs84(x: float, y: float) -> tuple[float, float]:
    """Latitude and longitude (degrees) of a place in the net: equirectangular, good to centimetres over a kilometre."""
    return ORIGIN[0] + y / _M_PER_DEG_LAT, ORIGIN[1] + x / _M_PER_DEG_LON
