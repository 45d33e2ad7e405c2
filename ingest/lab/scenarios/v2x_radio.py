"""Radio counters of roadside units, and satellite navigation of units and vehicles: rush hours, weather, tunnels; jamming and spoofing."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import cos, exp, pi, radians, sin
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario
from ingest.source import Record
from schemas.records import GNSS, RSU_RADIO

DEGREE_M: Final = 111_195.0
#: Roadside units with their surveyed places.
UNITS: Final = {f"rsu-{n}": (48.10 + 0.01 * n, 11.50 + 0.02 * n) for n in range(4)}
VEHICLES: Final = tuple(f"bus-{n}" for n in range(8))
REPORT_S, FIX_S, DRIVE_S = 10.0, 10.0, 2.0
DAY_S: Final = 86_400.0


def traffic(at_s: float) -> float:
    """Share of the densest traffic at a time of day: two rush hours, little at night."""
    hour = at_s % DAY_S / 3600
    return 0.04 + 0.5 * exp(-(((hour - 8) / 1.5) ** 2)) + 0.55 * exp(-(((hour - 17) / 2) ** 2)) + 0.2 * (9 < hour < 20)


def _wander(rng: random.Random, value: float, spread: float, keep: float) -> float:
    """The next value of an error that wanders slowly round 0."""
    return keep * value + rng.gauss(0, spread * (1 - keep * keep) ** 0.5)


def radio(rng: random.Random, unit: str, start: int, seconds: float) -> Iterator[Record]:
    """A report every ten seconds. More traffic is more busy time, and more collisions; now and then a radio nearby disturbs."""
    noise, density, disturbed, restart = 0.0, 0.0, 0.0, rng.uniform(0, seconds)
    offset, at = rng.uniform(0, DAY_S), rng.uniform(0, REPORT_S)
    while at < seconds:
        noise, density = _wander(rng, noise, 1.5, 0.999), _wander(rng, density, 0.3, 0.99)
        cars = 180 * min(1.0, traffic(at + offset)) * exp(density)
        sent = cars * 10 * rng.uniform(0.85, 1.15)  # frames that reach the unit in ten seconds
        busy = min(0.85, sent / 3300)
        broken = min(0.45, 0.02 + 0.35 * busy**2 + abs(rng.gauss(0, 0.02)))
        if rng.random() < 0.0005:
            disturbed = at + rng.uniform(4, 18)
        if at < disturbed:
            busy, broken = min(0.95, busy + 0.5), 0.7
        if not restart <= at < restart + 45:
            fields = {
                "receiver": unit,
                "channel": 180,
                "interval_s": REPORT_S,
                "busy_ratio": round(busy, 3),
                "noise_dbm": round(-98 + noise + rng.gauss(0, 0.4), 1),
                "received": round(sent * (1 - broken)),
                "crc_errors": round(sent * broken),
                "stations": round(cars),
            }
            yield Record(RSU_RADIO, {"time": start + round(at * 1e6), **fields})
        at += REPORT_S


def fixes(rng: random.Random, unit: str, start: int, seconds: float) -> Iterator[Record]:
    """A roadside unit's own receiver: it wanders by metres, its clock by nanoseconds."""
    latitude, longitude = UNITS[unit]
    east = north = clock = gain = 0.0
    at = rng.uniform(0, FIX_S)
    while at < seconds:
        east, north = _wander(rng, east, 1.4, 0.98), _wander(rng, north, 1.4, 0.98)
        clock, gain = _wander(rng, clock, 3e-8, 0.99), _wander(rng, gain, 2.5, 0.995)
        fields = {
            "receiver": unit,
            "fix": "3d",
            "latitude": latitude + north / DEGREE_M,
            "longitude": longitude + east / DEGREE_M / cos(radians(latitude)),
            "speed_ms": None,
            "wheel_speed_ms": None,
            "cn0_mean_dbhz": round(41 + rng.gauss(0, 1), 1),
            "cn0_std_db": round(max(2.2, rng.gauss(4.2, 0.5)), 2),
            "agc_percent": round(48 + gain, 1),
            "satellites": rng.randint(9, 14),
            "clock_bias_s": clock,
        }
        yield Record(GNSS, {"time": start + round(at * 1e6), **fields})
        at += FIX_S


def drive(rng: random.Random, vehicle: str, start: int, seconds: float) -> Iterator[Record]:
    """Trips of twenty minutes: stops, wheels that spin for a moment, a tunnel, a clock that is steered in milliseconds."""
    at = rng.uniform(0, 900)
    latitude, longitude, bias = 48.15, 11.55, rng.uniform(-4e-4, 4e-4)
    while at < seconds:
        end, tunnel, gain = at + 1200, at + rng.uniform(200, 1000), 0.0
        phase, spin = rng.uniform(0, 6), 0.0
        while at < min(end, seconds):
            gain, bias = _wander(rng, gain, 3.0, 0.99), bias + 4e-7
            if bias > 5e-4:
                bias -= 1e-3
            speed = max(0.0, 11 * sin(2 * pi * at / 140 + phase) + 4)
            spin = at + rng.uniform(1, 3) if rng.random() < 0.003 else spin
            inside = tunnel <= at < tunnel + 50
            latitude += speed * DRIVE_S / DEGREE_M
            fields: dict[str, Any] = {
                "receiver": vehicle,
                "fix": "dead_reckoning" if inside else "3d",
                "latitude": latitude + rng.gauss(0, 1.5) / DEGREE_M,
                "longitude": longitude + rng.gauss(0, 1.5) / DEGREE_M,
                "speed_ms": max(0.0, speed + rng.gauss(0, 0.3)),
                "wheel_speed_ms": max(0.0, speed * 1.02 + rng.gauss(0, 0.2) + (5.0 if at < spin else 0.0)),
                "cn0_mean_dbhz": None if inside else round(38 + rng.gauss(0, 2), 1),
                "cn0_std_db": None if inside else round(max(2.0, rng.gauss(5.0, 0.8)), 2),
                "agc_percent": round(50 + gain + (9 if inside else 0), 1),
                "satellites": 0 if inside else rng.randint(6, 13),
                "clock_bias_s": bias,
            }
            yield Record(GNSS, {"time": start + round(at * 1e6), **fields})
            at += DRIVE_S
        at += rng.uniform(1200, 6000)


def quiet(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """All of it, by time."""
    records = [r for unit in UNITS for r in (*radio(rng, unit, start, seconds), *fixes(rng, unit, start, seconds))]
    records += [record for vehicle in VEHICLES for record in drive(rng, vehicle, start, seconds)]
    return sorted(records, key=lambda record: record.fields["time"])


_PLACES: Final = {unit: {"latitude": place[0], "longitude": place[1]} for unit, place in UNITS.items()}
RADIO: Final = Quiet(
    "v2x_radio",
    "radio counters of 4 roadside units, satellite navigation of them and of 8 buses",
    quiet,
    len(UNITS) + len(VEHICLES),
    {"v2x": {"receivers": _PLACES}},
)


@dataclass(frozen=True)
class Attack:
    after_s: float = 3600.0
    seconds: float = 120.0


Change = Callable[[dict[str, Any], random.Random, float], None]


def _changed(schema: Any, names: tuple[str, ...], change: Change) -> Callable[..., Injected]:
    """One receiver's records are changed while the attack lasts; `change` gets the fields and the seconds since its begin."""

    def inject(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
        own = [r.fields for r in records if r.schema is schema and r.fields["receiver"] in names]
        length = round(p.seconds * 1e6)
        least = 0.9 * p.seconds / (DRIVE_S if names == VEHICLES else REPORT_S)
        while True:
            chosen = rng.choice([fields for fields in own if fields["time"] >= start + p.after_s * 1e6])
            name, begin = chosen["receiver"], chosen["time"]
            end = begin + length
            # One that is heard all the time: vehicles stop, units restart.
            if sum(fields["receiver"] == name and begin <= fields["time"] < end for fields in own) >= least:
                break
        attack = []
        out = list(records)
        for i, r in enumerate(records):
            if r.schema is schema and r.fields["receiver"] == name and begin <= r.fields["time"] < end:
                out[i] = Record(schema, dict(r.fields))
                change(out[i].fields, rng, (r.fields["time"] - begin) / 1e6)
                attack.append(i)
        return Injected(out, begin, end, frozenset({name}), tuple(attack))

    return inject


def _deaf(fields: dict[str, Any], rng: random.Random, at: float) -> None:
    fields.update(busy_ratio=0.9, received=round(fields["received"] * 0.2))


def _broken(fields: dict[str, Any], rng: random.Random, at: float) -> None:
    sent = fields["received"] + fields["crc_errors"] + 40
    fields.update(received=round(sent * 0.3), crc_errors=round(sent * 0.7))


def _noisy(fields: dict[str, Any], rng: random.Random, at: float) -> None:
    fields.update(noise_dbm=-82.0 + rng.gauss(0, 0.5), received=round(fields["received"] * 0.5))


def _away(fields: dict[str, Any], rng: random.Random, at: float) -> None:
    fields["latitude"] += 2.0 * at / DEGREE_M


def _stepped(fields: dict[str, Any], rng: random.Random, at: float) -> None:
    fields["clock_bias_s"] += 5e-5


def _led(fields: dict[str, Any], rng: random.Random, at: float) -> None:
    fields["latitude"] += 6.0 * at / DEGREE_M
    fields.update(fix="3d", satellites=9, speed_ms=fields["wheel_speed_ms"] + 6.0)


def _one_transmitter(fields: dict[str, Any], rng: random.Random, at: float) -> None:
    fields.update(fix="3d", satellites=10, cn0_std_db=0.7, cn0_mean_dbhz=46.0, agc_percent=fields["agc_percent"] - 25)


def _blinded(fields: dict[str, Any], rng: random.Random, at: float) -> None:
    lost = dict.fromkeys(("latitude", "longitude", "speed_ms", "cn0_mean_dbhz", "cn0_std_db"))
    fields.update(fix="none", satellites=0, agc_percent=rng.uniform(0, 1.5), **lost)


QUIET: Final = (RADIO,)
SCENARIOS: Final = tuple(
    Scenario(name, threat, says, RADIO, 7200.0, _changed(schema, receivers, change), Attack)
    for name, threat, says, schema, receivers, change in (
        ("channel_deaf", "ITS-15", "a unit's channel is 90 % busy, 80 % of the frames are lost, 2 min", RSU_RADIO, tuple(UNITS), _deaf),
        ("channel_broken", "ITS-15", "70 % of a unit's frames are broken for 2 min", RSU_RADIO, tuple(UNITS), _broken),
        ("channel_noise", "ITS-15", "the noise floor rises by 16 dB for 2 min", RSU_RADIO, tuple(UNITS), _noisy),
        ("gnss_unit_led", "ITS-16", "a unit measures itself away by 2 m/s", GNSS, tuple(UNITS), _away),
        ("gnss_clock_step", "ITS-16", "a unit's clock steps by 50 us", GNSS, tuple(UNITS), _stepped),
        ("gnss_vehicle_led", "ITS-16", "a bus is led away by 6 m/s against its wheels", GNSS, VEHICLES, _led),
        ("gnss_one_transmitter", "ITS-16", "a unit hears one strong transmitter instead of the sky", GNSS, tuple(UNITS), _one_transmitter),
        ("gnss_jammed", "ITS-16", "a unit's navigation is jammed for 2 min", GNSS, tuple(UNITS), _blinded),
    )
)  # fmt: skip
