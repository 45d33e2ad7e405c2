"""Sessions of clients with meters (DLMS/COSEM): keys tried, messages replayed, protection left out, strangers, bulk reads."""

import random
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario, merged
from ingest.source import Record
from schemas.records import DLMS_SESSION

METERS: Final = 500
HEADEND: Final = "headend-1"
CENTRE, TOOL, STRANGER = "10.1.0.5", "10.1.0.40", "10.9.0.66"
HOUR_US: Final = 3_600_000_000
PROFILE, LIMITER, PUBLIC = "1.0.99.1.0.255", "0.0.17.0.0.255", 16
#: System titles and service access points of the enrolled clients.
TITLES: Final = {CENTRE: "4d4d4d0000000001", TOOL: "4d4d4d0000000002"}
SAPS: Final = {CENTRE: 1, TOOL: 2}


def session(time: int, source: str, meter: int, service: str, counter: int | None, **fields: Any) -> Record:
    """One service, with full protection where a counter is given."""
    protected = {} if counter is None else {"invocation_counter": counter, "security_control": 0x30, "key_id": 0}
    return Record(
        DLMS_SESSION,
        {
            "time": time,
            "headend": HEADEND,
            "source": source,
            "client_sap": SAPS.get(source, PUBLIC),
            "meter": f"M{meter:05d}",
            "service": service,
            "result": "success",
            "system_title": TITLES.get(source),
            **protected,
            **fields,
        },
    )


def quiet(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """A reading round every hour, limits set, visits of a field tool.

    Some meters have a wrong key and refuse every round; answers get lost and are asked for again with the same counter; keys are
    changed now and then, and the counter begins anew; the tool also reads the names of meters without protection.
    """
    records: list[Record] = []
    counters = {(source, m): rng.randrange(1000, 100_000) for source in TITLES for m in range(METERS)}
    wrong = set(rng.sample(range(METERS), 6))

    def say(time: int, source: str, meter: int, service: str, **fields: Any) -> None:
        counters[source, meter] += rng.choice((1, 1, 1, 2, 5))
        records.append(session(time, source, meter, service, counters[source, meter], **fields))

    def refused(time: int, source: str, meter: int) -> None:
        records.append(session(time, source, meter, "associate", None, result="rejected", diagnostic=13, mechanism=5))

    for hour in range(int(seconds // 3600) + 1):
        begin = start + hour * HOUR_US
        for place, meter in enumerate(rng.sample(range(METERS), METERS)):
            time = begin + round((place * 3 + rng.random() * 2) * 1e6)
            if meter in wrong or rng.random() < 0.002:
                refused(time, CENTRE, meter)
                continue
            if rng.random() < 0.01:
                continue
            say(time, CENTRE, meter, "get", obis=PROFILE, response_bytes=rng.randrange(300, 420))
            if rng.random() < 0.01:
                records.append(
                    Record(DLMS_SESSION, {**records[-1].fields, "time": time + rng.randrange(3, 30) * 10**6})
                )
        for meter in rng.sample(sorted(set(range(METERS)) - wrong), 8):
            # After the round: a limit, or new keys and a message under them.
            time = begin + round(rng.uniform(1600, 3500) * 1e6)
            if rng.random() < 0.7:
                say(time, CENTRE, meter, "set", obis=LIMITER)
            else:
                say(time, CENTRE, meter, "action", obis="0.0.43.0.0.255")
                counters[CENTRE, meter] = 0
                say(time + 5_000_000, CENTRE, meter, "get", obis=PROFILE)
        for meter in rng.sample(range(METERS), 3):
            # A visit: the name by the public client, a wrong password or two, then the registers.
            time = begin + round(rng.uniform(100, 3300) * 1e6)
            records.append(session(time, TOOL, meter, "get", None, client_sap=PUBLIC, obis="0.0.42.0.0.255"))
            for tries in range(rng.choice((0, 0, 1, 2))):
                refused(time + (tries + 1) * 20_000_000, TOOL, meter)
            say(time + 90_000_000, TOOL, meter, "associate", mechanism=5)
            say(time + 95_000_000, TOOL, meter, "get", obis="1.0.1.8.0.255")
    records.sort(key=lambda r: r.fields["time"])
    last = start + round(seconds * 1e6)
    return [r for r in records if r.fields["time"] < last]


SESSIONS: Final = Quiet(
    "meter_sessions",
    "hourly reading rounds, settings and visits at 500 meters",
    quiet,
    METERS,
    {
        "meters": {
            "clients": [
                {"source": CENTRE, "client_sap": 1, "system_title": TITLES[CENTRE], "meters_per_hour": METERS},
                {"source": TOOL, "meters_per_hour": 20},
            ]
        }
    },
)
#: The same, where the site file lists no clients: who is a stranger is learned.
LEARNED: Final = Quiet("meter_sessions_learned", "the same, without a list of clients", quiet, METERS)


@dataclass(frozen=True)
class Sweep:
    meters: int = 50
    passwords: int = 3
    every_s: float = 4.0
    succeeds: bool = True  # whether one more meter lets the client in


def sweep(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """One client tries passwords on many meters."""
    begin, chosen = start + round(rng.uniform(0.3, 0.6) * HOUR_US), rng.sample(range(METERS), p.meters + 1)
    forged = [
        session(
            begin + round((i * p.passwords + word) * p.every_s * 1e6),
            STRANGER,
            meter,
            "associate",
            None,
            result="rejected",
            diagnostic=13,
            mechanism=1,
        )
        for i, meter in enumerate(chosen[:-1])
        for word in range(p.passwords)
    ]
    end = begin + round(p.meters * p.passwords * p.every_s * 1e6)
    if p.succeeds:
        forged.append(session(end, STRANGER, chosen[-1], "associate", None, mechanism=1))
    both, attack = merged(records, forged)
    return Injected(both, begin, end, frozenset({STRANGER, *(f"M{m:05d}" for m in chosen)}), attack)


@dataclass(frozen=True)
class Guess(Sweep):
    meters: int = 1
    passwords: int = 8
    every_s: float = 30.0


@dataclass(frozen=True)
class Replay:
    later_s: float = 7200.0
    spoofed: bool = False  # whether it comes from the head-end's own address


def replay(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A captured write is sent again."""
    # A meter that was heard again in the meantime, and whose keys were not changed just before.
    rekeyed = {r.fields["meter"] for r in records if r.fields["service"] == "action"}
    heard = {(r.fields["meter"], r.fields["time"]) for r in records if r.fields["service"] == "get"}
    later = round(p.later_s * 1e6)
    writes = [r for r in records if r.fields["service"] == "set" and r.fields["meter"] not in rekeyed]
    early = [
        r for r in writes
        if r.fields["time"] + later < records[-1].fields["time"]
        and any(m == r.fields["meter"] and 0 < t - r.fields["time"] < later for m, t in heard)
    ]  # fmt: skip
    captured = rng.choice(early).fields
    begin = captured["time"] + later
    again = {**captured, "time": begin, "source": CENTRE if p.spoofed else STRANGER}
    both, attack = merged(records, [Record(DLMS_SESSION, again)])
    return Injected(both, begin, begin, frozenset({STRANGER, captured["meter"]}), attack)


@dataclass(frozen=True)
class Spoofed(Replay):
    spoofed: bool = True


@dataclass(frozen=True)
class Protection:
    counter_ahead: int = 0  # counts that the forged message is ahead of the last one
    security_control: int = 0x00
    after_s: float = 3.5 * 3600


@dataclass(frozen=True)
class Ahead(Protection):
    counter_ahead: int = 50_000_000
    security_control: int = 0x30


def forged_message(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A message in the head-end's name with less protection than it uses, or with a counter far ahead."""
    begin = start + round(p.after_s * 1e6)
    last = {
        r.fields["meter"]: r.fields
        for r in records
        if r.fields["source"] == CENTRE and r.fields["service"] == "get" and r.fields["time"] < begin
    }
    fields = last[rng.choice(sorted(last))]
    made: dict[str, Any] = {"time": begin, "service": "set", "obis": LIMITER, "security_control": p.security_control}
    made["invocation_counter"] = fields["invocation_counter"] + p.counter_ahead if p.counter_ahead else None
    both, attack = merged(records, [Record(DLMS_SESSION, {**fields, **made})])
    return Injected(both, begin, both[-1].fields["time"], frozenset({fields["meter"]}), attack)


@dataclass(frozen=True)
class Asks:
    meters: int = 500
    seconds: float = 600.0
    service: str = "get"
    source: str = STRANGER


@dataclass(frozen=True)
class Writes(Asks):
    meters: int = 5
    service: str = "set"


@dataclass(frozen=True)
class Tool(Asks):
    meters: int = 200
    seconds: float = 1800.0
    source: str = TOOL


def asks(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A client asks many meters, without the counters of the clients that they know."""
    begin = records[-1].fields["time"] - round((p.seconds + 600) * 1e6)
    what = {"obis": PROFILE, "response_bytes": 9600} if p.service == "get" else {"obis": LIMITER}
    forged = [
        session(begin + round(i / p.meters * p.seconds * 1e6), p.source, meter, p.service, None, **what)
        for i, meter in enumerate(rng.sample(range(METERS), p.meters))
    ]
    both, attack = merged(records, forged)
    entities = frozenset({p.source, *(r.fields["meter"] for r in forged)})
    return Injected(both, begin, begin + round(p.seconds * 1e6), entities, attack)


QUIET: Final = (SESSIONS, LEARNED)
_LIST: Final[tuple[tuple[str, str, str, Quiet, float, Any, type], ...]] = (
    ("credential_sweep", "SG-10", "3 passwords tried on each of 50 meters; one lets in", SESSIONS, 2, sweep, Sweep),
    ("password_guessing", "SG-10", "8 passwords tried on one meter in four minutes", SESSIONS, 2, sweep, Guess),
    ("session_replayed", "SG-11", "a captured write is sent again two hours later", SESSIONS, 5, replay, Replay),
    ("session_replayed_spoofed", "SG-11", "the same, from the head-end's address", SESSIONS, 5, replay, Spoofed),
    ("session_unprotected", "SG-11", "a write without protection", SESSIONS, 5, forged_message, Protection),
    ("session_counter_ahead", "SG-11", "a counter 50 million ahead: a stolen key", SESSIONS, 5, forged_message, Ahead),
    ("bulk_read", "SG-15", "a stranger reads the profiles of 500 meters in ten minutes", SESSIONS, 2, asks, Asks),
    ("rogue_writes", "SG-15", "a stranger writes to 5 meters", SESSIONS, 2, asks, Writes),
    ("tool_reads_much", "SG-15", "an enrolled field tool reads 200 meters instead of 20", SESSIONS, 2, asks, Tool),
    ("bulk_read_learned", "SG-15", "the same bulk read, clients are learned", LEARNED, 27, asks, Asks),
)
SCENARIOS: Final = tuple(
    Scenario(name, threat, says, traffic, hours * 3600.0, inject, params)
    for name, threat, says, traffic, hours, inject, params in _LIST
)
