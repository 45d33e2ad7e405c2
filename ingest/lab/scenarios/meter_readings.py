"""Quarter-hourly readings and events of the meters of a transformer: registers, profiles, tampering, floods, cleared logs, silence."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.households import QUARTER_S, name_of, readings, street
from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario, merged
from ingest.source import Record
from schemas.records import METER_EVENT, METER_READING

METERS: Final = 8
TRANSFORMER: Final = "T1"
NAMES: Final = tuple(name_of(TRANSFORMER, meter) for meter in range(METERS))
DAY_S: Final = 86_400.0
#: Codes of the DLMS/COSEM event logs that scenarios write.
CODES: Final = {
    "power_down": 1,
    "power_up": 2,
    "clock_adjusted_new": 5,
    "battery_low": 8,
    "strong_field_on": 42,
    "cover_removed": 44,
    "cover_closed": 45,
    "configuration_changed": 47,
    "undervoltage": 77,
    "log_cleared": 255,
}


def event(time: int, meter: str, meaning: str) -> Record:
    """An entry of a meter's log."""
    who = {"time": time, "meter": meter, "transformer": TRANSFORMER}
    return Record(METER_EVENT, {**who, "profile": "dlms", "code": CODES[meaning], "meaning": meaning})


def quiet(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """Readings with their gaps; clocks set, batteries, now and then a cover; power cuts in which some last gasps get lost."""
    records = readings(street(rng, METERS, seconds), start, TRANSFORMER)
    events, at = [], 0.0
    while (at := at + rng.expovariate(1 / (DAY_S / 6))) < seconds:
        what = rng.choices(
            ("clock_adjusted_new", "configuration_changed", "battery_low", "undervoltage", "cover"), (60, 10, 5, 20, 5)
        )[0]
        time, meter = start + round(at * 1e6), rng.choice(NAMES)
        if what == "cover":
            # Somebody opens a cover and closes it again.
            events += [event(time, meter, "cover_removed"), event(time + 240_000_000, meter, "cover_closed")]
        else:
            events.append(event(time, meter, what))
    dark: list[tuple[int, int]] = []
    at = 0.0
    while (at := at + rng.expovariate(1 / (6 * DAY_S))) < seconds:
        begin = start + round(at * 1e6)
        end = begin + round(rng.uniform(60, 9000) * 1e6)
        dark.append((begin, end))
        for meter in NAMES:
            if rng.random() < 0.95:
                events.append(event(begin + round(rng.uniform(0, 2e6)), meter, "power_down"))
            events.append(event(end + round(rng.uniform(0, 20e6)), meter, "power_up"))
    lit = [r for r in records if not any(a <= r.fields["time"] <= b for a, b in dark)]
    last = start + round(seconds * 1e6)
    return merged(lit, [e for e in events if e.fields["time"] < last])[0]


READINGS: Final = Quiet("meter_readings", "readings and events of the meters of one transformer", quiet, METERS)


def changed(
    records: Sequence[Record], meters: Sequence[str], begin: int, change: Callable[[Record], Record | None]
) -> tuple[list[Record], tuple[int, ...]]:
    """Readings of some meters from a time on, changed or (None) left out; and where the changed ones are."""
    out: list[Record] = []
    attack: list[int] = []
    for record in records:
        own: Record | None = record
        if record.schema is METER_READING and record.fields["meter"] in meters and record.fields["time"] >= begin:
            own = change(record)
            if own is not None and own is not record:
                attack.append(len(out))
        if own is not None:
            out.append(own)
    return out, tuple(attack)


def last_of(records: Sequence[Record]) -> int:
    """Time of the last record."""
    return int(records[-1].fields["time"])


@dataclass(frozen=True)
class Register:
    step_kwh: float = -50.0
    after_s: float = 1.5 * DAY_S


@dataclass(frozen=True)
class Jump(Register):
    step_kwh: float = 110.0  # ten times what the fuse lets through in a quarter of an hour


def register(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """The register of one meter is set."""
    begin, meter = start + round((p.after_s + rng.uniform(0, DAY_S)) * 1e6), rng.choice(NAMES)

    def moved(record: Record) -> Record:
        kwh = round(record.fields["register_kwh"] + p.step_kwh, 3)
        return record._replace(fields={**record.fields, "register_kwh": kwh})

    both, attack = changed(records, (meter,), begin, moved)
    return Injected(both, begin, last_of(both), frozenset({meter}), attack)


@dataclass(frozen=True)
class Replay:
    days_back: int = 2
    after_s: float = 3 * DAY_S
    seconds: float = 3 * DAY_S


def replay(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """The readings of one meter, which had none of its own lost, are those of some days ago; registers go on."""
    begin, end = start + round(p.after_s * 1e6), start + round((p.after_s + p.seconds) * 1e6)
    back = round(p.days_back * DAY_S * 1e6)
    known = {(r.fields["meter"], r.fields["time"]): r for r in records if r.schema is METER_READING}

    def whole(meter: str) -> int:
        return sum((meter, t - back) in known for t in range(begin, end, QUARTER_S * 1_000_000))

    return _forged(records, max(NAMES, key=whole), begin, end, lambda meter, time: known.get((meter, time - back)))


@dataclass(frozen=True)
class Copy:
    after_s: float = 3 * DAY_S
    seconds: float = 1.5 * DAY_S


def copy(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """The readings of one meter are those of a neighbour."""
    begin, end = start + round(p.after_s * 1e6), start + round((p.after_s + p.seconds) * 1e6)
    known = {(r.fields["meter"], r.fields["time"]): r for r in records if r.schema is METER_READING}
    by_readings = sorted(NAMES, key=lambda m: -sum(k[0] == m and begin < k[1] <= end for k in known))
    source, victim = by_readings[0], by_readings[1]
    made = _forged(records, victim, begin, end, lambda _, time: known.get((source, time)))
    return Injected(made.records, made.start, made.end, made.entities | {source}, made.attack)


def _forged(
    records: list[Record], meter: str, begin: int, end: int, source: Callable[[str, int], Record | None]
) -> Injected:
    """The energy of one meter's intervals is that of other readings; where these are lost, so are the forged ones."""
    register: float | None = None

    def made(record: Record) -> Record | None:
        nonlocal register
        time, energy = record.fields["time"], record.fields["interval_kwh"]
        if begin < time <= end:
            other = source(meter, time)
            if other is None or other.fields.get("interval_kwh") is None:
                return None
            energy = other.fields["interval_kwh"]
        if register is None:
            register = record.fields["register_kwh"] - record.fields["interval_kwh"]
        register = round(register + energy, 3)
        return record._replace(fields={**record.fields, "interval_kwh": energy, "register_kwh": register})

    both, attack = changed(records, (meter,), begin + 1, made)
    return Injected(both, begin, last_of(both), frozenset({meter}), attack)


@dataclass(frozen=True)
class Freeze:
    after_s: float = 3 * DAY_S
    readings: int = 48


def freeze(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """The energy of one meter's intervals stands at one value."""
    begin, meter = start + round(p.after_s * 1e6), rng.choice(NAMES)
    end, kwh = begin + p.readings * QUARTER_S * 1_000_000, round(rng.uniform(0.02, 0.15), 3)
    one = Record(METER_READING, {"interval_kwh": kwh})
    return _forged(records, meter, begin, end, lambda *_: one)


@dataclass(frozen=True)
class Tamper:
    share: float = 0.2  # of the load that is measured afterwards
    after_s: float = 2 * DAY_S


def bypass(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """The cover is removed and closed again, and a fifth of the load is measured from then on."""
    begin, meter = start + round((p.after_s + rng.uniform(0, DAY_S)) * 1e6), rng.choice(NAMES)
    first: float | None = None

    def less(record: Record) -> Record:
        nonlocal first
        fields = dict(record.fields)
        first = fields["register_kwh"] - fields["interval_kwh"] if first is None else first
        fields["register_kwh"] = round(first + p.share * (fields["register_kwh"] - first), 3)
        fields["interval_kwh"] = round(p.share * fields["interval_kwh"], 3)
        fields["current_a"] = round(p.share * fields["current_a"], 2)
        return record._replace(fields=fields)

    both, _ = changed(records, (meter,), begin, less)
    opened = [event(begin, meter, "cover_removed"), event(begin + 600_000_000, meter, "cover_closed")]
    whole, attack = merged(both, opened)
    return Injected(whole, begin, last_of(whole), frozenset({meter}), attack)


@dataclass(frozen=True)
class Magnet:
    meters: int = 1
    apart_s: float = 900.0


def magnet(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A strong magnet, then the cover."""
    begin = start + round(rng.uniform(0.3, 0.8) * DAY_S * 1e6)
    chosen = rng.sample(NAMES, p.meters)
    forged = [
        event(begin + round(i * p.apart_s * 1e6), meter, what)
        for meter in chosen
        for i, what in enumerate(("strong_field_on", "cover_removed"))
    ]
    both, attack = merged(records, sorted(forged, key=lambda r: r.fields["time"]))
    return Injected(both, begin, begin + round(p.apart_s * 1e6), frozenset(chosen), attack)


@dataclass(frozen=True)
class Flood:
    events: int = 600
    seconds: float = 120.0


def flood(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Last gasps of all meters again and again."""
    begin = start + round(rng.uniform(0.3, 0.8) * DAY_S * 1e6)
    times = sorted(begin + round(rng.uniform(0, p.seconds) * 1e6) for _ in range(p.events))
    both, attack = merged(records, [event(time, rng.choice(NAMES), "power_down") for time in times])
    return Injected(both, begin, begin + round(p.seconds * 1e6), frozenset({TRANSFORMER, *NAMES}), attack)


@dataclass(frozen=True)
class Clear:
    meters: int = 1


def clear(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Logs are cleared."""
    begin = start + round(rng.uniform(0.3, 0.8) * DAY_S * 1e6)
    chosen = rng.sample(NAMES, p.meters)
    forged = [event(begin + i * 1_000_000, meter, "log_cleared") for i, meter in enumerate(chosen)]
    both, attack = merged(records, forged)
    return Injected(both, begin, begin + p.meters * 1_000_000, frozenset(chosen), attack)


@dataclass(frozen=True)
class Silence:
    share: float = 0.6  # of the meters
    seconds: float = 7200.0


def silence(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Readings of most meters no longer arrive, and no meter lost its power."""
    outages = [r.fields["time"] for r in records if r.fields.get("meaning") in ("power_down", "power_up")]
    # Not in an outage of the quiet traffic, nor before the meters have reported again after one.
    for _ in range(100):
        begin = start + round(rng.uniform(0.5, 0.8) * DAY_S * 1e6)
        end = begin + round(p.seconds * 1e6)
        if not any(begin - 3600e6 <= time <= end for time in outages):
            break
    chosen = rng.sample(NAMES, round(p.share * METERS))
    both, _ = changed(records, chosen, begin, lambda r: None if r.fields["time"] <= end else r)
    return Injected(both, begin, end, frozenset({TRANSFORMER, *chosen}))


QUIET: Final = (READINGS,)
_LIST: Final[tuple[tuple[str, str, str, float, Any, type], ...]] = (
    ("register_rollback", "SG-03", "a register loses 50 kWh", 3, register, Register),
    ("register_jump", "SG-03", "a register gains ten times what the fuse lets through", 3, register, Jump),
    ("profile_replay", "SG-06", "a meter reports the profile of two days before for three days", 7, replay, Replay),
    ("profile_copy", "SG-06", "a meter reports its neighbour's profile for a day and a half", 5, copy, Copy),
    ("profile_frozen", "SG-06", "a meter reports one value for half a day", 4, freeze, Freeze),
    ("meter_bypass", "SG-07", "the cover is removed, a fifth of the load is measured afterwards", 5, bypass, Tamper),
    ("meter_magnet", "SG-07", "a strong magnet, then the cover, within an hour", 1, magnet, Magnet),
    ("event_flood", "SG-08", "600 last-gasp events in two minutes while readings go on", 1, flood, Flood),
    ("log_cleared", "SG-09", "the event log of a meter is cleared", 1, clear, Clear),
    ("meters_silent", "SG-14", "60 % of the meters fall silent for two hours without an outage", 1, silence, Silence),
)
SCENARIOS: Final = tuple(
    Scenario(name, threat, says, READINGS, days * DAY_S, inject, params)
    for name, threat, says, days, inject, params in _LIST
)
