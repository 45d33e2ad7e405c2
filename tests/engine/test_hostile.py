"""Whatever a record holds within its schema: no rule gives null, nothing raises, and cuts change no alert."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detectors.catalog import DETECTORS
from detectors.detector import Detector, Step
from detectors.engine import Engine, State
from detectors.local import frame, make_engine
from detectors.plan import make_plan
from detectors.site import Site, parse_site
from schemas.records import BY_NAME, of_domain
from schemas.types import ListOf, Scalar, Schema
from tests.engine.examples import START

WORDS = [
    *("", "a", "b", "10.0.0.1", "10.0.0.66", "M1", "T1", "x" * 300, "\x00", "\u00e4|{}"),
    *("connect", "disconnect", "cover_removed", "strong_field_on", "power_down", "I", "U", "STARTDT act", "valid"),
]
TYPICAL = [0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 22, 23, 43, 45, 46, 47, 50, 58, 59, 100, 105, 900, 2404]
TIMES = [START + timedelta(seconds=s) for s in (0, 0.01, 0.02, 0.1, 1, 2, 5, 59, 60, 300, 900, 1800, 86_400, 4e6)]
SITE: dict[str, Any] = {
    "modbus": {
        "masters": ["10.0.0.1"],
        "writers": [{"client": "10.0.0.1", "unit": 1}],
        "points": [{"server": "a", "table": "holding", "first": 0, "last": 9, "writable": True, "low": 0, "high": 5}],
    },
    "iec104": {
        "masters": ["10.0.0.1"],
        "commands": [
            {"source": "a", "common_address": 1, "object_address": 1, "type_id": 50, "low": 0, "high": 1},
            {"source": "a", "common_address": 1, "object_address": 2, "type_id": 46, "select_before_operate": True},
        ],
    },
    "goose": {"publishers": [{"control_block": "a", "source_mac": "00:00:00:00:00:01", "appid": 1, "conf_rev": 1}]},
    "meters": {
        "feeders": {"a": 5},
        "visits": [{"kind": "meter", "name": "b", "start": START.isoformat(), "end": START.isoformat()}],
    },
    "homes": {"brokers": ["10.0.0.0/24"], "open_ports": [22]},
    "mobile": {
        "fixed_apns": ["a"],
        "destinations": {"a": ["10.0.0.1"]},
        "exchanges": [{"imsi": "b", "start": START.isoformat(), "end": START.isoformat()}],
    },
    "multicast": {"queriers": ["10.0.0.1"], "trunks": [{"switch": "a", "port": "b"}]},
    "iptv": {
        "sources": {"a": ["10.0.0.1"]},
        "changes": [{"group": "a", "start": START.isoformat(), "end": START.isoformat()}],
    },
}
PLAIN: dict[Scalar, st.SearchStrategy[Any]] = {
    Scalar.STRING: st.one_of(st.sampled_from(WORDS[1:3]), st.sampled_from(WORDS), st.text(max_size=5)),
    Scalar.INT: st.one_of(st.sampled_from(TYPICAL), st.integers(-(2**31), 2**31 - 1)),
    Scalar.LONG: st.one_of(st.sampled_from(TYPICAL), st.integers(-(2**63), 2**63 - 1)),
    Scalar.DOUBLE: st.one_of(st.sampled_from([0.0, 0.1, 1.0, 48.0, 230.0]), st.floats()),
    Scalar.BOOL: st.booleans(),
    Scalar.BYTES: st.binary(max_size=8),
    Scalar.TIME: st.one_of(
        st.sampled_from(TIMES), st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
    ),
}


def record_of(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    """Records within the schema; every optional field is absent now and then."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for f in schema.fields:
        value = st.lists(PLAIN[f.type.item], max_size=4) if isinstance(f.type, ListOf) else PLAIN[f.type]
        if f.name == schema.locality:
            value = st.just("a")
        fields[f.name] = st.one_of(value, st.none()) if f.nullable else value
    return st.fixed_dictionaries(fields)


Items = list[tuple[Schema, dict[str, Any]]]


def run(engine: Engine, items: Items, ends: list[int], broker: bool) -> list[str]:
    """Alert ids in order; with `broker`, the broker's time bounds event times."""
    state: State = {}
    out: list[str] = []
    for low, high in pairwise([0, *ends, len(items)]):
        batch: dict[str, pl.DataFrame] = {}
        for schema in {s.name: s for s, _ in items[low:high]}.values():
            at = [i for i in range(low, high) if items[i][0] is schema]
            records = frame(schema, [items[i][1] for i in at], at)
            if broker:
                now = int(START.timestamp() * 1e6)
                records = records.with_columns(pl.lit(now, dtype=pl.Int64).alias("_broker"))
            batch[schema.name] = records
        if not batch:
            continue
        outcome = engine.step(state, batch, tick=None)
        state = outcome.state
        if len(outcome.alerts):
            out += outcome.alerts["alert_id"].to_list()
            assert outcome.alerts.null_count().select("title", "observed", "expected", "first_time").row(0) == (0,) * 4
    return out


def together(detector: Detector, site: Site) -> tuple[str, ...]:
    """The record types that a detector sees: its own, and those of which it asks for the last record."""
    left = make_plan([detector], of_domain(detector.record.domain), site).left
    others = {t.record.name for t in left.values()} - {detector.record.name}
    if isinstance(detector.kind, Step) and detector.kind.beside is not None:
        others.add(detector.kind.beside[0].name)
    return (detector.record.name, *sorted(others))


SITES = (Site(), parse_site({"name": "known", **SITE}, "test"))
CASES = [
    pytest.param(names, site, id=f"{'+'.join(names)}, {'site known' if site.name == 'known' else 'no site file'}")
    for site in SITES
    for names in sorted({together(d, site) for d in DETECTORS} | {(d.record.name,) for d in DETECTORS})
]


@pytest.mark.parametrize(("names", "site"), CASES)
def test_hostile_records(names: tuple[str, ...], site: Site) -> None:
    schemas = [BY_NAME[name] for name in names]
    engine = make_engine(schemas[0].domain, [d for d in DETECTORS if d.record is schemas[0]], site)
    item = st.one_of([st.tuples(st.just(schema), record_of(schema)) for schema in schemas])

    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(st.lists(item, min_size=1, max_size=14), st.lists(st.integers(0, 14), max_size=4), st.booleans())
    def same_alerts(items: Items, cuts: list[int], broker: bool) -> None:
        # Disorder beyond the engine's slack may meet state that is gone; files keep theirs.
        items = sorted(items, key=lambda i: i[1]["time"]) if broker else items
        whole = run(engine, items, [], broker)
        ends = sorted({min(c, len(items)) for c in cuts})
        assert sorted(run(engine, items, ends, broker)) == sorted(whole)

    same_alerts()
