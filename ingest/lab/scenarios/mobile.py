"""Mobile subscribers: meters, cars and phones in a grid of cells; swapped, stolen and cloned SIM cards, infected modems."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario, merged
from ingest.source import Record
from schemas.records import MOBILE_SIGNALLING, MOBILE_USAGE

METERS, CARS, PHONES = 60, 6, 14
#: Cells stand on a grid of this pitch, km; kilometres of a degree.
PITCH_KM: Final = 4.0
NORTH_KM, EAST_KM = 111.2, 74.4
USAGE_S: Final = 300
APN: Final = "meters.utility"
HEADEND: Final = "198.51.100.10"
#: The meter in the workshop: its modem is exchanged.
EXCHANGED: Final = 7
OTHERS: Final = tuple(n for n in range(METERS) if n not in (EXCHANGED, EXCHANGED + 1))


@dataclass
class _Subscriber:
    """A SIM card: what it belongs to, its device, and where it is, km from the middle of the region."""

    imsi: str
    imei: str | None
    kind: str  # meter, car or phone
    east_km: float
    north_km: float

    def says(self, at: float, procedure: str, cause: int = 0, reach_km: float = 0.0, rng: Any = None) -> "_Said":
        """A procedure at the nearest cell, or at one within reach of it."""
        cell = [
            round((x + (rng.uniform(-reach_km, reach_km) if rng else 0.0)) / PITCH_KM)
            for x in (self.east_km, self.north_km)
        ]
        return _Said(at, self, procedure, cause, (cell[0], cell[1]), self.imei)


@dataclass(frozen=True)
class _Said:
    at: float
    who: _Subscriber
    procedure: str
    cause: int
    cell: tuple[int, int]
    imei: str | None

    def record(self, start: int) -> Record:
        east, north = self.cell
        meter = self.who.kind == "meter"
        fields = {"time": start + round(self.at * 1e6), "platform": "operator-1", "imsi": self.who.imsi}
        fields |= {"imei": self.imei, "procedure": self.procedure, "cause": self.cause, "fixed": meter or None}
        fields |= {"cell": f"262-01-{east + 500:03d}{north + 500:03d}", "apn": APN if meter else None}
        fields |= {"latitude": 48.0 + north * PITCH_KM / NORTH_KM, "longitude": 11.0 + east * PITCH_KM / EAST_KM}
        return Record(MOBILE_SIGNALLING, fields)


def usage(time: int, imsi: str, meter: bool, **fields: object) -> Record:
    """What a subscriber used in an interval."""
    whole = {"time": time, "platform": "operator-1", "imsi": imsi, "interval_s": USAGE_S, "fixed": meter or None}
    return Record(MOBILE_USAGE, {**whole, "apn": APN if meter else None, **fields})


def _imsi(number: int) -> str:
    return f"9017000{number:08d}"


def _imei(number: int) -> str:
    return f"3534900{number:07d}1"


def _subscribers(rng: random.Random) -> list[_Subscriber]:
    kinds = ["meter"] * METERS + ["car"] * CARS + ["phone"] * PHONES
    return [
        _Subscriber(_imsi(n), _imei(n), kind, rng.uniform(-30, 30), rng.uniform(-30, 30))
        for n, kind in enumerate(kinds)
    ]


def _meter(
    rng: random.Random, meter: _Subscriber, seconds: float, failed: tuple[float, tuple[int, int]]
) -> Iterator[_Said]:
    """A reading every quarter of an hour, a location update now and then; when its cell fails, the next one."""
    at, out_of_reach = rng.uniform(0, 900), rng.random() < 0.05
    yield meter.says(rng.uniform(0, 30), "attach")
    while at < seconds:
        far = at > failed[0] and (round(meter.east_km / PITCH_KM), round(meter.north_km / PITCH_KM)) == failed[1]
        reach = 3.9 if far else 1.5 if rng.random() < 0.05 else 0.0
        yield meter.says(at, "service_request", reach_km=reach, rng=rng)
        yield meter.says(at + 0.2, "session_start", reach_km=reach, rng=rng)
        if out_of_reach and rng.random() < 0.3:
            # The modem loses the network: five attempts, then a long pause (3GPP TS 24.301, T3411 and T3402).
            for attempt in range(rng.randrange(1, 6)):
                yield meter.says(at + 30 + 11.0 * attempt, "attach", cause=22)
            yield meter.says(at + 800, "attach")
        if rng.random() < 0.28:
            yield meter.says(at + rng.uniform(60, 600), "tracking_area_update", reach_km=reach, rng=rng)
        at += 900 + rng.gauss(0, 3)


def _car(rng: random.Random, car: _Subscriber, seconds: float) -> Iterator[_Said]:
    """A drive: handovers between cells, also to and fro."""
    at, last = 0.0, (0, 0)
    heading = rng.choice(((1, 0), (0, 1), (-1, 0), (0, -1)))
    yield car.says(0.0, "attach")
    while (at := at + 15.0) < seconds:
        car.east_km, car.north_km = car.east_km + heading[0] * 0.45, car.north_km + heading[1] * 0.45
        said = car.says(at, "handover", reach_km=1.0, rng=rng)
        if said.cell != last:
            last = said.cell
            yield said
            if rng.random() < 0.2:
                yield replace(said, at=at + 0.4, cell=(last[0] + heading[0], last[1] + heading[1]))
                yield replace(said, at=at + 0.9)
        if abs(car.east_km) > 45 or abs(car.north_km) > 45:
            # Over the border: another operator's cells, whose places the platform does not know.
            heading = (-heading[0], -heading[1])
            yield car.says(at + 5, "attach", cause=15)
            yield car.says(at + 9, "attach")


def _phone(rng: random.Random, phone: _Subscriber, seconds: float) -> Iterator[_Said]:
    """Busy and quiet times; one is switched off, taken on a flight and switched on far away; another SIM card gets a new phone."""
    at, traveller, buyer = 0.0, phone.imsi == _imsi(METERS + CARS), phone.imsi == _imsi(METERS + CARS + 1)
    flown = seconds if not traveller else rng.uniform(0.1, 0.2) * seconds
    while at < seconds:
        busy = rng.random() < 0.25
        end = at + rng.uniform(300, 1500)
        while at < min(end, seconds):
            if at > flown:
                yield phone.says(at, "detach")
                at, flown = at + 4500.0, seconds + 1
                phone.east_km += 900.0
                yield phone.says(at, "attach")
            if buyer and rng.random() < 0.002:
                yield phone.says(at, "detach")
                phone.imei, at = _imei(9000), at + 200
                yield phone.says(at, "attach")
            yield phone.says(at, "service_request", reach_km=2.0, rng=rng)
            at += rng.expovariate(1 / (9.0 if busy else 90.0)) + 2.0


def quiet(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """Readings of meters, a cell that fails, a modem that is exchanged, new software, drives, flights, phones."""
    subscribers = _subscribers(rng)
    victim = subscribers[rng.randrange(METERS)]
    failed = rng.uniform(0.3, 0.8) * seconds, (round(victim.east_km / PITCH_KM), round(victim.north_km / PITCH_KM))
    said: list[_Said] = []
    for n, one in enumerate(subscribers):
        if one.kind == "meter":
            lines = list(_meter(rng, one, seconds, failed))
        else:
            lines = list((_car if one.kind == "car" else _phone)(rng, one, seconds))
        if n == EXCHANGED:
            exchange = rng.uniform(0.3, 0.9) * seconds
            lines = [replace(s, imei=_imei(8000)) if s.at > exchange else s for s in lines]
        if n == EXCHANGED + 1:
            # IMEISV: two digits of the software's version in place of the check digit.
            lines = [replace(s, imei=f"{_imei(n)[:14]}{1 + (s.at > 0.5 * seconds):02d}") for s in lines]
        said += lines
    records = [s.record(start) for s in said if s.at < seconds]
    for one in subscribers:
        records += _used(rng, one, start, seconds)
    records.sort(key=lambda record: record.fields["time"])
    return records


def _used(rng: random.Random, one: _Subscriber, start: int, seconds: float) -> Iterator[Record]:
    at = rng.uniform(0, USAGE_S)
    while (at := at + USAGE_S) < seconds:
        time = start + round(at * 1e6)
        if one.kind == "meter":
            sent = rng.choices((0, rng.randrange(1500, 9000), rng.randrange(100_000, 900_000)), (60, 30, 1))[0]
            yield usage(
                time, one.imsi, True, bytes_up=sent, bytes_down=sent // 4, destinations=[HEADEND] if sent else []
            )
        else:
            queries = rng.randrange(120)
            yield usage(
                time,
                one.imsi,
                False,
                sms_out=rng.choices((0, 1, 4, 12), (80, 10, 5, 1))[0],
                calls_out=rng.choices((0, 1, 2), (90, 9, 1))[0],
                premium_numbers=0 if rng.random() < 0.99 else 1,
                bytes_up=rng.randrange(10**7),
                dns_queries=queries,
                dns_nxdomain=round(queries * rng.uniform(0, 0.3)),
            )


FACTS: Final = {
    "mobile": {
        "fixed_apns": [APN],
        "destinations": {APN: ["198.51.100.0/24"]},
        "exchanges": [{"imsi": _imsi(EXCHANGED), "start": "2000-01-01T00:00:00Z", "end": "2100-01-01T00:00:00Z"}],
    }
}
MOBILE: Final = Quiet("mobile", "60 meters, 6 cars and 14 phones", quiet, METERS + CARS + PHONES, FACTS)


@dataclass(frozen=True)
class Stolen:
    away_km: float = 80.0
    other_device: bool = True


def stolen(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """The SIM card of a meter is taken out and used elsewhere, in a phone or in the meter's own modem."""
    begin = start + round(rng.uniform(1200, 2400) * 1e6)
    imsi = _imsi(rng.choice(OTHERS))
    left = [r for r in records if r.fields["imsi"] != imsi or r.fields["time"] < begin]
    last = next(r.fields for r in reversed(left) if r.fields["imsi"] == imsi and r.schema is MOBILE_SIGNALLING)
    there = {"cell": "262-01-990990", "latitude": last["latitude"] + p.away_km / NORTH_KM}
    forged = [
        Record(
            MOBILE_SIGNALLING,
            {**last, **there, "time": begin + round((600.0 + 60.0 * i) * 1e6), "procedure": procedure}
            | ({"imei": "356938035643809"} if p.other_device else {}),
        )
        for i, procedure in enumerate(("attach", "session_start", "service_request", "service_request"))
    ]
    both, attack = merged(left, forged)
    return Injected(both, begin, begin + round(900e6), frozenset({imsi}), attack)


@dataclass(frozen=True)
class Cloned:
    times: int = 6
    every_s: float = 240.0


def cloned(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A phone's SIM card is cloned, and the clone is used beside it in the same town."""
    begin = start + round(rng.uniform(900, 1800) * 1e6)
    imsi = _imsi(METERS + CARS + 3)
    last = next(r.fields for r in records if r.fields["imsi"] == imsi and r.schema is MOBILE_SIGNALLING)
    forged = [
        Record(
            MOBILE_SIGNALLING,
            {**last, "time": begin + round(i * p.every_s * 1e6), "imei": "356938035643809", "procedure": "attach"},
        )
        for i in range(p.times)
    ]
    both, attack = merged(records, forged)
    return Injected(both, begin, begin + round(p.times * p.every_s * 1e6), frozenset({imsi}), attack)


@dataclass(frozen=True)
class Infected:
    sms: int = 120
    dns: int = 0
    destination: str = ""
    seconds: float = 600.0


def infected(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A meter's modem sends short messages, looks for its master, or sends data to a stranger."""
    begin = start + round(rng.uniform(900, 1800) * 1e6)
    imsi = _imsi(rng.choice(OTHERS))
    end = begin + round(p.seconds * 1e6)
    of_attack = [
        i
        for i, r in enumerate(records)
        if r.schema is MOBILE_USAGE
        and r.fields["imsi"] == imsi
        and begin <= r.fields["time"] < end + USAGE_S * 1_000_000
    ]
    out: list[Record] = list(records)
    share = USAGE_S / p.seconds
    for i in of_attack:
        more: dict[str, Any] = {"sms_out": round(p.sms * share), "dns_queries": round(p.dns * share)}
        more["dns_nxdomain"] = round(0.9 * p.dns * share)
        if p.destination:
            more["destinations"] = [*out[i].fields["destinations"], p.destination]
        out[i] = Record(MOBILE_USAGE, {**out[i].fields, **more})
    return Injected(out, begin, end + USAGE_S * 1_000_000, frozenset({imsi}), tuple(of_attack))


@dataclass(frozen=True)
class Storm:
    procedures: int = 90
    every_s: float = 8.0


def storm(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A modem attaches again and again, without the pauses that the standard demands."""
    begin = start + round(rng.uniform(900, 1800) * 1e6)
    imsi = _imsi(rng.choice(OTHERS))
    last = next(r.fields for r in records if r.fields["imsi"] == imsi and r.schema is MOBILE_SIGNALLING)
    forged = [
        Record(MOBILE_SIGNALLING, {**last, "time": begin + round(i * p.every_s * 1e6), "procedure": "attach"})
        for i in range(p.procedures)
    ]
    both, attack = merged(records, forged)
    return Injected(both, begin, begin + round(p.procedures * p.every_s * 1e6), frozenset({imsi}), attack)


@dataclass(frozen=True)
class Lost(Infected):
    sms: int = 0
    dns: int = 400


@dataclass(frozen=True)
class Stranger(Infected):
    sms: int = 0
    destination: str = "203.0.113.66"


@dataclass(frozen=True)
class OwnModem(Stolen):
    other_device: bool = False


@dataclass(frozen=True)
class Nearby(Stolen):
    away_km: float = 0.0


QUIET: Final = (MOBILE,)
SCENARIOS: Final = tuple(
    Scenario(name, threat, says, MOBILE, 3600.0, inject, params)
    for name, threat, says, inject, params in (
        ("sim_stolen", "MOB-02", "a meter's SIM card in a phone, 80 km away", stolen, Stolen),
        ("sim_in_phone", "MOB-02", "a meter's SIM card in a phone at the meter", stolen, Nearby),
        ("sim_with_modem", "MOB-02", "a meter's modem used 80 km away", stolen, OwnModem),
        (
            "sim_cloned",
            "MOB-02",
            "a phone's SIM card and its clone, an attach of the clone every 4 minutes",
            cloned,
            Cloned,
        ),
        ("modem_sends_sms", "MOB-01", "a meter's modem sends 120 short messages in 10 minutes", infected, Infected),
        (
            "modem_seeks_names",
            "MOB-01",
            "a meter's modem asks for 400 names, 90 % of which do not exist",
            infected,
            Lost,
        ),
        (
            "modem_calls_stranger",
            "MOB-01",
            "a meter's modem sends data to an address that it may not",
            infected,
            Stranger,
        ),
        ("modem_storm", "MOB-01", "a meter's modem attaches every 8 s", storm, Storm),
    )
)
