"""DNP3 of a region: a front end and its standby, single outstations and a gateway; a rogue master, forged requests and reports, a sweep,
a restart, a flood, trips, operates without select, reports switched off."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, an_hour, merged
from ingest.source import Record
from schemas.records import DNP3

MASTER, STANDBY, STRANGER = "10.3.0.1", "10.3.0.2", "10.3.1.66"
#: Link address of the master, and of the outstations: address -> host. Those of the gateway share one.
NAME: Final = 1
GATEWAY: Final = "10.3.1.30"
STATIONS: Final = {10: "10.3.1.10", 11: "10.3.1.11", 12: "10.3.1.12", **{30 + n: GATEWAY for n in range(5)}}
#: The front ends are behind a router.
MACS: Final = {MASTER: "00:1b:53:00:00:01", STANDBY: "00:1b:53:00:00:01", STRANGER: "00:0c:29:5e:00:66"}
POLL_S, INTEGRITY_S = 20.0, 900.0


def _mac(host: str) -> str:
    return MACS.get(host, f"00:30:a7:03:00:{int(host.rpartition('.')[2]):02x}")


def message(time: float, station: int, function: int | None, sends: str, **fields: object) -> Record:
    """One message.

    Args:
        time: microseconds since 1970.
        station: link address of the outstation.
        function: application function code, None for a link frame.
        sends: a master's address, or "" where the outstation sends; the other end is the field `peer`.
        fields: others than usual.
    """
    host = STATIONS[station] if station in STATIONS else str(fields["host"])
    peer = str(fields.pop("peer", sends))
    fields.pop("host", None)
    ours = bool(sends)
    source, destination = (sends, host) if ours else (host, peer)
    whole = {
        "time": round(time),
        "site": "north",
        "source": source,
        "source_port": 50_123 if ours else 20_000,
        "destination": destination,
        "destination_port": 20_000 if ours else 50_123,
        "source_mac": _mac(source),
        "destination_mac": _mac(destination),
        "ttl": 126 if ours else 64,
        "link_source": NAME if ours else station,
        "link_destination": station if ours else NAME,
        "from_master": ours,
        "primary": True,
        "link_function": 4,
        "checksum_ok": True,
        "function": function,
        "response": function in (129, 130),
        "sequence": round(time) // 1000 % 16,
        "unsolicited": function == 130,
        "iin1": 0 if function in (129, 130) else None,
        "iin2": 0 if function in (129, 130) else None,
    }
    return Record(DNP3, {**whole, **fields})


def asked(rng: random.Random, time: float, station: int, function: int, master: str, **fields: Any) -> Iterator[Record]:
    """A request and its response."""
    reply = {name: fields.pop(name) for name in ("iin1", "iin2", "statuses") if name in fields}
    yield message(time, station, function, master, **fields)
    yield message(time + rng.uniform(3e4, 2e5), station, 129, "", peer=master, **reply)


def _start_up(rng: random.Random, time: float, station: int, master: str) -> Iterator[Record]:
    """What a master does at the beginning of a conversation: reports off, everything read, the clock set, reports on."""
    classes = {"groups": [60, 60, 60], "variations": [2, 3, 4]}
    yield from asked(rng, time, station, 21, master, **classes)
    yield from asked(rng, time + 1e6, station, 1, master, groups=[60, 60, 60, 60], variations=[2, 3, 4, 1])
    yield from asked(rng, time + 2e6, station, 2, master, groups=[80], variations=[1])
    yield from asked(rng, time + 2.5e6, station, 24, master)
    yield from asked(rng, time + 3e6, station, 2, master, groups=[50], variations=[1])
    yield from asked(rng, time + rng.uniform(4e6, 20e6), station, 20, master, **classes)


def _control(rng: random.Random, time: float, station: int, master: str) -> Iterator[Record]:
    """An operator selects and operates one point; now and then it is refused, and tried again."""
    what = {
        "points": [rng.randrange(12)],
        "operations": [1],
        "trips": [rng.choice((1, 2))],
        "groups": [12],
        "variations": [1],
    }
    for again in range(2):
        status = 0 if again or rng.random() < 0.8 else 7
        yield from asked(rng, time + again * 30e6, station, 3, master, **what, statuses=[status])
        if status == 0:
            yield from asked(rng, time + again * 30e6 + rng.uniform(3e5, 4e6), station, 4, master, **what, statuses=[0])
            return


def _station(rng: random.Random, station: int, start: int, seconds: float, failover: float) -> Iterator[Record]:
    """The conversation with an outstation: polls, reports and their confirmations, controls, a restart, a change of front ends."""
    master, at = MASTER, rng.uniform(0, POLL_S)
    yield from _start_up(rng, start + at * 1e6, station, master)
    at += 40.0
    integrity, restart = at, rng.uniform(0.1, 3.0) * seconds
    control, report = at + rng.expovariate(1 / 2400), at + rng.expovariate(1 / 200)
    odd = rng.random() < 0.3  # polls an object that the outstation does not have
    while at < seconds:
        if at > failover and master == MASTER:
            master = STANDBY
            yield from _start_up(rng, start + at * 1e6, station, master)
            at += 40
        if at > restart:
            restart = seconds + 1
            at += rng.uniform(30, 120)
            yield message(start + at * 1e6, station, 130, "", peer=master, iin1=128)
            yield message(start + at * 1e6 + 2e4, station, 0, master, unsolicited=True)
            yield from _start_up(rng, start + at * 1e6 + 1e6, station, master)
            at += 40
        if at > integrity:
            integrity = at + INTEGRITY_S
            yield from asked(rng, start + at * 1e6, station, 1, master, groups=[60] * 4, variations=[2, 3, 4, 1])
            if odd:
                yield from asked(rng, start + at * 1e6 + 1e6, station, 1, master, groups=[21], variations=[0], iin2=2)
        elif rng.random() < 0.999:
            yield from asked(rng, start + at * 1e6, station, 1, master, groups=[60] * 3, variations=[2, 3, 4])
        else:  # the line is noisy
            yield message(start + at * 1e6, station, None, master, checksum_ok=False)
        if at > control:
            control = at + rng.expovariate(1 / 2400)
            yield from _control(rng, start + at * 1e6 + 5e6, station, master)
        if at > report:
            report = at + rng.expovariate(1 / 200)
            # A fault makes a dozen reports at once.
            for n in range(12 if rng.random() < 0.05 else 1):
                when = start + (at + rng.uniform(9, 11) + 0.3 * n) * 1e6
                yield message(when, station, 130, "", peer=master, groups=[2, 32], variations=[2, 4])
                yield message(when + rng.uniform(2e4, 9e4), station, 0, master, unsolicited=True)
        at += POLL_S + rng.uniform(-0.05, 0.05)


def quiet(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """All outstations, by time; now and then the standby takes over from the front end."""
    failover = rng.uniform(0.3, 2.0) * seconds
    records = [r for station in STATIONS for r in _station(rng, station, start, seconds, failover)]
    return sorted(records, key=lambda record: record.fields["time"])


KNOWN: Final = Quiet(
    "dnp3",
    "a front end, its standby and eight outstations",
    quiet,
    len(STATIONS),
    {"dnp3": {"masters": [MASTER, STANDBY]}},
)
UNKNOWN: Final = Quiet("dnp3_no_facts", "DNP3 of which no site file tells", quiet, len(STATIONS))


@dataclass(frozen=True)
class Attack:
    after_s: float = 1800.0


def _now(records: list[Record], begin: int, station: int) -> str:
    """The master that asked a station last before `begin`."""
    own = [r for r in records if r.fields["time"] < begin and r.fields["link_destination"] == station]
    return str(own[-1].fields["source"])


def _done(quiet: list[Record], forged: list[Record], *entities: str, dropped: Any = None) -> Injected:
    forged.sort(key=lambda record: record.fields["time"])
    left = quiet if dropped is None else [r for r in quiet if not dropped(r)]
    both, attack = merged(left, forged)
    return Injected(both, forged[0].fields["time"], forged[-1].fields["time"], frozenset(entities), attack)


@dataclass(frozen=True)
class Rogue(Attack):
    reads: int = 5


def rogue(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A stranger reads all classes of an outstation, then trips a breaker."""
    begin, station = start + round(p.after_s * 1e6), rng.choice(list(STATIONS))
    forged = [
        r
        for n in range(p.reads)
        for r in asked(rng, begin + n * 4e6, station, 1, STRANGER, groups=[60] * 4, variations=[2, 3, 4, 1])
    ]
    what = {"points": [2], "operations": [1], "trips": [2], "groups": [12], "variations": [1]}
    forged += asked(rng, begin + p.reads * 4e6, station, 5, STRANGER, **what, statuses=[0])
    return _done(records, forged, STRANGER, STATIONS[station])


@dataclass(frozen=True)
class LongRogue(Rogue):
    reads: int = 30


@dataclass(frozen=True)
class Forged(Attack):
    function: int = 9  # freeze and clear counters
    messages: int = 3
    ttl: int = 64


def forged_requests(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Requests under the master's addresses, from a host in the substation."""
    begin, station = start + round(p.after_s * 1e6), rng.choice(list(STATIONS))
    master = _now(records, begin, station)
    forged = [
        message(begin + n * 8e6, station, p.function, master, ttl=p.ttl, groups=[20], variations=[0])
        for n in range(p.messages)
    ]
    return _done(records, forged, master, STATIONS[station])


@dataclass(frozen=True)
class ForgedReports(Attack):
    messages: int = 4
    ttl: int = 128
    every_s: float = 5.0


def forged_reports(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Reports in an outstation's name, from a host of another kind."""
    begin, station = start + round(p.after_s * 1e6), rng.choice(list(STATIONS))
    master = _now(records, begin, station)
    forged = [
        message(begin + n * p.every_s * 1e6, station, 130, "", peer=master, ttl=p.ttl, groups=[2], variations=[2])
        for n in range(p.messages)
    ]
    return _done(records, forged, master, STATIONS[station])


@dataclass(frozen=True)
class Flood(ForgedReports):
    messages: int = 800
    ttl: int = 64  # as the outstation's own
    every_s: float = 0.025


@dataclass(frozen=True)
class Sweep(Attack):
    addresses: int = 60
    hz: float = 20.0


def sweep(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Link addresses behind a host are tried one by one; those that are there answer."""
    begin = start + round(p.after_s * 1e6)
    forged: list[Record] = []
    for n in range(p.addresses):
        ask = {"groups": [60] * 4, "variations": [2, 3, 4, 1], "host": GATEWAY}
        if STATIONS.get(n) == GATEWAY:
            forged += asked(rng, begin + n / p.hz * 1e6, n, 1, STRANGER, **ask)
        elif n not in STATIONS:
            forged.append(message(begin + n / p.hz * 1e6, n, 1, STRANGER, **ask))
    return _done(records, forged, STRANGER, GATEWAY)


@dataclass(frozen=True)
class Collection(Attack):
    reads: int = 60
    every_s: float = 1.0


def collect(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """The master's own host reads everything of an outstation again and again."""
    begin, station = start + round(p.after_s * 1e6), rng.choice(list(STATIONS))
    master, ask = _now(records, begin, station), {"groups": [60] * 4, "variations": [2, 3, 4, 1]}
    times = [begin + n * p.every_s * 1e6 for n in range(p.reads)]
    return _done(
        records, [r for time in times for r in asked(rng, time, station, 1, master, **ask)], master, STATIONS[station]
    )


@dataclass(frozen=True)
class Restart(Attack):
    function: int = 13
    silence_s: float = 90.0


def restart(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """The master's own host tells an outstation to restart cold; it is silent for a while."""
    begin, station = start + round(p.after_s * 1e6), rng.choice(list(STATIONS))
    master = _now(records, begin, station)
    back = begin + p.silence_s * 1e6
    forged = [
        message(begin, station, p.function, master),
        message(back, station, 130, "", peer=master, iin1=128),
        *_start_up(rng, back + 1e6, station, master),
    ]
    return _done(
        records,
        forged,
        master,
        STATIONS[station],
        dropped=lambda r: r.fields["link_source"] == station and begin < r.fields["time"] < back,
    )


@dataclass(frozen=True)
class Trips(Attack):
    function: int = 5
    points: int = 6
    seconds: float = 4.0
    trip: int = 2


def trips(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Points of an outstation are operated one after the other, from the master's own host."""
    begin, station = start + round(p.after_s * 1e6), rng.choice(list(STATIONS))
    master = _now(records, begin, station)
    forged = [
        r
        for n in range(p.points)
        for r in asked(
            rng,
            begin + n * p.seconds / p.points * 1e6,
            station,
            p.function,
            master,
            points=[n],
            operations=[1],
            trips=[p.trip],
            groups=[12],
            variations=[1],
            statuses=[0],
        )
    ]
    return _done(records, forged, master, STATIONS[station])


@dataclass(frozen=True)
class Unselected(Trips):
    function: int = 4
    points: int = 1
    trip: int = 1


@dataclass(frozen=True)
class Muted(Attack):
    hidden_s: float = 1200.0


def mute(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Reports of an outstation are switched off; its events are missing for a while, its polls go on."""
    begin, station = start + round(p.after_s * 1e6), rng.choice(list(STATIONS))
    master = _now(records, begin, station)
    forged = list(asked(rng, begin, station, 21, master, groups=[60] * 3, variations=[2, 3, 4]))
    end = begin + p.hidden_s * 1e6

    def hidden(record: Record) -> bool:
        f = record.fields
        mine = station in (f["link_source"], f["link_destination"])
        return mine and f["unsolicited"] and begin < f["time"] < end

    return _done(records, forged, master, STATIONS[station], dropped=hidden)


QUIET: Final = (KNOWN, UNKNOWN)
SCENARIOS: Final = (
    an_hour("dnp3_rogue", "SG-17", "a stranger reads all classes five times, then trips a breaker", rogue, Rogue, KNOWN),
    an_hour("dnp3_rogue_no_facts", "SG-17", "the same where nobody knows the masters, for two minutes", rogue, LongRogue, UNKNOWN),
    an_hour("dnp3_forged_requests", "SG-17", "three freezes under the master's address, another TTL", forged_requests, Forged, UNKNOWN),
    an_hour("dnp3_forged_reports", "SG-28", "four reports in an outstation's name, another TTL", forged_reports, ForgedReports, UNKNOWN),
    an_hour("dnp3_sweep", "SG-19", "60 link addresses behind a host are tried in 3 s", sweep, Sweep, UNKNOWN),
    an_hour("dnp3_collection", "SG-19", "all data of an outstation is read each second for a minute", collect, Collection, UNKNOWN),
    an_hour("dnp3_restart", "SG-20", "a cold restart, then 90 s without answers", restart, Restart, UNKNOWN),
    an_hour("dnp3_flood", "SG-23", "40 reports a second for 20 s", forged_reports, Flood, UNKNOWN),
    an_hour("dnp3_trips", "SG-24", "direct trips of six points in 4 s", trips, Trips, UNKNOWN),
    an_hour("dnp3_unselected", "SG-24", "one operate without its select", trips, Unselected, UNKNOWN),
    an_hour("dnp3_muted", "SG-25", "reports switched off, events missing for 20 min", mute, Muted, UNKNOWN),
)  # fmt: skip
