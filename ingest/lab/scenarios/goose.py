"""GOOSE of a substation: heartbeats, switching, faults, a publisher that restarts; forged and replayed messages, a poisoned state
number, a flood, messages held back, a publisher cut off."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, an_hour, merged
from ingest.source import Record
from schemas.records import GOOSE

BAYS: Final = 6
#: Seconds between two repetitions of a steady state (IEC 61850-8-1 clause 18.1.2.5: T0), and until a subscriber gives up.
STEADY_S, ALLOWED_S = 5.0, 12.0
#: Retransmissions after a change of state, seconds.
RETRANSMISSIONS_S: Final = (0.004, 0.008, 0.016, 0.064, 0.256, 1.0, 2.0)
STRANGER: Final = "00:0c:29:5e:00:66"


def block(bay: int) -> str:
    """The control block of a bay's protection."""
    return f"BAY{bay}PROT/LLN0$GO$gcb1"


def mac(bay: int) -> str:
    """The publisher of a bay."""
    return f"00:30:a7:01:00:{bay:02x}"


def goose(time: int, bay: int, st_num: int, sq_num: int, changed: int, values: list[str], **fields: object) -> Record:
    """One message of a bay's control block, time in microseconds since 1970."""
    whole = {
        "site": "north",
        "source_mac": mac(bay),
        "destination_mac": f"01:0c:cd:01:00:{bay:02x}",
        "appid": 0x3000 + bay,
        "control_block": block(bay),
        "dataset": f"BAY{bay}PROT/LLN0$DS1",
        "go_id": f"BAY{bay}",
        "state_time": changed,
        "st_num": st_num,
        "sq_num": sq_num,
        "conf_rev": 3,
        "allowed_to_live_ms": round(ALLOWED_S * 1e3),
        "simulation": False,
        "needs_commissioning": False,
        "values": values,
    }
    return Record(GOOSE, {"time": time, **whole, **fields})


def _changes(rng: random.Random, seconds: float) -> list[tuple[float, str, str]]:
    """When a bay's state changes, to which (breaker, protection): switching, and faults that trip and are reclosed."""
    out: list[tuple[float, str, str]] = []
    at, closed = 0.0, True
    while (at := at + rng.expovariate(1 / 2400)) < seconds:
        if closed and rng.random() < 0.4:
            out += [(at, "closed", "pickup"), (at + rng.uniform(0.03, 0.08), "open", "trip")]
            at += rng.uniform(0.3, 1.0)
            out += [(at, "open", "reset"), (at + rng.uniform(0.2, 1.0), "closed", "reset")]
            at += 2.0
        else:
            closed = not closed
            out.append((at, "closed" if closed else "open", "reset"))
    return out


def publisher(rng: random.Random, bay: int, start: int, seconds: float) -> Iterator[Record]:
    """All messages of a bay; now and then its device restarts, is silent for a minute and begins with state number 1."""
    changes = _changes(rng, seconds)
    restart = rng.uniform(0.2, 0.9) * seconds if rng.random() < 0.3 else seconds
    st_num, state, since = rng.randrange(1, 400), ["closed", "reset"], -rng.uniform(3600, 9000)
    sq_num, at, step = rng.randrange(200, 900), rng.uniform(0, STEADY_S), len(RETRANSMISSIONS_S)
    changes = [change for change in changes if change[0] > at + 10]
    while at < seconds:
        if at >= restart:
            at, restart = restart + rng.uniform(40, 90), seconds
            changes = [change for change in changes if change[0] > at + 10]
            st_num, sq_num, since, step = 1, 0, at, len(RETRANSMISSIONS_S)
        if rng.random() > 0.0005:  # else the tap missed it
            seen = start + round((at + rng.uniform(0.0, 0.0006)) * 1e6)
            yield goose(seen, bay, st_num, sq_num, start + round(since * 1e6), list(state))
        wait = RETRANSMISSIONS_S[step] if step < len(RETRANSMISSIONS_S) else STEADY_S
        if changes and changes[0][0] <= at + wait:
            at, *state = changes.pop(0)
            since, st_num, sq_num, step = at, st_num + 1, 0, 0
        else:
            at, sq_num, step = at + wait, sq_num + 1, step + 1


def quiet(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """All bays, by time."""
    records = [record for bay in range(1, BAYS + 1) for record in publisher(rng, bay, start, seconds)]
    return sorted(records, key=lambda record: record.fields["time"])


_SCD: Final = {
    "goose": {
        "publishers": [
            {"control_block": block(n), "source_mac": mac(n), "appid": 0x3000 + n, "conf_rev": 3}
            for n in range(1, BAYS + 1)
        ]
    }
}
KNOWN: Final = Quiet("goose", "six bays of a substation, with the publishers of its SCD", quiet, BAYS, _SCD)
UNKNOWN: Final = Quiet("goose_no_facts", "six bays of a substation of which no site file tells", quiet, BAYS)


@dataclass(frozen=True)
class Forged:
    after_s: float = 900.0
    messages: int = 12
    st_num_ahead: int = 1
    own_mac: bool = False  # under the publisher's address
    simulation: bool = False


def _target(rng: random.Random, records: list[Record], begin: int) -> tuple[int, Record]:
    """A bay in a steady state, and its last message before `begin`."""
    for bay in rng.sample(range(1, BAYS + 1), BAYS):
        own = [r for r in records if r.fields["control_block"] == block(bay)]
        before = [r for r in own if r.fields["time"] < begin]
        near = [r for r in own if abs(r.fields["time"] - begin) < 60e6]
        if len({r.fields["st_num"] for r in near}) == 1 and len(near) > 15:
            return bay, before[-1]
    return bay, before[-1]


def _burst(begin: int, p: Forged, bay: int, last: Record, **fields: object) -> list[Record]:
    """Messages of a forged trip, repeated as a publisher does."""
    at, forged = begin, []
    for n in range(p.messages):
        st_num = last.fields["st_num"] + p.st_num_ahead
        forged.append(goose(at, bay, st_num, n, begin, ["open", "trip"], simulation=p.simulation, **fields))
        at += round((RETRANSMISSIONS_S[n] if n < len(RETRANSMISSIONS_S) else STEADY_S) * 1e6)
    return forged


def forge(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A trip in a bay's name, while the bay goes on saying that its breaker is closed."""
    begin = start + round(p.after_s * 1e6)
    bay, last = _target(rng, records, begin)
    source = mac(bay) if p.own_mac else STRANGER
    forged = _burst(begin, p, bay, last, source_mac=source)
    both, attack = merged(records, forged)
    return Injected(both, begin, forged[-1].fields["time"], frozenset({block(bay), source}), attack)


@dataclass(frozen=True)
class Replay:
    recorded_s: float = 60.0  # length of what is sent again
    later_s: float = 1200.0


def replay(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """What a bay said around a change of its state is sent again later, byte by byte."""
    end = max(record.fields["time"] for record in records)
    changed = [
        r
        for r in records
        if r.fields["sq_num"] == 0 and r.fields["time"] < end - round((p.later_s + p.recorded_s) * 1e6)
    ]
    first = rng.choice(changed[-8:])
    later = round(p.later_s * 1e6)
    forged = [
        Record(GOOSE, {**r.fields, "time": r.fields["time"] + later})
        for r in records
        if r.fields["control_block"] == first.fields["control_block"]
        and 0 <= r.fields["time"] - first.fields["time"] < p.recorded_s * 1e6
    ]
    both, attack = merged(records, forged)
    entities = frozenset({first.fields["control_block"]})
    return Injected(both, forged[0].fields["time"], forged[-1].fields["time"], entities, attack)


@dataclass(frozen=True)
class Altered:
    after_s: float = 900.0
    seconds: float = 60.0


def alter(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A switch on the way changes the values of a bay's messages and nothing else."""
    begin = start + round(p.after_s * 1e6)
    bay, _ = _target(rng, records, begin)
    end = begin + round(p.seconds * 1e6)
    attack = [
        i for i, r in enumerate(records) if r.fields["control_block"] == block(bay) and begin <= r.fields["time"] < end
    ]
    changed = list(records)
    for i in attack:
        values = records[i].fields["values"]
        changed[i] = Record(
            GOOSE, {**records[i].fields, "values": ["open" if values[0] == "closed" else "closed", values[1]]}
        )
    return Injected(changed, begin, end, frozenset({block(bay), mac(bay)}), tuple(attack))


@dataclass(frozen=True)
class Poison:
    after_s: float = 900.0
    leap: int = 50_000


def poison(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """One message with a state number far ahead: subscribers drop what the publisher says afterwards."""
    begin = start + round(p.after_s * 1e6)
    bay, last = _target(rng, records, begin)
    forged = [
        goose(begin, bay, last.fields["st_num"] + p.leap, 0, begin, list(last.fields["values"]), source_mac=mac(bay))
    ]
    both, attack = merged(records, forged)
    return Injected(both, begin, begin, frozenset({block(bay), mac(bay)}), attack)


@dataclass(frozen=True)
class Flood:
    after_s: float = 900.0
    seconds: float = 10.0
    hz: float = 300.0


def flood(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A bay's last message again and again."""
    begin = start + round(p.after_s * 1e6)
    bay, last = _target(rng, records, begin)
    forged = [
        goose(
            begin + round(n / p.hz * 1e6),
            bay,
            last.fields["st_num"],
            last.fields["sq_num"],
            last.fields["state_time"],
            list(last.fields["values"]),
        )
        for n in range(round(p.seconds * p.hz))
    ]
    both, attack = merged(records, forged)
    return Injected(both, begin, forged[-1].fields["time"], frozenset({block(bay), mac(bay)}), attack)


@dataclass(frozen=True)
class Held:
    after_s: float = 900.0
    seconds: float = 120.0  # 0: for good


def hold(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A switch drops a bay's messages, for some time or for good."""
    begin = start + round(p.after_s * 1e6)
    bay, _ = _target(rng, records, begin)
    last = records[-1].fields["time"]
    end = begin + round(p.seconds * 1e6) if p.seconds else last + 1
    left = [r for r in records if r.fields["control_block"] != block(bay) or not begin <= r.fields["time"] < end]
    return Injected(left, begin, end, frozenset({block(bay), mac(bay), "north"}))


@dataclass(frozen=True)
class ForgedAsPublisher(Forged):
    own_mac: bool = True


@dataclass(frozen=True)
class Simulated(Forged):
    own_mac: bool = True
    simulation: bool = True


@dataclass(frozen=True)
class HeldForGood(Held):
    seconds: float = 0.0


QUIET: Final = (KNOWN, UNKNOWN)
SCENARIOS: Final = (
    an_hour("goose_stranger", "SG-26", "a stranger's MAC sends a trip in a bay's name", forge, Forged, KNOWN),
    an_hour("goose_taken_over", "SG-26", "a trip under the publisher's MAC, one state ahead", forge, ForgedAsPublisher, UNKNOWN),
    an_hour("goose_simulated", "SG-26", "a trip with the simulation flag under the publisher's MAC", forge, Simulated, UNKNOWN),
    an_hour("goose_replay", "SG-26", "a minute of a bay with a change of state is sent again 20 min later", replay, Replay, UNKNOWN),
    an_hour("goose_altered", "SG-26", "the breaker's position is turned round on the way for a minute", alter, Altered, UNKNOWN),
    an_hour("goose_poison", "SG-27", "one message with a state number 50,000 ahead", poison, Poison, KNOWN),
    an_hour("goose_flood", "SG-27", "300 repetitions a second for 10 seconds", flood, Flood, UNKNOWN),
    an_hour("goose_held", "SG-27", "a bay's messages are dropped for two minutes", hold, Held, UNKNOWN),
    an_hour("goose_cut", "SG-27", "a bay's messages are dropped for good", hold, HeldForGood, UNKNOWN),
)  # fmt: skip
