"""Intersections whose roadside units broadcast signals and lanes, beside the feed of their controllers.

Greens last as traffic asks, programmes change, a controller flashes for some minutes, its feed is late and falls silent for a while,
messages get lost, a certificate changes, and one map is updated when it was planned. Attacks: states inverted, greens in conflict,
another sender, ends in the past, false maps.
"""

import random
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario, merged
from ingest.source import Record
from schemas.records import MAP, SIGNAL_CONTROLLER, SPAT

#: Phases: signal groups that have green together; the groups of one conflict with those of the other.
PHASES: Final = ((1, 2), (3, 4))
INTERSECTIONS: Final = ("276-17", "276-18")
#: 2026-01-05, the Monday on which scenarios begin: the site file plans an update of the first intersection's map a quarter of an hour on.
PLANNED: Final = (datetime(2026, 1, 5, 0, 13, tzinfo=UTC), datetime(2026, 1, 5, 0, 20, tzinfo=UTC))
UPDATE_S: Final = 900.0
SPAT_EVERY_S, MAP_EVERY_S, FEED_EVERY_S = 1.0, 10.0, 8.0
STATES: Final[Mapping[str, str]] = {
    "red": "stop_and_remain",
    "red_amber": "pre_movement",
    "green": "protected_movement_allowed",
    "amber": "protected_clearance",
    "flashing": "caution_conflicting_traffic",
}
GREEN, RED = STATES["green"], STATES["red"]


@dataclass(frozen=True)
class Span:
    """What the lamps of a group show for a time, seconds."""

    start: float
    end: float
    lamp: str
    programme: int


def plan(rng: random.Random, seconds: float) -> dict[int, list[Span]]:
    """The lamps of each group of a controller: cycles of two phases, and a few minutes in which all flash."""
    spans: dict[int, list[Span]] = {group: [] for phase in PHASES for group in phase}
    fault = rng.uniform(0.2, 0.8) * seconds
    now, programme = 0.0, 1

    def show(groups: tuple[int, ...], lamp: str, lasts: float) -> None:
        """These groups show the lamp, the others red; or all of them flash."""
        for group, own in spans.items():
            own.append(
                Span(
                    now,
                    now + lasts,
                    lamp if group in groups else "flashing" if lamp == "flashing" else "red",
                    programme,
                )
            )

    while now < seconds:
        if now > fault:
            show((), "flashing", 150.0)
            now, fault = now + 150.0, float("inf")
        if rng.random() < 0.03:
            programme = rng.randrange(1, 5)
        for phase in PHASES:
            for lamp, lasts in (
                ("red_amber", 1.0),
                ("green", rng.uniform(8, 20 + 10 * programme)),
                ("amber", 3.0),
                ("red", 2.0),
            ):
                show(phase, lamp, lasts)
                now += lasts
    return spans


def lamp_at(spans: list[Span], at: float) -> Span:
    """What is shown at a time."""
    return spans[bisect_right(spans, at, key=lambda span: span.start) - 1]


def spat(start: int, at: float, name: str, group: int, state: str, certificate: str, end: float, **more: Any) -> Record:
    """The state of one group in a message that is broadcast at a time; `end` is when the state ends at the earliest."""
    moment = start + round(at * 1e6)
    mark = (start + round(end * 1e6)) // 100_000 % 36_000
    fields = {
        "time": moment + 6_000,
        "intersection": name,
        "receiver": f"rsu-{name}",
        "certificate": certificate,
        "generation_time": moment,
        "revision": 12,
        "signal_group": group,
        "state": state,
        "min_end_mark": mark,
        "signature": "valid",
    }
    return Record(SPAT, {**fields, **more})


def lanes(start: int, at: float, name: str, revision: int, digest: str, certificate: str) -> Record:
    """The map of an intersection."""
    own = {"intersection": name, "receiver": f"rsu-{name}", "certificate": certificate, "signature": "valid"}
    return Record(MAP, {"time": start + round(at * 1e6), **own, "revision": revision, "lane_hash": digest, "lanes": 12})


def controller(
    rng: random.Random, start: int, name: str, spans: dict[int, list[Span]], seconds: float
) -> Iterator[Record]:
    """The feed: every change at once, and all now and then; a minute and a half of it is lost."""
    gap = rng.uniform(0, seconds)
    for group, own in spans.items():
        for span in own:
            at = span.start
            while at < min(span.end, seconds):
                if not gap < at < gap + 90:
                    lamp = {"time": start + round(at * 1e6), "intersection": name, "signal_group": group}
                    yield Record(SIGNAL_CONTROLLER, {**lamp, "lamp": span.lamp, "programme": span.programme})
                at += FEED_EVERY_S


def unit(rng: random.Random, start: int, name: str, spans: dict[int, list[Span]], seconds: float) -> Iterator[Record]:
    """What a roadside unit broadcasts of its controller, a fifth of a second late; two in a hundred messages are lost."""
    certificate, changes = f"{rng.getrandbits(64):016x}", rng.uniform(0, seconds)
    revision, digest = 12, f"{rng.getrandbits(64):016x}"
    for number in range(round(seconds / SPAT_EVERY_S)):
        at = number * SPAT_EVERY_S + rng.uniform(0, 0.02)
        if at > changes:
            certificate, changes = f"{rng.getrandbits(64):016x}", float("inf")
        if number % round(MAP_EVERY_S) == 0:
            updated = name == INTERSECTIONS[0] and at > UPDATE_S
            if updated and revision == 12:
                revision, digest = 13, f"{rng.getrandbits(64):016x}"
            yield lanes(start, at + 0.3, name, revision, digest, certificate)
        if rng.random() < 0.02:
            continue
        for group, own in spans.items():
            span = lamp_at(own, max(0.0, at - rng.uniform(0.05, 0.25)))
            yield spat(start, at, name, group, STATES[span.lamp], certificate, max(span.end, at), revision=revision)


def quiet(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """Two intersections, by time."""
    records: list[Record] = []
    for name in INTERSECTIONS:
        spans = plan(rng, seconds)
        records += controller(rng, start, name, spans, seconds)
        records += unit(rng, start, name, spans, seconds)
    records.sort(key=lambda record: record.fields["time"])
    return records


def _facts(name: str) -> dict[str, Any]:
    conflicts = [[one, other] for one in PHASES[0] for other in PHASES[1]]
    updates = (
        [{"start": time.isoformat(), "end": end.isoformat()} for time, end in (PLANNED,)]
        if name == INTERSECTIONS[0]
        else []
    )
    return {"conflicts": conflicts, "map_updates": updates}


SIGNALS: Final = Quiet(
    "traffic_signals",
    "two intersections with their controllers' feeds",
    quiet,
    len(INTERSECTIONS),
    {"v2x": {"intersections": {name: _facts(name) for name in INTERSECTIONS}}},
)


@dataclass(frozen=True)
class Changed:
    """Some messages of one intersection are changed on their way."""

    seconds: float = 30.0
    groups: tuple[int, ...] = (2,)


Change = Callable[[dict[str, Any], Any], None]


def _on_the_way(records: list[Record], rng: random.Random, start: int, p: Any, change: Change) -> Injected:
    name, begin = rng.choice(INTERSECTIONS), start + round(rng.uniform(300, 1500) * 1e6)
    out, attack = list(records), []
    for i, r in enumerate(records):
        mine = r.schema is SPAT and r.fields["intersection"] == name and r.fields["signal_group"] in p.groups
        if mine and 0 <= r.fields["time"] - begin < p.seconds * 1e6:
            out[i] = Record(SPAT, dict(r.fields))
            change(out[i].fields, p)
            attack.append(i)
    return Injected(out, begin, begin + round(p.seconds * 1e6), frozenset({name}), tuple(attack))


def inverted(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Red becomes green and green red."""

    def change(fields: dict[str, Any], _: Any) -> None:
        fields["state"] = RED if fields["state"] == GREEN else GREEN

    return _on_the_way(records, rng, start, p, change)


@dataclass(frozen=True)
class AllGreen(Changed):
    groups: tuple[int, ...] = (1, 2, 3, 4)


def all_green(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """All groups are broadcast as green."""
    return _on_the_way(records, rng, start, p, lambda fields, _: fields.update(state=GREEN))


@dataclass(frozen=True)
class Ended(Changed):
    ago_s: float = 60.0


def ended(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """States that should have ended already: who waits for them starts too early."""

    def change(fields: dict[str, Any], p: Any) -> None:
        fields["min_end_mark"] = (fields["generation_time"] // 100_000 - round(p.ago_s * 10)) % 36_000

    return _on_the_way(records, rng, start, p, change)


@dataclass(frozen=True)
class Second:
    seconds: float = 60.0
    every_s: float = 2.0


def second_sender(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Another transmitter broadcasts green for one direction, between the messages of the roadside unit."""
    name, begin, certificate = rng.choice(INTERSECTIONS), rng.uniform(300, 1500), f"{rng.getrandbits(64):016x}"
    forged = [
        spat(start, at, name, group, GREEN if group in PHASES[0] else RED, certificate, at + 20)
        for at in (begin + 0.5 + i * p.every_s for i in range(round(p.seconds / p.every_s)))
        for group in (1, 2, 3, 4)
    ]
    both, attack = merged(records, forged)
    end = begin + p.seconds
    return Injected(both, start + round(begin * 1e6), start + round(end * 1e6), frozenset({name, certificate}), attack)


@dataclass(frozen=True)
class FalseMap:
    repeated: int = 3
    step: int = 0  # from the revision before: 0 is the same, 1 poses as an update


def false_map(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A map with other lanes is broadcast beside the true one."""
    name, begin = INTERSECTIONS[1], rng.uniform(300, 1500)
    digest, certificate = f"{rng.getrandbits(64):016x}", f"{rng.getrandbits(64):016x}"
    forged = [lanes(start, begin + i * MAP_EVERY_S, name, 12 + p.step, digest, certificate) for i in range(p.repeated)]
    both, attack = merged(records, forged)
    times = [record.fields["time"] for record in forged]
    return Injected(both, times[0], times[-1], frozenset({name}), attack)


@dataclass(frozen=True)
class FalseUpdate(FalseMap):
    step: int = 1


QUIET: Final = (SIGNALS,)
SCENARIOS: Final = tuple(
    Scenario(name, "ITS-14", says, SIGNALS, 1800.0, inject, params)
    for name, says, inject, params in (
        ("signal_inverted", "the state of group 2 is inverted for half a minute", inverted, Changed),
        ("signal_all_green", "all groups are broadcast as green for half a minute", all_green, AllGreen),
        ("signal_ended", "earliest ends a minute in the past for half a minute", ended, Ended),
        ("signal_second_sender", "a second sender between the messages of the roadside unit", second_sender, Second),
        ("map_false", "other lanes under the same revision, three times", false_map, FalseMap),
        ("map_false_update", "other lanes as an update that nobody planned", false_map, FalseUpdate),
    )
)
