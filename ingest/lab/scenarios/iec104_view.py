"""What the control centre is shown over IEC 60870-5-104 is changed on its way: values replayed or frozen, clocks moved."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.scenarios.iec104 import TELECONTROL
from ingest.lab.scenarios.iec104_traffic import STATIONS
from ingest.lab.scenarios.scenario import Injected, Scenario
from ingest.source import Record


@dataclass(frozen=True)
class Attack:
    after_s: float = 5400.0
    seconds: float = 900.0


@dataclass(frozen=True)
class Replay(Attack):
    seconds: float = 600.0
    back_s: float = 3600.0  # what is shown again is so old


@dataclass(frozen=True)
class Frozen(Attack):
    seconds: float = 1200.0


@dataclass(frozen=True)
class Clock(Attack):
    step_s: float = 5.0
    ramp: float = 0.0  # seconds a second


@dataclass(frozen=True)
class Ramp(Clock):
    step_s: float = 0.0
    ramp: float = 0.02


#: (all records, position of one, seconds since the begin, parameters) -> fields of it that change.
Change = Callable[[list[Record], int, float, Any], dict[str, Any]]


def _measured(record: Record) -> bool:
    return record.fields.get("type_id") in (13, 36) and record.fields.get("value") is not None


def _changed(change: Change) -> Callable[[list[Record], random.Random, int, Any], Injected]:
    """Reports of one station are changed while the attack lasts."""

    def inject(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
        begin, end = start + round(p.after_s * 1e6), start + round((p.after_s + p.seconds) * 1e6)
        station, out, attack = rng.choice(STATIONS), list(records), []
        for i, record in enumerate(records):
            own = record.fields["source"] == station and begin <= record.fields["time"] < end
            if own and (fields := change(records, i, (record.fields["time"] - begin) / 1e6, p)):
                out[i] = Record(record.schema, {**record.fields, **fields})
                attack.append(i)
        return Injected(out, begin, end, frozenset({station}), tuple(attack))

    return inject


def _earlier(records: list[Record], at: int) -> Iterator[Record]:
    """What the object of a record showed before it, newest first."""
    own = records[at].fields
    for record in reversed(records[:at]):
        same = record.fields["source"] == own["source"] and record.fields.get("object_address") == own["object_address"]
        if same and _measured(record):
            yield record


def replay(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """The values that a station's objects showed some time ago are shown again, one after the other."""
    begin, end = start + round(p.after_s * 1e6), start + round((p.after_s + p.seconds) * 1e6)
    station, out, attack = rng.choice(STATIONS), list(records), []
    own = [(i, r.fields) for i, r in enumerate(records) if r.fields["source"] == station and _measured(r)]
    for address in sorted({fields["object_address"] for _, fields in own}):
        reports = [(i, fields) for i, fields in own if fields["object_address"] == address]
        shown = [fields["value"] for _, fields in reports if fields["time"] >= begin - p.back_s * 1e6]
        for (i, fields), value in zip([r for r in reports if begin <= r[1]["time"] < end], shown, strict=False):
            out[i] = Record(records[i].schema, {**fields, "value": value})
            attack.append(i)
    return Injected(out, begin, end, frozenset({station}), tuple(sorted(attack)))


def frozen(records: list[Record], at: int, since_s: float, p: Any) -> dict[str, Any]:
    """One measured value, as it was when the attack began."""
    if not _measured(records[at]) or records[at].fields["object_address"] % 10 != 1:
        return {}
    begin = records[at].fields["time"] - since_s * 1e6
    return {"value": next(r.fields["value"] for r in _earlier(records, at) if r.fields["time"] < begin)}


def moved(records: list[Record], at: int, since_s: float, p: Any) -> dict[str, Any]:
    """The station's clock is ahead."""
    tag = records[at].fields.get("time_tag")
    return {} if tag is None else {"time_tag": tag + round((p.step_s + p.ramp * since_s) * 1e6)}


SCENARIOS: Final = tuple(
    Scenario(name, threat, says, TELECONTROL, 7200.0, inject, params)
    for name, threat, says, inject, params in (
        ("iec104_replayed_view", "SG-29", "a station's values of an hour ago are shown for 10 min", replay, Replay),
        ("iec104_frozen_view", "SG-29", "two of a station's values are frozen for 20 min", _changed(frozen), Frozen),
        ("iec104_clock_step", "SG-31", "a station's clock steps by 5 s", _changed(moved), Clock),
        ("iec104_clock_ramp", "SG-31", "a station's clock is led away by 20 ms a second", _changed(moved), Ramp),
    )
)
QUIET: Final = ()
