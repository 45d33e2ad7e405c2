"""What the security layers of two roadside units find out about messages: cars with pseudonyms, roadworks, a late trust list.

Cars pass with certificates that change, of a few issuers; one unit's clock is a little off, and it misses an update of the trust list for
half an hour. Attacks: messages sent again, carried to another town, signed without the right to, or not signed by anybody.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from math import pi, sin
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario, merged
from ingest.source import Record
from schemas.records import V2X_SECURITY

#: Roadside units, 11 km apart: latitude, longitude, error of the clock in seconds.
UNITS: Final = {"rsu-north": (48.2, 11.6, 0.02), "rsu-south": (48.1, 11.6, -0.25)}
#: Lowest and highest latitude and longitude of the region that tickets are issued for.
REGION: Final = (47.2, 55.1, 5.8, 15.1)
#: Service-specific permissions (ETSI EN 302 637-2, CAM): public transport, emergency.
BUS, EMERGENCY = 0x4000, 0x0200
#: An attack begins so long after the traffic, and lasts about so long, microseconds.
BEGIN_US: Final = 1_200_000_000


@dataclass(frozen=True)
class Ticket:
    """A certificate: digest, validity (microseconds), application ids, permissions, and what its issuer's standing makes of it."""

    digest: str
    start: int
    end: int
    psids: tuple[int, ...] = (36, 37)
    ssp: int = 0
    error: str | None = None


def digest(rng: random.Random, bits: int = 64) -> str:
    """Random hexadecimal digits."""
    return f"{rng.getrandbits(bits):0{bits // 4}x}"


def message(
    rng: random.Random, unit: str, generated: int, ticket: Ticket, at: tuple[float, float], **more: Any
) -> Record:
    """One message as a unit's security layer logs it, some milliseconds after it was generated, by the unit's clock."""
    time = generated + round((0.003 + rng.expovariate(100) + UNITS[unit][2]) * 1e6)
    fields = {
        "time": time,
        "receiver": unit,
        "certificate": ticket.digest,
        "message": "cam",
        "psid": 36,
        "needed_ssp": ticket.ssp if rng.random() < 0.3 else 0,
        "generation_time": generated,
        "latitude": at[0],
        "longitude": at[1],
        "certificate_psids": list(ticket.psids),
        "certificate_ssp": ticket.ssp,
        "certificate_start": ticket.start,
        "certificate_end": ticket.end,
        "region_south": REGION[0],
        "region_north": REGION[1],
        "region_west": REGION[2],
        "region_east": REGION[3],
        "signature": "valid" if ticket.error is None else "invalid",
        "error": ticket.error,
        "payload_hash": digest(rng),
        "forwarded": False,
        "signal_dbm": -90.0 + 30 * rng.random(),
    }
    return Record(V2X_SECURITY, {**fields, **more})


def issue(rng: random.Random, now: int, error: str | None = None) -> Ticket:
    """A ticket of a passing vehicle, valid for some hours around now; now and then one of a bus or an ambulance."""
    start = now - round(rng.uniform(0.1, 6) * 3600e6)
    ssp = rng.choices((0, BUS, EMERGENCY), (94, 5, 1))[0]
    return Ticket(digest(rng), start, start + 7 * 3_600_000_000, ssp=ssp, error=error)


def passage(rng: random.Random, unit: str, begin: int, untrusted: float) -> Iterator[Record]:
    """A vehicle drives past a unit; some change their pseudonym on the way."""
    error = "unknown_signer" if rng.random() < untrusted else None
    ticket = issue(rng, begin, error)
    clock, speed, rate = rng.gauss(0, 0.03), rng.uniform(8, 25), rng.uniform(1, 4)
    lasts, changes = rng.uniform(10, 50), rng.uniform(5, 400)
    at = 0.0
    while (at := at + rng.uniform(0.8, 1.2) / rate) < lasts:
        if at > changes:
            ticket, changes = issue(rng, begin, error), 1e9
        place = UNITS[unit][0] + (at - lasts / 2) * speed / 111_000, UNITS[unit][1] + rng.gauss(0, 1e-5)
        broken = {"signature": "invalid", "error": "malformed"} if rng.random() < 5e-4 else {}
        yield message(rng, unit, begin + round((at + clock) * 1e6), ticket, place, **broken)


def roadworks(rng: random.Random, unit: str, start: int, seconds: float, far: bool) -> Iterator[Record]:
    """A trailer that warns, repeated every ten seconds; of a far one only what others pass on, some seconds late."""
    ticket = Ticket(digest(rng), start - 86_400_000_000, start + 6 * 86_400_000_000, (36, 37, 139), 0x0800)
    place = UNITS[unit][0] + (0.05 if far else 0.003), UNITS[unit][1]
    at = rng.uniform(0, 10)
    while at < seconds:
        record = message(rng, unit, start + round(at * 1e6), ticket, place, message="denm", psid=37, forwarded=far)
        if far:
            record.fields["time"] += round(rng.expovariate(1 / 4) * 1e6) % 40_000_000
        yield record
        at += 10.0


def quiet(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """Traffic that swells and ebbs, roadworks near and far, and half an hour in which one unit's trust list is old."""
    records: list[Record] = []
    hole = rng.uniform(0, max(1.0, seconds - 1800))
    for unit in UNITS:
        at = 0.0
        while (at := at + rng.expovariate((1 + 0.8 * sin(2 * pi * at / 3600)) / 50)) < seconds:
            late = unit == "rsu-south" and hole < at < hole + 1800
            records += passage(rng, unit, start + round(at * 1e6), 0.08 if late else 0.005)
        records += roadworks(rng, unit, start, seconds, unit == "rsu-south")
    records.sort(key=lambda record: record.fields["time"])
    return records


SECURITY: Final = Quiet(
    "v2x_security",
    "verdicts of two roadside units on the messages that they hear",
    quiet,
    2,
    {"v2x": {"receivers": {unit: {"latitude": la, "longitude": lo} for unit, (la, lo, _) in UNITS.items()}}},
)


def _injected(records: list[Record], forged: list[Record]) -> Injected:
    both, attack = merged(records, forged)
    times = [record.fields["time"] for record in forged]
    named = {str(record.fields[name]) for record in forged for name in ("receiver", "certificate")}
    return Injected(both, min(times), max(times), frozenset(named), attack)


def _copies(
    records: list[Record], begin: int, seconds: float, share: float, rng: random.Random, unit: str
) -> list[Record]:
    """A share of the awareness messages that a unit hears in a time, from the first car on that passes it after the begin."""
    cams = [r for r in records if r.fields["receiver"] == unit and r.fields["message"] == "cam"]
    heard = [r for r in cams if r.fields["time"] >= begin]
    heard = [r for r in heard if r.fields["time"] < heard[0].fields["time"] + seconds * 1e6]
    return [Record(r.schema, dict(r.fields)) for r in heard if rng.random() < share]


@dataclass(frozen=True)
class Replay:
    delay_s: float = 60.0
    seconds: float = 120.0  # of what was recorded
    share: float = 0.5  # of it that is sent again


def replay(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """What was heard is sent again, at the same place."""
    copies = _copies(records, start + BEGIN_US, p.seconds, p.share, rng, rng.choice(list(UNITS)))
    for record in copies:
        record.fields["time"] += round(p.delay_s * 1e6)
    return _injected(records, copies)


@dataclass(frozen=True)
class Carried:
    delay_s: float = 0.3
    seconds: float = 300.0
    share: float = 0.5


def carried(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """What one unit hears is carried over the Internet and sent out at the other one, still fresh."""
    source, target = rng.sample(list(UNITS), 2)
    copies = _copies(records, start + BEGIN_US, p.seconds, p.share, rng, source)
    for record in copies:
        record.fields["receiver"] = target
        record.fields["time"] += round((p.delay_s + UNITS[target][2] - UNITS[source][2]) * 1e6)
    return _injected(records, copies)


@dataclass(frozen=True)
class Right:
    messages: int = 60
    hz: float = 2.0
    right: str = "permission"  # that is missing: permission, application, validity, region


def without_right(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A ticket is used for what it does not permit."""
    unit, begin = rng.choice(list(UNITS)), start + BEGIN_US
    ticket = Ticket(digest(rng), begin - 3_600_000_000, begin + 3_600_000_000)
    place, more = (UNITS[unit][0], UNITS[unit][1]), dict[str, Any]()
    if p.right == "permission":
        more = {"needed_ssp": EMERGENCY}
    elif p.right == "application":
        more = {"message": "denm", "psid": 37, "certificate_psids": [36]}
    elif p.right == "validity":
        ticket = Ticket(digest(rng), begin - 10 * 86_400_000_000, begin - 3 * 86_400_000_000)
    else:
        more = {"region_south": 40.0, "region_north": 44.0}
    forged = [message(rng, unit, begin + round(i / p.hz * 1e6), ticket, place, **more) for i in range(p.messages)]
    return _injected(records, forged)


@dataclass(frozen=True)
class Failures:
    messages: int = 200
    seconds: float = 60.0
    error: str = "bad_signature"  # or unknown_signer, or "" for none: not signed at all


def failures(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Many messages whose signature proves nothing."""
    unit, begin = rng.choice(list(UNITS)), start + BEGIN_US
    verdict = {"signature": "invalid", "error": p.error} if p.error else {"signature": "absent", "certificate": None}
    forged = [
        message(rng, unit, begin + round(rng.random() * p.seconds * 1e6), issue(rng, begin), UNITS[unit][:2], **verdict)
        for _ in range(p.messages)
    ]
    return _injected(records, sorted(forged, key=lambda record: record.fields["time"]))


@dataclass(frozen=True)
class Unsigned(Failures):
    error: str = ""


@dataclass(frozen=True)
class Strangers(Failures):
    error: str = "unknown_signer"


@dataclass(frozen=True)
class Expired(Right):
    right: str = "validity"


@dataclass(frozen=True)
class Foreign(Right):
    right: str = "region"


@dataclass(frozen=True)
class Warner(Right):
    right: str = "application"


QUIET: Final = (SECURITY,)
_HOUR: Final = 3600.0
SCENARIOS: Final = (
    Scenario("v2x_replay", "ITS-09", "half of what a unit hears, again after a minute", SECURITY, _HOUR, replay, Replay),
    Scenario("v2x_carried", "ITS-09", "what one unit hears, 0.3 s later at another 11 km away", SECURITY, _HOUR, carried, Carried),
    Scenario("v2x_emergency", "ITS-10", "an emergency container by a ticket without it", SECURITY, _HOUR, without_right, Right),
    Scenario("v2x_warner", "ITS-10", "warnings by a ticket for awareness messages alone", SECURITY, _HOUR, without_right, Warner),
    Scenario("v2x_expired", "ITS-10", "a ticket that ended three days ago", SECURITY, _HOUR, without_right, Expired),
    Scenario("v2x_foreign", "ITS-10", "a ticket of another region", SECURITY, _HOUR, without_right, Foreign),
    Scenario("v2x_bad_signatures", "ITS-11", "200 random signatures in a minute", SECURITY, _HOUR, failures, Failures),
    Scenario("v2x_unsigned", "ITS-11", "200 messages without a signature in a minute", SECURITY, _HOUR, failures, Unsigned),
    Scenario("v2x_strangers", "ITS-11", "200 messages of a made-up authority in a minute", SECURITY, _HOUR, failures, Strangers),
)  # fmt: skip
