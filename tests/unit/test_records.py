"""The documented contract: every record type's example is a line that the table source reads."""

import io
import json

import pytest

from ingest.source import Record
from ingest.table import read_table
from jobs import records
from jobs.command.root import run
from schemas.records import TELEMETRY
from schemas.types import Schema
from schemas.wire import encode


@pytest.mark.parametrize("schema", TELEMETRY, ids=lambda s: s.name)
def test_the_example_is_read(schema: Schema) -> None:
    (item,) = read_table(io.BytesIO(records.line(schema).encode()))
    assert isinstance(item, Record), item
    assert item.schema is schema
    encode(schema, item.fields)


@pytest.mark.parametrize("schema", TELEMETRY, ids=lambda s: s.name)
def test_a_page_shows_every_field_and_the_example(schema: Schema, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["records", schema.name]) == 0
    out = capsys.readouterr().out
    assert json.loads(out.splitlines()[-2]) == records.example(schema)
    assert "(key)" in out


def test_the_overview_names_every_type(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run(["records"]) == 0
    out = capsys.readouterr().out
    assert all(schema.name in out for schema in TELEMETRY)


def test_json_holds_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["records", "--json"]) == 0
    shown = {page["record"]: page for page in json.loads(capsys.readouterr().out)["records"]}
    assert set(shown) == {schema.name for schema in TELEMETRY}
    command = {field["name"]: field for field in shown["headend_command"]["fields"]}
    assert "capture" not in command
    assert command["command"]["one_of"][:2] == ["connect", "disconnect"]
    assert command["work_order"]["needed"] is False
    reading = {field["name"]: field for field in shown["meter_reading"]["fields"]}
    assert (reading["power_factor"]["bounds"], reading["voltage_v"]["unit"]) == ([0, 1], "V")
    assert (shown["meter_reading"]["key"], shown["meter_reading"]["topic"]) == ("transformer", "telemetry.meter")


def test_a_domain_stands_for_its_types(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["records", "vehicle", "cam", "--json"]) == 0
    names = [page["record"] for page in json.loads(capsys.readouterr().out)["records"]]
    assert names == [schema.name for schema in TELEMETRY if schema.domain.value == "vehicle"]


def test_an_unknown_name_is_told_with_what_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["records", "meter_readin"]) == 2
    assert "meter_reading" in capsys.readouterr().err
