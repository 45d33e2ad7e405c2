"""Attacks on IEC 60870-5-104 telecontrol: rogue masters, reconnaissance, resets, commands, sweeps, link disruption, false reports."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.scenarios.iec104_process import DOWN_S, Station, carried
from ingest.lab.scenarios.iec104_traffic import (
    BACKUP,
    COMMAND,
    MAIN,
    SETPOINT,
    STATE,
    STATIONS,
    Apdu,
    Connection,
    asdu,
    facts,
    numbered,
    start,
    tests,
)
from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario, merged
from ingest.source import Record

ROGUE: Final = "10.10.0.66"


def quiet(rng: random.Random, begin: int, seconds: float) -> list[Record]:
    """Measured values, switching, trips and disturbances, set-points, files; lines that fail, and control centres that take over."""
    end = begin + round(seconds * 1e6)
    turns = [(begin, end, MAIN)]
    if rng.random() < 0.6:
        at = begin + round(rng.uniform(0.3, 0.5) * (end - begin))
        back = at + round(rng.uniform(0.2, 0.3) * (end - begin))
        turns = [(begin, at, MAIN), (at, back, BACKUP), (back, end, MAIN)]
    apdus: list[Apdu] = []
    for name in STATIONS:
        station, sessions = Station(name, rng), list[tuple[int, int, Connection]]()
        for first, last, master in turns:
            at, other = first, BACKUP if master == MAIN else MAIN
            apdus += tests(first + rng.randrange(20_000_000), last, Connection(other, _port(rng), name))
            while at < last:
                stop = min(last, at + round(rng.expovariate(1 / 2400.0) * 1e6) + 60_000_000)
                link = Connection(master, _port(rng), name)
                sessions.append((at, stop, link))
                if stop == last and last < end:
                    apdus += [Apdu(stop - 100_000, link, False, control="STOPDT act")]
                    apdus += [Apdu(stop - 60_000, link, True, control="STOPDT con")]
                at = stop + round(rng.uniform(*DOWN_S) * 1e6)
        happenings = station.live(begin, end, sessions)
        for at, _, link in sessions:
            apdus += start(at, link, station.closed_at(at), rng)
        apdus += carried(happenings, sessions)
    return [record for record in numbered(apdus) if begin <= record.fields["time"] < end]


def _port(rng: random.Random) -> int:
    return rng.randrange(40_000, 60_000)


TELECONTROL: Final = Quiet("iec104", "two control centres and three stations over IEC 104", quiet, 5, facts())

Forge = Callable[[random.Random, int, Any], list[Apdu]]


def _inject(forge: Forge, *entities: str) -> Callable[[list[Record], random.Random, int, Any], Injected]:
    """An attack of forged APDUs over connections of its own, ten minutes after the start."""

    def inject(records: list[Record], rng: random.Random, begin: int, p: Any) -> Injected:
        forged = numbered(forge(rng, begin + 600_000_000, p))
        both, attack = merged(records, forged)
        first, last = forged[0].fields["time"], forged[-1].fields["time"]
        stations = {record.fields[end] for record in forged for end in ("source", "destination")} & set(STATIONS)
        return Injected(both, first, last, frozenset({*(entities or (ROGUE,)), *stations}), attack)

    return inject


def _session(rng: random.Random, at: int, master: str = ROGUE, starts: bool = True) -> tuple[Connection, list[Apdu]]:
    link = Connection(master, _port(rng), rng.choice(STATIONS))
    control = (("STARTDT act", False, 0), ("STARTDT con", True, 50_000)) if starts else ()
    return link, [Apdu(at + after, link, up, control=name) for name, up, after in control]


def _dialogue(at: float, link: Connection, answer: bool = True, **body: Any) -> list[Apdu]:
    """A command or question, and its confirmation."""
    asked = asdu(link.station, **body)
    out = [Apdu(round(at), link, False, (asked,))]
    return [*out, Apdu(round(at) + 80_000, link, True, ({**asked, "cause": 7},))] if answer else out


@dataclass(frozen=True)
class RogueMaster:
    commands: int = 2


def rogue_master(rng: random.Random, at: int, p: Any) -> list[Apdu]:
    """A second host interrogates a station and commands it."""
    link, out = _session(rng, at)
    out += _dialogue(at + 1e6, link, type_id=100, cause=6, address=0, value=None)
    for i in range(p.commands):
        out += _dialogue(
            at + (5 + 20 * i) * 1e6, link, type_id=45, cause=6, address=COMMAND + 1, value=0.0, select=False
        )
    return out


@dataclass(frozen=True)
class IdleSession:
    every_s: float = 6.0
    tests: int = 20


def idle_session(rng: random.Random, at: int, p: Any) -> list[Apdu]:
    """A second operator station keeps a session alive."""
    link, out = _session(rng, at)
    return out + tests(at + 1_000_000, at + round(p.every_s * p.tests * 1e6), link, p.every_s)


@dataclass(frozen=True)
class Loop:
    every_s: float = 2.0
    count: int = 60


def interrogation_loop(rng: random.Random, at: int, p: Any) -> list[Apdu]:
    """A host interrogates over and over."""
    link, out = _session(rng, at)
    for i in range(p.count):
        out += _dialogue(at + (1 + p.every_s * i) * 1e6, link, type_id=100, cause=6, address=0, value=None)
    return out


def read_loop(rng: random.Random, at: int, p: Any) -> list[Apdu]:
    """A host reads five objects over and over."""
    link, out = _session(rng, at)
    for i in range(p.count):
        for k in range(5):
            when = round(at + (1 + p.every_s * i + 0.1 * k) * 1e6)
            out.append(Apdu(when, link, False, (asdu(link.station, 102, 5, 701 + k, None),)))
            out.append(Apdu(when + 50_000, link, True, (asdu(link.station, 13, 5, 701 + k, 250.0 + rng.random()),)))
    return out


@dataclass(frozen=True)
class Scan:
    stations: int = 40
    every_s: float = 0.3


def station_scan(rng: random.Random, at: int, p: Any) -> list[Apdu]:
    """Common addresses are tried one after another; few answer."""
    link, out = _session(rng, at)
    for i in range(p.stations):
        asked = {**asdu(link.station, 100, 6, 0, None), "common_address": i + 1}
        out.append(Apdu(round(at + (1 + p.every_s * i) * 1e6), link, False, (asked,)))
    return out


@dataclass(frozen=True)
class Reset:
    pass


def reset(rng: random.Random, at: int, p: Any) -> list[Apdu]:
    """The control centre's own host tells a station to reset."""
    link, out = _session(rng, at, MAIN, starts=False)
    return out + _dialogue(at, link, type_id=105, cause=6, address=0, value=None, qualifier=1)


@dataclass(frozen=True)
class Historian:
    host: str = "10.10.0.30"


def no_select(rng: random.Random, at: int, p: Any) -> list[Apdu]:
    """A double command without select, from the host of the historian."""
    link, out = _session(rng, at, p.host)
    return out + _dialogue(at + 1e6, link, type_id=46, cause=6, address=COMMAND + 2, value=1.0, select=False)


@dataclass(frozen=True)
class SetPoint:
    value: float = 400.0


def set_point(rng: random.Random, at: int, p: Any) -> list[Apdu]:
    """A set-point far above its limit, from the control centre's own host."""
    link, out = _session(rng, at, MAIN, starts=False)
    return out + _dialogue(at, link, type_id=50, cause=6, address=SETPOINT, value=p.value, select=False)


@dataclass(frozen=True)
class Sweep:
    first: int = 1100
    last: int = 1160
    per_s: float = 5.0


def sweep(rng: random.Random, at: int, p: Any) -> list[Apdu]:
    """Single commands "off" to one object after another."""
    link, out = _session(rng, at)
    for i, address in enumerate(range(p.first, p.last + 1)):
        when = at + (1 + i / p.per_s) * 1e6
        out += _dialogue(when, link, answer=False, type_id=45, cause=6, address=address, value=0.0, select=False)
    return out


@dataclass(frozen=True)
class Toggle:
    breakers: int = 3
    cycles: int = 20
    every_s: float = 0.6


def toggle(rng: random.Random, at: int, p: Any) -> list[Apdu]:
    """Breakers are told to open and close in turn."""
    link, out = _session(rng, at)
    for i in range(2 * p.cycles):
        for bay in range(1, p.breakers + 1):
            when = at + (1 + p.every_s * i) * 1e6 + bay * 1e5
            body: dict[str, Any] = {
                "type_id": 46,
                "cause": 6,
                "address": COMMAND + bay,
                "value": float(1 + i % 2),
                "select": False,
            }
            out += _dialogue(when, link, **body)
    return out


@dataclass(frozen=True)
class Resets:
    every_s: float = 20.0
    seconds: float = 300.0


def resets(rng: random.Random, at: int, p: Any) -> list[Apdu]:
    """A connection is reset again and again; the control centre starts it anew each time."""
    station, out = rng.choice(STATIONS), list[Apdu]()
    for i in range(int(p.seconds / p.every_s)):
        link = Connection(MAIN, _port(rng), station)
        out += start(at + round(i * p.every_s * 1e6), link, dict.fromkeys(range(1, 5), True), rng)[:2]
    return out


def stopped(rng: random.Random, at: int, p: Any) -> list[Apdu]:
    """A host that started nothing stops data transfer."""
    link, _ = _session(rng, at, starts=False)
    return [Apdu(at, link, False, control="STOPDT act"), Apdu(at + 50_000, link, True, control="STOPDT con")]


@dataclass(frozen=True)
class Flood:
    per_s: float = 400.0
    seconds: float = 10.0


def flood(rng: random.Random, at: int, p: Any) -> list[Apdu]:
    """Events without end in the name of a station."""
    link, _ = _session(rng, at, MAIN, starts=False)
    return [
        Apdu(at + round(i / p.per_s * 1e6), link, True, (asdu(link.station, 36, 3, 701 + i % 4, rng.gauss(300, 40)),))
        for i in range(int(p.per_s * p.seconds))
    ]


@dataclass(frozen=True)
class FalseReports:
    every_s: float = 5.0
    count: int = 40


def rogue_station(rng: random.Random, at: int, p: Any) -> list[Apdu]:
    """A device that is no station reports values to the control centre."""
    link = Connection(MAIN, _port(rng), STATIONS[0])
    rogue = Connection(MAIN, link.port, "10.10.1.66")
    values = [asdu(link.station, 36, 3, 705, round(rng.gauss(50, 1), 2)) for _ in range(p.count)]
    return [Apdu(at + round(i * p.every_s * 1e6), rogue, True, (value,)) for i, value in enumerate(values)]


def breaker_moves(rng: random.Random, at: int, p: Any) -> list[Apdu]:
    """A station reports that a breaker opened that nobody told to; it closes and opens again to be sure."""
    link, _ = _session(rng, at, MAIN, starts=False)
    return [
        Apdu(at + i * 30_000_000, link, True, (asdu(link.station, 31, 3, STATE + 1, value, quality=""),))
        for i, value in enumerate((2.0, 1.0, 2.0, 1.0))
    ]


def _scenario(name: str, threat: str, says: str, forge: Forge, params: type, *entities: str) -> Scenario:
    return Scenario(name, threat, says, TELECONTROL, 1800.0, _inject(forge, *entities), params)


QUIET: Final = (TELECONTROL,)
SCENARIOS: Final = (
    _scenario("iec104_rogue_master", "SG-17", "a second host interrogates and commands", rogue_master, RogueMaster),
    _scenario("iec104_idle_session", "SG-17", "a session that only lives, 2 minutes", idle_session, IdleSession),
    _scenario("iec104_interrogation_loop", "SG-19", "an interrogation every 2 s", interrogation_loop, Loop),
    _scenario("iec104_read_loop", "SG-19", "five objects read every 2 s", read_loop, Loop),
    _scenario("iec104_station_scan", "SG-19", "40 common addresses in 12 s", station_scan, Scan),
    _scenario(
        "iec104_reset", "SG-20", "a reset of the process from the control centre's host", reset, Reset, MAIN, *STATIONS
    ),
    _scenario(
        "iec104_no_select", "SG-21", "a command without select from the historian", no_select, Historian, "10.10.0.30"
    ),
    _scenario(
        "iec104_set_point", "SG-21", "a set-point of 400 where 120 is the limit", set_point, SetPoint, MAIN, *STATIONS
    ),
    _scenario("iec104_sweep", "SG-22", "61 objects switched off, 5 a second", sweep, Sweep),
    _scenario("iec104_toggle", "SG-22", "three breakers to and fro, 20 cycles", toggle, Toggle),
    _scenario("iec104_resets", "SG-23", "a connection reset every 20 s for 5 minutes", resets, Resets, MAIN),
    _scenario("iec104_stopped", "SG-23", "data transfer stopped by another host", stopped, Reset),
    _scenario("iec104_flood", "SG-23", "400 events a second for 10 s", flood, Flood, MAIN),
    _scenario(
        "iec104_rogue_station",
        "SG-28",
        "a device that is no station reports",
        rogue_station,
        FalseReports,
        "10.10.1.66",
    ),
    _scenario("iec104_breaker_moves", "SG-30", "a breaker's state changes without command", breaker_moves, Reset, MAIN),
)
