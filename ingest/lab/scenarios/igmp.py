"""Multicast membership at an access switch: households that zap, queriers that fail over; join floods, false queriers, forged leaves."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario, merged
from ingest.source import Record
from schemas.records import IGMP

PORTS: Final = 24
CHANNELS: Final = 180
SWITCH: Final = "acc-3"
UPLINK, TRUNK = "xe-0/1/0", "xe-0/1/1"
QUERIER, STAND_IN = "10.40.0.2", "10.40.0.3"
QUERY_S: Final = 125.0
#: A querier that is not heard for this long is gone (RFC 3376 section 8.5).
GONE_S: Final = 255.0


def igmp(time: int, port: str, source: str, kind: str, group: int | None, **fields: object) -> Record:
    """One message; groups are numbered."""
    address = None if group is None else f"239.1.{group // 200}.{group % 200 + 1}"
    whole = {"switch": SWITCH, "port": port, "vlan": 40, "source": source, "type": kind, "group": address, "version": 3}
    return Record(IGMP, {"time": time, **whole, "max_response_s": None, **fields})


@dataclass
class _Box:
    """A set-top box: where it is, and what it shows."""

    port: str
    source: str
    channel: int
    on: bool


def _queries(rng: random.Random, seconds: float) -> Iterator[tuple[float, str, str]]:
    """Times and sources: the querier is rebooted once, its stand-in takes over, and the querier takes over again."""
    fails = rng.uniform(0.3, 0.5) * seconds
    back = fails + rng.uniform(700.0, 1500.0)
    at = rng.uniform(0, QUERY_S)
    while at < seconds:
        own = not fails <= at < back
        if own or at > fails + GONE_S:
            yield at, UPLINK, QUERIER if own else STAND_IN
        if rng.random() < 0.1:
            yield at + rng.uniform(1, 60), TRUNK, "0.0.0.0"  # a snooping switch behind the trunk asks for itself
        at += QUERY_S + rng.gauss(0, 0.3)
        if abs(at - back) < QUERY_S:
            yield back + 1.0, UPLINK, QUERIER
            yield back + 32.0, UPLINK, QUERIER  # start-up queries


def traffic(trunk: bool) -> Callable[[random.Random, int, float], list[Record]]:
    """Traffic of a switch, with or without forty boxes behind a trunk to another switch."""

    def build(rng: random.Random, start: int, seconds: float) -> list[Record]:
        boxes = [
            _Box(f"ge-0/0/{n % PORTS}", f"10.40.1.{n + 10}", int(rng.paretovariate(0.8)) % CHANNELS, rng.random() < 0.6)
            for n in range(PORTS * 3 // 2)
        ]
        if trunk:
            boxes += [_Box(TRUNK, f"10.40.2.{n + 10}", n * 2, True) for n in range(80)]
        said: list[tuple[float, str, str, str, int | None, float | None]] = []

        def says(at: float, box: _Box, kind: str) -> None:
            # Twice, to be sure (RFC 3376 section 8.1), but now and then one is lost.
            for again in (0.0, rng.uniform(0.05, 1.0)):
                if rng.random() > 0.02:
                    said.append((at + again, box.port, box.source, kind, box.channel, None))

        asked = sorted(_queries(rng, seconds))
        events: list[tuple[float, int, Any]] = [(at, n, (port, source)) for n, (at, port, source) in enumerate(asked)]
        events += [
            (rng.uniform(0, seconds), len(events) + n, box)
            for n, box in enumerate(boxes * max(1, round(seconds / 1800)))
            if box.port != TRUNK or rng.random() < 0.3
        ]
        for at, _, event in sorted(events, key=lambda e: e[:2]):
            if isinstance(event, tuple):
                port, source = event
                said.append((at, port, source, "general_query", None, 10.0))
                for box in boxes:
                    if box.on and rng.random() > 0.01:
                        said.append((at + rng.uniform(0, 10.0), box.port, box.source, "report", box.channel, None))
            else:
                _zaps(rng, at, event, says)
        said.sort(key=lambda one: one[0])
        return [
            igmp(start + round(at * 1e6), port, source, kind, group, max_response_s=longest)
            for at, port, source, kind, group, longest in said
            if at < seconds
        ]

    return build


def _zaps(rng: random.Random, at: float, box: _Box, says: Callable[[float, _Box, str], None]) -> None:
    """A box is switched on or off, or somebody goes through the channels, patiently or not."""
    if rng.random() < 0.15:
        box.on = not box.on
        says(at, box, "report" if box.on else "leave")
    elif box.on:
        pause = rng.choice((0.6, 1.5, 4.0, 20.0))
        for _ in range(round(rng.paretovariate(0.7)) % 90):
            says(at, box, "leave")
            box.channel = (box.channel + 1) % CHANNELS
            says(at + 0.08, box, "report")
            at += pause * rng.uniform(0.7, 1.6)


FACTS: Final = {"multicast": {"queriers": [QUERIER, STAND_IN], "trunks": [{"switch": SWITCH, "port": TRUNK}]}}
KNOWN: Final = Quiet("igmp", "a switch with households and a trunk, its queriers known", traffic(True), 116, FACTS)
UNKNOWN: Final = Quiet("igmp_no_facts", "a switch with households, of which nothing is known", traffic(False), 36)


@dataclass(frozen=True)
class Flood:
    groups: int = 300
    seconds: float = 10.0


def flood(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """One port joins many groups."""
    begin = start + round(rng.uniform(900, 1800) * 1e6)
    forged = [
        igmp(begin + round(i / p.groups * p.seconds * 1e6), "ge-0/0/7", "10.40.1.77", "report", 1000 + i)
        for i in range(p.groups)
    ]
    both, attack = merged(records, forged)
    return Injected(both, begin, begin + round(p.seconds * 1e6), frozenset({"10.40.1.77"}), attack)


@dataclass(frozen=True)
class FalseQuerier:
    source: str = "10.0.0.1"  # below the querier's: it wins the election
    every_s: float = 30.0
    times: int = 20
    response_s: float = 10.0


def false_querier(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A host at an access port sends general queries; its address is the lowest, so that the querier falls silent."""
    begin = start + round(rng.uniform(500, 1000) * 1e6)
    forged = [
        igmp(
            begin + round(i * p.every_s * 1e6), "ge-0/0/7", p.source, "general_query", None, max_response_s=p.response_s
        )
        for i in range(p.times)
    ]
    end = begin + round(p.times * p.every_s * 1e6)
    left = [
        record
        for record in records
        if record.fields["type"] != "general_query"
        or record.fields["source"] == "0.0.0.0"
        or not begin < record.fields["time"] < end + round(GONE_S * 1e6)
    ]
    both, attack = merged(left, forged)
    return Injected(both, begin, end, frozenset({p.source}), attack)


@dataclass(frozen=True)
class ForgedLeaves:
    groups: int = 20
    seconds: float = 60.0


def forged_leaves(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A host at an unused port leaves the most watched groups for others."""
    begin = start + round(rng.uniform(900, 1800) * 1e6)
    forged = [
        igmp(begin + round(i / p.groups * p.seconds * 1e6), "ge-0/0/40", "10.40.1.99", "leave", i)
        for i in range(p.groups)
    ]
    both, attack = merged(records, forged)
    return Injected(both, begin, begin + round(p.seconds * 1e6), frozenset({"10.40.1.99"}), attack)


QUIET: Final = (KNOWN, UNKNOWN)
SCENARIOS: Final = (
    Scenario("igmp_join_flood", "MC-01", "port 7 joins 300 groups in 10 s", KNOWN, 3600.0, flood, Flood),
    Scenario(
        "igmp_false_querier",
        "MC-01",
        "a host that is no querier of the site queries every 30 s",
        KNOWN,
        3600.0,
        false_querier,
        FalseQuerier,
    ),
    Scenario(
        "igmp_takeover",
        "MC-01",
        "the same where the site file knows no queriers",
        UNKNOWN,
        3600.0,
        false_querier,
        FalseQuerier,
    ),
    Scenario(
        "igmp_forged_leave", "MC-01", "20 leaves from an unused port", UNKNOWN, 3600.0, forged_leaves, ForgedLeaves
    ),
)
