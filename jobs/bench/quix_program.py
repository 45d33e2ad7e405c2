"""The meter catalogue's row and stateful rules as a QuixStreams program, for comparison: one process of it.

    python -m jobs.bench.quix_program BOOTSTRAP GROUP STATE_FOLDER

Written as one would write it for that library: a function a record, state by message key (the transformer or head-end) in
its RocksDB store with changelog topics, alerts to a topic. No model: it only does part of what our query does. Every
`EVERY` records it prints its monotonic clock and the number of records so far.
"""

import io
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Final, cast

import fastavro

from detectors.meter import mass_disconnect, mass_silence, register_rollback, tamper_signature
from detectors.tamper_events import TAMPER
from schemas.project.avro import to_avro
from schemas.records import HEADEND_COMMAND, METER_EVENT, METER_READING
from schemas.types import Domain
from schemas.wire import HEADER, fingerprint

EVERY: Final = 2_000
ALERTS: Final = "quix-alerts"
#: As `detectors.plan.Silent` learns the interval of a key.
ALPHA: Final = 0.2
LEAST: Final = 2

_READERS: Final = {
    fingerprint(schema): (schema.name, fastavro.parse_schema(to_avro(schema)))
    for schema in (METER_READING, METER_EVENT, HEADEND_COMMAND)
}
_ROLLBACK, _SILENCE = register_rollback.Params(), mass_silence.Params()
_TAMPER, _DISCONNECT = tamper_signature.Params(), mass_disconnect.Params()


def decode(message: bytes) -> dict[str, Any]:
    """A wire message as a record, with its type under `record` and its time in seconds."""
    name, schema = _READERS[message[2:HEADER]]
    record = cast(dict[str, Any], fastavro.schemaless_reader(io.BytesIO(message[HEADER:]), schema))
    record["record"], record["time"] = name, record["time"].timestamp()
    return record


def judge(record: dict[str, Any], state: Any) -> list[dict[str, Any]]:
    """The alerts that a record raises.

    Args:
        record: as `decode` gives it.
        state: the library's state of the record's key.
    """
    match record["record"]:
        case METER_READING.name:
            return _reading(record, state)
        case METER_EVENT.name:
            return _event(record, state)
        case _:
            return _command(record, state)


def _reading(r: dict[str, Any], state: Any) -> list[dict[str, Any]]:
    meter, now, register = r["meter"], r["time"], r["register_kwh"]
    alerts = []
    past = state.get(meter)
    if past is None:
        state.set("members", [*state.get("members", []), meter])
        past = {"time": None, "register": register, "gap": None, "count": 0, "deadline": None}
    elif now >= past["time"]:
        gap, delta = now - past["time"], register - past["register"]
        allowed = _ROLLBACK.margin * _ROLLBACK.fuse_kw * max(gap, _ROLLBACK.least_gap_s) / 3600
        rollover = past["register"] > 0.99 * _ROLLBACK.register_max_kwh
        if (delta < -_ROLLBACK.eps_kwh and not rollover) or delta > allowed:
            alerts.append({"detector": register_rollback.DETECTOR.id, "meter": meter, "delta": delta})
        past["gap"] = gap if past["gap"] is None else past["gap"] + ALPHA * (gap - past["gap"])
        past["count"] += 1
    past["time"], past["register"] = max(now, past["time"] or now), register
    if past["count"] >= LEAST:
        past["deadline"] = now + max(_SILENCE.intervals * past["gap"], _SILENCE.least_s)
    state.set(meter, past)
    return alerts + _silence(r["transformer"], past, now, state)


def _silence(transformer: str, past: dict[str, Any], now: float, state: Any) -> list[dict[str, Any]]:
    """Look at all meters of the transformer only when the earliest deadline known has passed."""
    group = state.get("group") or {"clock": now, "next": None, "alarmed": False}
    group["clock"] = max(group["clock"], now)
    if group["next"] is None:
        group["next"] = past["deadline"]
    alerts = []
    if group["next"] is not None and group["clock"] >= group["next"]:
        members = state.get("members")
        deadlines = [d for m in members if (d := state.get(m)["deadline"]) is not None]
        silent = sum(d <= group["clock"] for d in deadlines)
        group["next"] = min((d for d in deadlines if d > group["clock"]), default=None)
        alarmed = len(members) >= _SILENCE.least_keys and silent >= _SILENCE.share * len(members) and silent > 0
        if alarmed and not group["alarmed"]:
            alerts.append({"detector": mass_silence.DETECTOR.id, "transformer": transformer, "silent": silent})
        group["alarmed"] = alarmed
    state.set("group", group)
    return alerts


def _event(r: dict[str, Any], state: Any) -> list[dict[str, Any]]:
    if r["meaning"] not in TAMPER:
        return []
    now = r["time"]
    recent = [e for e in state.get("tamper", []) if e[0] > now - _TAMPER.meters_s] + [(now, r["meter"], r["meaning"])]
    state.set("tamper", recent)
    kinds = {what for t, meter, what in recent if meter == r["meter"] and t > now - _TAMPER.kinds_s}
    meters = {meter for _, meter, _ in recent}
    if len(kinds) >= _TAMPER.kinds_min or len(meters) >= _TAMPER.meters_min:
        return [{"detector": tamper_signature.DETECTOR.id, "meter": r["meter"], "kinds": len(kinds)}]
    return []


def _command(r: dict[str, Any], state: Any) -> list[dict[str, Any]]:
    if r["command"] != "disconnect":
        return []
    now, who, p = r["time"], r["operator"], _DISCONNECT
    recent = [c for c in state.get("disconnects", []) if c[0] > now - p.window_s]
    recent.append((now, r["meter"], who, not r["work_order"]))
    state.set("disconnects", recent)
    all_meters = {meter for _, meter, _, _ in recent}
    meters = {meter for _, meter, operator, _ in recent if operator == who}
    bare = {meter for _, meter, operator, without in recent if operator == who and without}
    too_many = len(meters) > p.operator_min or len(all_meters) > p.headend_min
    if too_many or (len(meters) >= p.bare_min and len(bare) / len(meters) > p.bare_share):
        return [{"detector": mass_disconnect.DETECTOR.id, "operator": who, "meters": len(meters)}]
    return []


@dataclass
class _Counter:
    records: int = 0
    began: float = field(default_factory=time.monotonic)

    def __call__(self, _topic: str, _partition: int, _offset: int) -> None:
        self.records += 1
        if self.records % EVERY == 0:
            print(time.monotonic(), self.records, flush=True)


def main(bootstrap: str, group: str, folder: str) -> None:
    """Run until SIGTERM."""
    from quixstreams import Application

    app = Application(
        broker_address=bootstrap,
        consumer_group=group,
        auto_offset_reset="earliest",
        state_dir=folder,
        on_message_processed=_Counter(),
        loglevel="ERROR",
    )
    frame = app.dataframe(app.topic(Domain.METER.topic, value_deserializer="bytes"))
    frame = frame.apply(decode).apply(judge, stateful=True, expand=True)
    frame.to_topic(app.topic(ALERTS, value_serializer="json"))
    app.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
