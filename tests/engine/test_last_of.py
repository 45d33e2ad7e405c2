"""What records of one type leave for those of another: against a plain reference, through the engine, cut anywhere."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering
from detectors.engine import Engine, State
from detectors.grouping import TIME
from detectors.local import frame
from detectors.memory import CountWithin, Derived, LastOf, seconds_since
from detectors.memory.recent import REFERENCE
from detectors.plan import make_plan
from detectors.profiles import its_awareness
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.errors import ConfigFault
from schemas.records import CAM
from schemas.types import Domain, Field, Scalar, Schema, origin

START = datetime(2026, 3, 2, tzinfo=UTC)
LIFETIME = 50.0


def _schema(name: str, locality: str = "place") -> Schema:
    fields = (
        Field("time", Scalar.TIME, "event time"),
        Field(locality, Scalar.STRING, "locality"),
        Field("number", Scalar.INT, "number of the record"),
        Field("key", Scalar.STRING, "key", nullable=True),
        Field("other", Scalar.STRING, "another key", nullable=True),
        Field("x", Scalar.DOUBLE, "value", nullable=True),
        Field("counts", Scalar.BOOL, "whether it counts", nullable=True),
        *origin(),
    )
    return Schema(name, Domain.VEHICLE, name, fields, locality, ("number",))


ASKING, TOLD = _schema("asking"), _schema("told")
COUNTS = Derived("counts", pl.col("counts"))
OFTEN = CountWithin(("key",), seconds=10, at_most=5, where=COUNTS)
X, TIMED = LastOf(TOLD, ("key",), "x", COUNTS), LastOf(TOLD, ("key",), TIME, COUNTS)
#: Under a derived key, whatever counts; the number of the record as a derived value.
TWICE = Derived("twice the number", pl.col("number") * 2)
CROSSED = LastOf(TOLD, (Derived("other key", pl.col("other")),), TWICE, there=("key",))
#: Its own type under another key.
SELF = LastOf(ASKING, ("key",), "number", there=("other",))
#: What a memory said beside the other record; and what that record heard last of the asking type.
MEMORY = LastOf(TOLD, ("key",), Derived("often", OFTEN.col, (OFTEN,)))
ECHO = LastOf(ASKING, ("key",), "number")
RETURNED = LastOf(TOLD, ("key",), Derived("echo", ECHO.col, (ECHO,)))
WHERE = LastOf(TOLD, ("key",), REFERENCE, COUNTS)


def _detector(record: Schema, asked: dict[str, LastOf], trail: tuple[LastOf, ...] = ()) -> Detector:
    values = {name: pl.coalesce(memory.col.cast(pl.Float64), pl.lit(-1.0)) for name, memory in asked.items()}
    if TIMED in asked.values():
        values["timed"] = seconds_since(TIMED).fill_null(-1.0)
    firing = Firing(pl.lit(True), tuple(asked.values()), values, trail)
    return Detector(
        id="asks",
        version=1,
        threat=its_awareness.ITS_01,
        record=record,
        kind=Remembering(lambda p, site: firing),
        params=NoParams,
        severity=Severity.LOW,
        confidence=Confidence.LOW,
        parties=Parties("record", "number"),
        dedup=("number",),
        episode_s=0.0,
        says=" ".join(f"{{{name}}}" for name in asked),
        observed="",
        expected="",
        runbook=(),
        tolerance="",
        examples=(),
    )


@dataclass(frozen=True)
class NoParams:
    pass


ASKS = _detector(
    ASKING, {"x": X, "timed": TIMED, "crossed": CROSSED, "self": SELF, "memory": MEMORY, "returned": RETURNED}, (WHERE,)
)
Item = tuple[Schema, dict[str, Any]]


def engine_of(detector: Detector, *schemas: Schema) -> Engine:
    return Engine(make_plan([detector], schemas, Site()), {schema.name: LIFETIME for schema in schemas})


def run(items: Sequence[Item], ends: Sequence[int]) -> dict[int, tuple[str, list[int]]]:
    """Title and offsets of the evidence by the number of the record."""
    engine, state, found = engine_of(ASKS, ASKING, TOLD), State(), {}
    for low, high in pairwise([0, *ends, len(items)]):
        part = list(enumerate(items))[low:high]
        batch = {}
        for schema in {s.name: s for _, (s, _) in part}.values():
            own = [(i, r) for i, (s, r) in part if s is schema]
            batch[schema.name] = frame(schema, [r for _, r in own], [i for i, _ in own])
        outcome = engine.step(state, batch)
        state = outcome.state
        if len(outcome.alerts):
            told = outcome.alerts.select("entity", "title", "offsets").iter_rows()
            found |= {int(entity): (title, offsets) for entity, title, offsets in told}
    return found


def reference(items: Sequence[Item]) -> dict[int, tuple[str, list[int]]]:
    """The same, record by record."""
    counting: dict[Any, tuple[dict[str, Any], int]] = {}
    every: dict[Any, dict[str, Any]] = {}
    own_by_other: dict[Any, dict[str, Any]] = {}
    own_by_key: dict[Any, dict[str, Any]] = {}
    past: dict[Any, list[datetime]] = {}
    out = {}

    def alive(record: dict[str, Any] | None, now: dict[str, Any]) -> dict[str, Any]:
        return record if record and (now["time"] - record["time"]).total_seconds() <= LIFETIME else {}

    def number(value: Any) -> str:
        return str(-1.0 if value is None else float(value))

    for at, (schema, r) in enumerate(items):
        key, other = (r["place"], r["key"]), (r["place"], r["other"])
        if schema is TOLD:
            told = dict(r, echo=alive(own_by_key.get(key), r).get("number"), often=_often(past.setdefault(key, []), r))
            if r["key"] is not None:
                every[key] = told
                if r["counts"]:
                    counting[key] = told, at
            continue
        last, offset = counting.get(key, ({}, -1))
        last = alive(last, r)
        since = (r["time"] - last["time"]).total_seconds() if last else None
        values = [
            last.get("x"),
            since,
            2 * alive(every.get(other), r)["number"] if alive(every.get(other), r) else None,
            alive(own_by_other.get(key), r).get("number"),
            alive(every.get(key), r).get("often"),
            alive(every.get(key), r).get("echo"),
        ]
        out[r["number"]] = " ".join(map(number, values)), [*([offset] if last else []), at]
        if r["key"] is not None:
            own_by_key[key] = r
        if r["other"] is not None:
            own_by_other[other] = r
    return out


def _often(clocks: list[datetime], r: dict[str, Any]) -> int:
    """As `OFTEN`: a record later than the window is not counted, and a key silent for longer than a lifetime begins anew."""
    clock = max(clocks[-1][0], r["time"]) if clocks else r["time"]
    if clocks and (r["time"] - clocks[-1][0]).total_seconds() > LIFETIME:
        clocks.clear()
    begin = clock - timedelta(seconds=10)
    clocks.append((clock, bool(r["counts"]) and r["time"] > begin))
    return min(5, sum(counted for at, counted in clocks if at > begin))


records = st.builds(
    lambda schema, time, place, key, other, x, counts: (
        schema,
        {
            "time": START + timedelta(seconds=time),
            "place": place,
            "key": key,
            "other": other,
            "x": x,
            "counts": counts,
            "capture": None,
            "frames": None,
        },
    ),
    st.sampled_from([ASKING, TOLD]),
    st.one_of(st.integers(0, 20), st.integers(0, 200)),
    st.sampled_from("PQ"),
    st.sampled_from(["a", "b", None]),
    st.sampled_from(["a", "b", None]),
    st.one_of(st.none(), st.integers(0, 9).map(float)),
    st.sampled_from([True, True, False, None]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(records, max_size=25), st.lists(st.integers(0, 25), max_size=5), st.booleans())
def test_as_the_reference(items: list[Item], cuts: list[int], hurry: bool) -> None:
    items = sorted(items, key=lambda item: item[1]["time"]) if hurry else items
    items = [(schema, dict(record, number=i)) for i, (schema, record) in enumerate(items)]
    want = reference(items)
    for ends in ([], sorted({min(c, len(items)) for c in cuts}), list(range(1, len(items)))):
        assert run(items, ends) == want, ends


def test_what_is_left_is_forgotten_with_its_locality() -> None:
    engine = engine_of(ASKS, ASKING, TOLD)
    (table,) = {name for name in engine.plan.left if name.startswith("last of told where")}
    week = timedelta(days=8)
    state: State = {}
    for number, (place, time) in enumerate([("P", START), ("Q", START + week)]):
        record = {"time": time, "place": place, "number": number, "key": "a", "other": None, "x": 1.0, "counts": True}
        batch = frame(TOLD, [dict(record, capture=None, frames=None)], [number])
        broker = pl.lit(int(time.timestamp() * 1e6), dtype=pl.Int64).alias("_broker")
        state = engine.step(state, {TOLD.name: batch.with_columns(broker)}).state
    assert state[table]["place"].to_list() == ["Q"]


def test_records_that_never_meet_are_refused() -> None:
    apart = replace(ASKS, record=CAM, kind=Remembering(lambda p, site: Firing(pl.lit(True), (X,))))
    with pytest.raises(ConfigFault, match="never meets"):
        make_plan([apart], [CAM, TOLD], Site())
