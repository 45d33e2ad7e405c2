"""A site's own rules: what they fire on, the same alerts wherever the stream is cut, and what is refused where."""

import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import detectors.rules.examples
from detectors.catalog import of_domain
from detectors.local import make_engine
from detectors.rules.compile import compiled
from detectors.site import Site, load_site, parse_site, read_rules
from jobs.command.root import run as command
from schemas.errors import ConfigFault
from schemas.records import BY_NAME
from schemas.types import Domain
from tests.engine.examples import filled
from tests.engine.test_detectors import ids, run
from tests.engine.test_hostile import record_of
from tests.engine.test_hostile import run as hostile_run

PACK = Path(detectors.rules.examples.__file__).parent


def plain(record: str, selection: str, **more: Any) -> dict[str, str]:
    rule = {
        "title": "a rule",
        "name": "it",
        "logsource": {"product": "gridwatch", "category": record},
        "detection": {"s": yaml.safe_load(selection), "condition": "s"},
        "level": "high",
        **more,
    }
    return {"it.yml": yaml.safe_dump(rule)}


def alerts(files: dict[str, str], records: list[dict[str, Any]], record: str) -> int:
    """Alerts of rules over records of one type, or several where each names its own; the same wherever cut."""
    rules = compiled(files)
    told = 0
    for rule in rules:
        whole = [(BY_NAME[r.get("record", record)], {k: v for k, v in r.items() if k != "record"}) for r in records]
        made = [(schema, filled(schema, fields)) for schema, fields in whole]
        got = ids(run(rule, Site(), made, []))
        told += len(got)
        for seed in range(3):
            cuts = (
                sorted(random.Random(seed).sample(range(1, len(made)), min(3, len(made) - 1))) if len(made) > 1 else []
            )
            assert ids(run(rule, Site(), made, cuts)) == got
    return told


@pytest.mark.parametrize(
    ("selection", "fields", "fires"),
    [
        ("{source: 10.0.0.1}", {"source": "10.0.0.1"}, True),
        ("{control: startdt*}", {"control": "STARTDT act"}, True),
        ("{control|cased: startdt*}", {"control": "STARTDT act"}, False),
        ("{control|startswith: START}", {"control": None}, False),
        ("{control|contains: [A, B]}", {"control": "xBx"}, True),
        ("{control|contains|all: [A, B]}", {"control": "xBx"}, False),
        ("{control|endswith: con}", {"control": "TESTFR con"}, True),
        ("{control|re: '^TEST.*con$'}", {"control": "TESTFR con"}, True),
        ("{source|cidr: 10.0.0.0/8}", {"source": "10.2.3.4"}, True),
        ("{source|cidr: 10.0.0.0/8}", {"source": "11.2.3.4"}, False),
        ("{source|cidr: 'fd00::/8'}", {"source": "fd00::1"}, True),
        ("{type_id: [45, 46]}", {"type_id": 46}, True),
        ("{type_id: 45}", {"type_id": None}, False),
        ("{type_id: null}", {"type_id": None}, True),
        ("{type_id|exists: false}", {"type_id": 3}, False),
        ("{value|gt: 1.5}", {"value": 1.6}, True),
        ("{value|lte: 1.5}", {"value": None}, False),
        ("{negative: true}", {"negative": True}, True),
        ("{source|fieldref: destination}", {"source": "a", "destination": "a"}, True),
        ("{time|hour: 12}", {"time": 0}, True),
        ("{frames: 7}", {"frames": [1, 7]}, True),
        ("{frames|gt: 7}", {"frames": None}, False),
        ("[{type_id: 1}, {type_id: 2}]", {"type_id": 2}, True),
        ("{source: '10.0.?.1'}", {"source": "10.0.5.1"}, True),
        ("{source: 10.0.*.1}", {"source": "10x0.5.1"}, False),
    ],
)
def test_conditions(selection: str, fields: dict[str, Any], fires: bool) -> None:
    assert alerts(plain("iec104", selection), [fields], "iec104") == fires


def test_not_one_of_all_of() -> None:
    rule = plain("iec104", "{type_id: 45}")
    text = yaml.safe_load(rule["it.yml"])
    text["detection"] |= {"f1": {"source": "a"}, "f2": {"source": None}, "condition": "s and not 1 of f*"}
    files = {"it.yml": yaml.safe_dump(text)}
    assert alerts(files, [{"type_id": 45, "source": "b"}], "iec104") == 1
    assert alerts(files, [{"type_id": 45, "source": "a"}], "iec104") == 0


BASES = """
title: opened
name: opened
logsource: {product: gridwatch, category: meter_event}
detection: {s: {meaning: cover_removed}, condition: s}
---
title: cleared
name: cleared
logsource: {product: gridwatch, category: meter_event}
detection: {s: {meaning: log_cleared}, condition: s}
---
title: low
name: low
logsource: {product: gridwatch, category: meter_reading}
detection: {s: {voltage_v|lt: 100}, condition: s}
---
"""


def correlation(kind: str, rules: str, condition: str = "", by: str = "[meter]", span: str = "10m") -> dict[str, str]:
    more = f", condition: {condition}" if condition else ""
    head = f"type: {kind}, rules: {rules}, group-by: {by}, timespan: {span}{more}"
    return {"c.yml": f"{BASES}title: c\nname: c\ncorrelation: {{{head}}}\nlevel: high\n"}


def event(time: float, meter: str, meaning: str = "cover_removed") -> dict[str, Any]:
    return {"record": "meter_event", "time": time, "meter": meter, "transformer": "T", "meaning": meaning}


def low(time: float, meter: str) -> dict[str, Any]:
    return {"record": "meter_reading", "time": time, "meter": meter, "transformer": "T", "voltage_v": 50.0}


def test_event_count() -> None:
    files = correlation("event_count", "[opened]", "{gte: 3}")
    # The rules that no correlation names have alerts of their own.
    files = {"c.yml": files["c.yml"].replace("voltage_v|lt: 100", "voltage_v|lt: 1").replace("log_cleared", "never")}
    assert alerts(files, [event(t, "M1") for t in (0, 100, 200)], "meter_event") == 1
    assert alerts(files, [event(t, "M1") for t in (0, 100, 701)], "meter_event") == 0
    assert alerts(files, [event(t, f"M{t}") for t in (0, 100, 200)], "meter_event") == 0


def test_value_count() -> None:
    files = correlation("value_count", "[opened, cleared]", "{field: meter, gt: 2}", by="[transformer]")
    files = {"c.yml": files["c.yml"].replace("voltage_v|lt: 100", "voltage_v|lt: 1")}
    assert alerts(files, [event(t, f"M{t}") for t in (0, 100, 200)], "meter_event") == 1
    assert alerts(files, [event(t, "M1") for t in (0, 100, 200)], "meter_event") == 0


@pytest.mark.parametrize(
    ("kind", "records", "told"),
    [
        ("temporal", [low(0, "M1"), event(60, "M1")], 1),
        ("temporal", [event(0, "M1"), low(60, "M1")], 1),
        ("temporal", [event(0, "M1"), low(60, "M2")], 0),
        ("temporal", [event(0, "M1"), low(601, "M1")], 0),
        ("temporal_ordered", [event(0, "M1"), low(60, "M1")], 1),
        ("temporal_ordered", [low(0, "M1"), event(60, "M1")], 0),
        ("temporal_ordered", [event(0, "M1"), low(601, "M1")], 0),
    ],
)
def test_temporal_over_two_record_types(kind: str, records: list[dict[str, Any]], told: int) -> None:
    files = correlation(kind, "[opened, low]")
    assert alerts({"c.yml": files["c.yml"].replace("log_cleared", "never")}, records, "meter_event") == told


def test_a_chain_of_three() -> None:
    files = correlation("temporal_ordered", "[opened, cleared, low]")
    chain = [event(0, "M1"), event(60, "M1", "log_cleared"), low(120, "M1")]
    assert alerts(files, chain, "meter_event") == 1
    assert alerts(files, [chain[1], chain[0], chain[2]], "meter_event") == 0
    assert alerts(files, [event(0, "M1"), event(300, "M1", "log_cleared"), low(700, "M1")], "meter_event") == 0
    again = [event(0, "M1"), event(300, "M1"), event(320, "M1", "log_cleared"), low(700, "M1")]
    assert alerts(files, again, "meter_event") == 1


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        ({"        source": "        source_x"}, 8, "no field source_x"),
        ({"        source:": "        source|base64offset:"}, 8, "does not fit|not supported|never"),
        ({"        source:": "        source|sauce:"}, 8, "sauce"),
        ({"        source: 10.0.0.1": "        type_id: many"}, 8, "does not fit"),
        ({"        source: 10.0.0.1": "        source|re: '('"}, 8, "egular expression"),
        ({"iec104": "iec105"}, 5, "no record type iec105"),
        ({"condition: s": "condition: s and q"}, 9, "q"),
        ({"entity: source": "entity: sauce"}, 13, "no field sauce"),
        ({"entity: source": "entry: source"}, 13, "unknown key entry"),
        ({"product: gridwatch": "product: windows"}, 4, "windows"),
        ({"sg-17": "sg-99"}, 11, "no threat sg-99"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(change: dict[str, str], line: int, says: str) -> None:
    text = """title: a
name: a
logsource:
    product: gridwatch
    category: iec104
detection:
    s:
        source: 10.0.0.1
    condition: s
level: low
tags: [gridwatch.sg-17]
gridwatch:
    entity: source
"""
    assert compiled({"a.yml": text})
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(ConfigFault) as told:
        compiled({"a.yml": text})
    assert f"a.yml:{line}" in told.value.what
    assert any(word in told.value.what for word in says.split("|"))


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (correlation("value_avg", "[opened]", "{field: code, gte: 3}"), "value_avg"),
        (correlation("event_count", "[opened]", "{lt: 3}"), "lt is not supported"),
        (correlation("event_count", "[opened, low]", "{gte: 3}"), "several types"),
        (correlation("event_count", "[opened]", "{gte: 3}", by="[metre]"), "no field metre"),
        (correlation("event_count", "[opend]", "{gte: 3}"), "opend"),
        (correlation("event_count", "[opened]", "{gte: 3}", span="90d"), "timespan"),
        ({"a.yml": "title: [\n"}, "not YAML"),
        ({"a.yml": "- 1\n"}, "not a rule"),
        ({"a.yml": "title: x\n"}, "a.yml:1"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(files: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigFault, match=says):
        compiled(files)


KEYS = ["title", "detection", "logsource", "condition", "s", "correlation", "rules", "type", "category", "x|re"]
NODES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.sampled_from(KEYS), below, max_size=6),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300) | NODES.map(yaml.safe_dump))
def test_no_text_brings_the_compiler_down(text: str) -> None:
    try:
        compiled({"a.yml": text})
    except ConfigFault as fault:
        assert "a.yml" in fault.what


def test_the_pack_is_sound_and_runs_beside_the_catalogue(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["rules", "example", str(tmp_path / "rules")]) == 0
    assert command(["rules", "check", str(tmp_path / "rules")]) == 0
    assert "rules are sound" in capsys.readouterr().out
    assert command(["rules", "example", str(tmp_path / "rules")]) == 2
    site = tmp_path / "site.yaml"
    site.write_text("rules: rules\ndisabled: {rule_many_writes: not here}\n")
    facts = load_site(site)
    assert set(facts.rule_files) == {p.name for p in PACK.glob("*.yml")}
    names = {d.id for domain in Domain for d in of_domain(domain, facts)}
    assert {"rule_setpoint_beyond_range", "rule_night_disconnect", "rule_cover_then_cleared"} <= names
    assert Site.model_validate_json(facts.model_dump_json()) == facts
    site.write_text("rule_files: {a: b}\n")
    with pytest.raises(ConfigFault, match="unknown key"):
        load_site(site)
    (tmp_path / "rules" / "bad.yml").write_text(
        "title: x\nlogsource: {category: modbus}\ndetection: {s: {functio: 1}, condition: s}\n"
    )
    assert command(["rules", "check", str(tmp_path / "rules")]) == 3
    told = capsys.readouterr().err
    assert "bad.yml:3" in told and "function" in told


@pytest.mark.parametrize("name", ["iec104", "headend_command", "modbus", "meter_event"])
def test_rules_of_the_pack_give_no_null_on_hostile_records(name: str) -> None:
    schema = BY_NAME[name]
    rules = [d for d in compiled(read_rules(PACK)) if d.record is schema]
    engine = make_engine(schema.domain, rules, parse_site({}, "test"))

    @settings(max_examples=40, deadline=None)
    @given(st.lists(record_of(schema), min_size=1, max_size=10))
    def quiet(records: list[dict[str, Any]]) -> None:
        hostile_run(engine, [(schema, record) for record in records], [], False)

    quiet()
