"""The contract: golden projections, the wire format, evolution and refusal.

`GOLDEN=write pytest tests/unit/test_schemas.py` writes the golden files anew: a difference in them is a change of
the contract, to be read by eye.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from schemas.project.arrow import to_arrow
from schemas.project.avro import avro_json, to_avro
from schemas.project.postgres import create_table
from schemas.project.spark import to_spark
from schemas.records import ALERT, ALL, BY_NAME, DETECTED, METER_READING, TELEMETRY, of_domain
from schemas.types import MAX_BYTES, MAX_MESSAGE, Domain, Field, ListOf, Scalar, Schema
from schemas.wire import Decoder, Undecodable, compatible_reader, encode, fingerprint, fingerprint_of

GOLDEN = Path(__file__).parent.parent / "golden"
TIME = datetime(2026, 3, 2, 12, 0, 0, 250, tzinfo=UTC)
SAMPLE: dict[Scalar, Any] = {
    Scalar.STRING: "größe",
    Scalar.INT: -7,
    Scalar.LONG: 2**40,
    Scalar.DOUBLE: 1.25,
    Scalar.BOOL: True,
    Scalar.BYTES: b"\x00\xff",
    Scalar.TIME: TIME,
}


def sample(schema: Schema, optional: bool) -> dict[str, Any]:
    """A record with every field, or with the required ones alone."""
    record: dict[str, Any] = {}
    for f in schema.fields:
        value = [SAMPLE[f.type.item]] * 2 if isinstance(f.type, ListOf) else SAMPLE[f.type]
        record[f.name] = value if optional or not f.nullable else None
    return record


def projections(schema: Schema) -> dict[str, str]:
    """File name -> text of each projection that is kept as a golden file."""
    return {
        f"{schema.name}.avsc": json.dumps(to_avro(schema), indent=1, ensure_ascii=False) + "\n",
        f"{schema.name}.sql": create_table(schema, ()),
        f"{schema.name}.arrow.txt": to_arrow(schema).to_string(show_schema_metadata=False, show_field_metadata=False)
        + "\n",
        f"{schema.name}.spark.json": json.dumps(json.loads(to_spark(schema).json()), indent=1, ensure_ascii=False)
        + "\n",
    }


@pytest.mark.parametrize("schema", ALL, ids=lambda s: s.name)
def test_projections_are_the_golden_ones(schema: Schema) -> None:
    for name, text in projections(schema).items():
        path = GOLDEN / name
        if os.environ.get("GOLDEN") == "write":
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, f"{name}: the contract changed; GOLDEN=write accepts it"


@pytest.mark.parametrize("schema", ALL, ids=lambda s: s.name)
@pytest.mark.parametrize("optional", [True, False])
def test_round_trip(schema: Schema, optional: bool) -> None:
    record = sample(schema, optional)
    assert Decoder(ALL).decode(encode(schema, record)) == (schema, record)


@pytest.mark.parametrize("schema", ALL, ids=lambda s: s.name)
def test_arrow_holds_what_the_wire_carries(schema: Schema) -> None:
    table = pa.Table.from_pylist([sample(schema, True), sample(schema, False)], schema=to_arrow(schema))
    assert table.to_pylist() == [sample(schema, True), sample(schema, False)]


@pytest.mark.parametrize("schema", ALL, ids=lambda s: s.name)
def test_every_field_says_what_it_means(schema: Schema) -> None:
    for f in schema.fields:
        assert len(f.says) > 5
        if f.name.endswith(("_kwh", "_v", "_a", "_hz", "_ms", "_m", "_deg", "_ms2", "_s")):
            assert f.unit, f"{schema.name}.{f.name} has no unit"


def test_telemetry_ends_with_its_origin() -> None:
    for schema in TELEMETRY:
        assert schema.fields[0].name == "time"
        assert schema.names[-2:] == ("capture", "frames")
    assert [s for d in Domain for s in of_domain(d)] == sorted(DETECTED, key=lambda s: list(Domain).index(s.domain))
    assert of_domain(Domain.CORRELATION) == (ALERT,)
    assert set(BY_NAME) == {s.name for s in ALL}


def test_fingerprint_is_the_little_endian_rabin_of_the_canonical_form() -> None:
    # Avro specification 1.11, "Schema fingerprints": the fingerprint of the primitive "null" is 63DD24E7CC258F8A.
    assert fingerprint_of('"null"') == bytes.fromhex("63dd24e7cc258f8a")[::-1]
    assert len({fingerprint(s) for s in ALL}) == len(ALL)


def later(schema: Schema, *fields: Field) -> Schema:
    """A later version of a schema: with fields before the origin's end."""
    return Schema(
        schema.name,
        schema.domain,
        schema.says,
        (*schema.fields, *fields),
        schema.locality,
        schema.identity,
        schema.version + 1,
    )


def test_a_later_writer_with_one_more_nullable_field_is_read() -> None:
    newer = later(METER_READING, Field("phase", Scalar.STRING, "phase of the reading", nullable=True))
    message = encode(newer, sample(newer, True))
    reader = Decoder(TELEMETRY)
    with pytest.raises(Undecodable, match="unknown fingerprint"):
        reader.decode(message)
    assert reader.announce(avro_json(newer)) is METER_READING
    assert reader.decode(message) == (METER_READING, sample(METER_READING, True))


def test_an_earlier_writer_without_a_nullable_field_is_read() -> None:
    fewer = Schema(
        METER_READING.name,
        METER_READING.domain,
        METER_READING.says,
        tuple(f for f in METER_READING.fields if f.name != "status"),
        METER_READING.locality,
        METER_READING.identity,
    )
    reader = Decoder(TELEMETRY)
    reader.announce(avro_json(fewer))
    schema, record = reader.decode(encode(fewer, sample(fewer, True)))
    assert schema is METER_READING
    assert record == {**sample(METER_READING, True), "status": None}


def test_an_incompatible_writer_is_refused_with_the_field() -> None:
    without = json.loads(avro_json(METER_READING))
    without["fields"] = [f for f in without["fields"] if f["name"] != "meter"]
    with pytest.raises(ValueError, match="required field meter"):
        compatible_reader(json.dumps(without), TELEMETRY)
    other = json.loads(avro_json(METER_READING))
    other["fields"][1]["type"] = "bytes"
    with pytest.raises(ValueError, match="field meter"):
        compatible_reader(json.dumps(other), TELEMETRY)
    other["name"] = "stranger"
    assert compatible_reader(json.dumps(other), TELEMETRY) is None


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"\xc3\x01", "not single-object Avro"),
        (b"{}" * 20, "not single-object Avro"),
        (b"\xc3\x01" + bytes(20), "unknown fingerprint"),
        (b"\xc3\x01" + bytes(MAX_MESSAGE), "oversized"),
        (b"\xc3\x01" + fingerprint(METER_READING), "broken body"),
        (encode(METER_READING, sample(METER_READING, True))[:-3], "broken body"),
        (encode(METER_READING, sample(METER_READING, True)) + b"x", "broken body"),
        (encode(METER_READING, {**sample(METER_READING, True), "meter": "m" * (MAX_BYTES + 1)}), "broken body"),
        (encode(METER_READING, {**sample(METER_READING, True), "frames": [1] * 5000}), "broken body"),
    ],
)
def test_refusals(message: bytes | None, reason: str) -> None:
    with pytest.raises(Undecodable) as refused:
        Decoder(TELEMETRY).decode(message)
    assert refused.value.reason == reason


def test_encode_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="meter_reading"):
        encode(METER_READING, {"meter": "M1"})
    with pytest.raises(ValueError, match="meter_reading"):
        encode(METER_READING, {**sample(METER_READING, True), "register_kwh": "much"})


def test_a_schema_is_checked_when_it_is_written() -> None:
    time = Field("time", Scalar.TIME, "time of the record")
    with pytest.raises(ValueError, match="twice"):
        Schema("x", Domain.METER, "x", (time, time), "time", ())
    with pytest.raises(ValueError, match="place"):
        Schema("x", Domain.METER, "x", (time,), "place", ())
