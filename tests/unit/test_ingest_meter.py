"""The head-end tables: what is read, what is refused and why."""

import gzip
import io
import json
from collections.abc import Iterable
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.lines import MAX_LINE, uncompressed
from ingest.meter_events import DLMS, UnknownEvent, meaning_of
from ingest.source import Item, Record, Refused
from ingest.table import read_table
from schemas.records import HEADEND_COMMAND, METER_EVENT, METER_READING
from schemas.wire import encode

HEADER = "time,meter,transformer,register_kwh,voltage_v"
ROW = "2026-01-01T00:15:00Z,m1,t1,12.5,230.1"


def items(text: str | bytes, **arguments: object) -> list[Item]:
    data = text.encode() if isinstance(text, str) else text
    return list(read_table(io.BytesIO(data), "meters.csv", **arguments))  # type: ignore[arg-type]


def one(text: str, **arguments: object) -> Item:
    (item,) = items(text, **arguments)
    return item


def reasons(found: Iterable[Item]) -> list[str]:
    return [item.reason for item in found if isinstance(item, Refused)]


def test_a_csv_line_is_a_reading_with_its_line_number() -> None:
    item = one(f"{HEADER}\n{ROW}\n")
    assert item == Record(
        METER_READING,
        {
            "time": 1_767_226_500_000_000,
            "meter": "m1",
            "transformer": "t1",
            "register_kwh": 12.5,
            "voltage_v": 230.1,
            "capture": "meters.csv",
            "frames": [2],
        },
    )
    assert encode(METER_READING, item.fields)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_seen_in_the_header(delimiter: str) -> None:
    text = f"{HEADER}\n\n{ROW}\n".replace(",", delimiter)
    item = one(text)
    assert isinstance(item, Record)
    assert item.fields["frames"] == [3]


def test_json_lines_may_mix_the_three_records() -> None:
    lines = [
        {"time": "2026-01-01T00:15:00+01:00", "meter": "m1", "transformer": "t1", "register_kwh": 3, "interval_s": 900},
        {"time": "2026-01-01T00:15:00Z", "meter": "m1", "transformer": "t1", "code": 44, "profile": "dlms"},
        {
            "record": "headend_command",
            "time": "2026-01-01T00:15:00Z",
            "headend": "h1",
            "operator": "o",
            "host": "10.0.0.1",
            "meter": "m1",
            "command": "disconnect",
            "work_order": None,
        },
    ]
    found = items("\n".join(json.dumps(line) for line in lines))
    assert [item.schema for item in found if isinstance(item, Record)] == [METER_READING, METER_EVENT, HEADEND_COMMAND]
    for item in found:
        assert isinstance(item, Record)
        encode(item.schema, item.fields)
    event = cast(Record, found[1]).fields
    assert (event["profile"], event["meaning"]) == ("dlms", "cover_removed")


def test_columns_are_renamed_and_left_out() -> None:
    item = one(
        "Zeit,Zaehler,trafo,stand,Kunde\n2026-01-01T00:15:00Z,m1,t1,5,Alice\n",
        rename={"Zeit": "time", "Zaehler": "meter", "trafo": "transformer", "stand": "register_kwh", "Kunde": ""},
    )
    assert isinstance(item, Record)
    assert item.fields["meter"] == "m1"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2026-01-01T00:15:00,m1,t1,12.5,230", "type"),
        ("yesterday,m1,t1,12.5,230", "type"),
        ("0001-01-01T00:00:00+23:59,m1,t1,12.5,230", "range"),
        ("9999-12-31T23:59:59-23:59,m1,t1,12.5,230", "range"),
        ("2026-01-01T00:15:00Z,,t1,12.5,230", "missing"),
        ("2026-01-01T00:15:00Z,m1,t1,nan,230", "type"),
        ("2026-01-01T00:15:00Z,m1,t1,1_000,230", "type"),
        ("2026-01-01T00:15:00Z,m1,t1,1e12,230", "range"),
        ("2026-01-01T00:15:00Z,m1,t1,1,-3", "range"),
        ("2026-01-01T00:15:00Z,m\x07,t1,1,230", "type"),
        ("2026-01-01T00:15:00Z," + "m" * 300 + ",t1,1,230", "range"),
        ("2026-01-01T00:15:00Z,m1,t1,1", "malformed"),
        ('2026-01-01T00:15:00Z,"m1,t1,1,230', "malformed"),
        ("x" * (MAX_LINE + 10), "oversized"),
    ],
)
def test_a_bad_csv_line_is_refused_and_the_next_one_read(line: str, reason: str) -> None:
    found = items(f"{HEADER}\n{line}\n{ROW}\n")
    assert reasons(found) == [reason]
    refused, good = found
    assert isinstance(refused, Refused)
    assert (refused.capture, refused.frame) == ("meters.csv", 2)
    assert isinstance(good, Record)
    assert good.fields["frames"] == [3]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "malformed"),
        ("[" * 100_000, "malformed"),
        ('{"time": NaN}', "malformed"),
        ('{"code": ' + "1" * 5000 + "}", "malformed"),
        ('{"record": "alert"}', "unknown record"),
        ('{"record": 7}', "unknown record"),
        ('{"time": "2026-01-01T00:00:00Z"}', "unknown record"),
        ('{"code": 1, "register_kwh": 2}', "unknown record"),
        ('{"code": 1, "colour": 2}', "unknown field"),
        ('{"code": 1, "meter": 5, "time": "2026-01-01T00:00:00Z", "transformer": "t"}', "type"),
        ('{"code": 1.5, "meter": "m", "time": "2026-01-01T00:00:00Z", "transformer": "t"}', "type"),
        ('{"code": true, "meter": "m", "time": "2026-01-01T00:00:00Z", "transformer": "t"}', "type"),
        ('{"code": 999, "meter": "m", "time": "2026-01-01T00:00:00Z", "transformer": "t"}', "unknown code"),
        ('{"code": 62, "meter": "m", "time": "2026-01-01T00:00:00Z", "transformer": "t"}', "ambiguous code"),
        (
            '{"code": 62, "profile": "x", "meter": "m", "time": "2026-01-01T00:00:00Z", "transformer": "t"}',
            "unknown profile",
        ),
        (
            '{"command": "explode", "meter": "m", "time": "2026-01-01T00:00:00Z",'
            ' "headend": "h", "operator": "o", "host": "h"}',
            "range",
        ),
    ],
)
def test_a_bad_json_line_is_refused(line: str, reason: str) -> None:
    good = json.dumps({"time": "2026-01-01T00:15:00Z", "meter": "m", "transformer": "t", "register_kwh": 1})
    found = items(f"{good}\n{line}\n{good}\n")
    assert reasons(found) == [reason]
    assert len(found) == 3


@pytest.mark.parametrize(
    "header",
    ["a,b,c", "time,meter", "time,time,meter,transformer,register_kwh", "register_kwh,code", ",".join("x" * 99)],
)
def test_under_a_wrong_header_every_line_is_refused(header: str) -> None:
    found = items(f"{header}\n{ROW}\n{ROW}\n")
    assert len(found) == 3
    assert reasons(found)[1:] == ["header", "header"]


def test_gzip_is_recognised_and_its_damage_is_said() -> None:
    packed = gzip.compress(f"{HEADER}\n{ROW}\n".encode())
    whole = list(read_table(uncompressed(cast(BinaryIO, io.BufferedReader(io.BytesIO(packed))))))  # type: ignore[arg-type]
    assert len(whole) == 1
    assert isinstance(whole[0], Record)
    cut = list(read_table(uncompressed(cast(BinaryIO, io.BufferedReader(io.BytesIO(packed[:-12]))))))  # type: ignore[arg-type]
    assert reasons(cut) == ["damaged gzip"]


def test_the_profile_of_the_user_decodes_events_without_one() -> None:
    line = '{"code": 62, "meter": "m", "time": "2026-01-01T00:00:00Z", "transformer": "t"}'
    item = one(line, profile="dlms")
    assert isinstance(item, Record)
    assert item.fields["meaning"] == "remote_disconnect"
    item = one(line, profile="is15959")
    assert isinstance(item, Record)
    assert item.fields["meaning"] == "current_open_end"


def test_codes_of_one_profile_alone_need_no_profile() -> None:
    assert meaning_of(44, None) == ("dlms", DLMS[44])
    with pytest.raises(UnknownEvent, match="ambiguous"):
        meaning_of(7, None)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_never_raise(data: bytes) -> None:
    for start in (b"", f"{HEADER}\n".encode(), b'{"code": 1}\n'):
        for item in read_table(io.BytesIO(start + data)):
            if isinstance(item, Record):
                encode(item.schema, item.fields)
