"""A hundred thousand random and mutated records at every decoder: records that fit their schema, refusals, and nothing else."""

import io
import json
import random
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ingest.can import read_candump
from ingest.source import Item, Record, Refused, deadletter
from ingest.table import read_table
from ingest.tap import TapOptions
from ingest.tap.blocks import Blocks
from ingest.tap.decode import decode_block
from ingest.tap.tshark import dissect_command
from ingest.v2x import decode_ode
from schemas.records import ALL, DEADLETTER
from schemas.types import ListOf, Scalar, Schema
from schemas.wire import HEADER, MARKER, REASONS, Decoder, Undecodable, encode
from tests.property.mutation import mutants
from tests.unit.test_tap_fuzz import everything

if TYPE_CHECKING:
    pass

COUNT = 100_000

_VALUES: dict[Scalar, Sequence[Any]] = {
    Scalar.STRING: ("", "x", "10.0.0.1", "\u00e4\u4e2d\U0001f600", "a" * 300),
    Scalar.INT: (0, 1, -1, 2**31 - 1, -(2**31), 300),
    Scalar.LONG: (0, -1, 2**63 - 1, -(2**63), 70_000),
    Scalar.DOUBLE: (0.0, -1.5, 230.1, 1e308, float("inf"), float("nan")),
    Scalar.BOOL: (True, False),
    Scalar.BYTES: (b"", b"\x00\xff", b"x" * 100),
    Scalar.TIME: (0, 1_795_537_624_690_000, 7_258_118_399_999_999),
}


def seeds_of(schema: Schema, rng: random.Random) -> list[bytes]:
    """Sound messages of a record type, optional fields there and not."""

    def value(kind: Any) -> Any:
        if isinstance(kind, ListOf):
            return [rng.choice(_VALUES[kind.item]) for _ in range(rng.choice((0, 1, 3, 20)))]
        return rng.choice(_VALUES[kind])

    return [
        encode(schema, {f.name: None if f.nullable and rng.random() < 0.4 else value(f.type) for f in schema.fields})
        for _ in range(12)
    ]


@pytest.mark.parametrize("schema", ALL, ids=lambda s: s.name)
def test_wire(schema: Schema) -> None:
    decoder, seeds = Decoder(ALL), seeds_of(schema, random.Random(1))
    assert {decoder.decode(seed)[0] for seed in seeds} == {schema}
    verdicts: Counter[str] = Counter()
    for message in mutants(seeds, COUNT // len(ALL), seed=2):
        try:
            found, record = decoder.decode(message)
        except Undecodable as refused:
            assert refused.reason in REASONS
            verdicts[refused.reason] += 1
        else:
            # What was accepted can be written again.
            encode(found, record)
            verdicts["decoded"] += 1
    assert verdicts["decoded"] > 100
    assert verdicts["broken body"] > 100


def check(items: Iterable[Item]) -> Counter[str]:
    """Records fit their schema and refusals fit in a dead letter; counted by record type and reason."""
    counts: Counter[str] = Counter()
    for item in items:
        if isinstance(item, Record):
            encode(item.schema, item.fields)
            counts[item.schema.name] += 1
        else:
            assert isinstance(item, Refused)
            encode(DEADLETTER, deadletter(item, "test", 0))
            counts[item.reason] += 1
    return counts


METER_CSV = (
    b"2026-03-02T12:00:00Z,M1,T1,100.5,0.25,230.1,",
    b"2026-03-02T12:15:00+01:00,M2,T1,101.75,,,7",
    b'"2026-03-02 12:30:00Z","M;3",T2,0,1,1,1',
)
METER_JSON = (
    b'{"record": "meter_reading", "time": "2026-03-02T12:00:00Z", "meter": "M1", "transformer": "T1", "register_kwh": 1.5}',
    b'{"record": "meter_event", "time": 1795537624690000, "meter": "M1", "transformer": "T1", "profile": "dlms", "code": 44}',
    b'{"time": "2026-03-02T12:00:00Z", "headend": "h", "operator": "o", "host": "x", "meter": "M1", "command": "disconnect"}',
)


def test_meter_tables() -> None:
    header = b"time,meter,transformer,register_kwh,interval_kwh,voltage_v,status\n"
    lines = b"\n".join(mutants(METER_CSV, COUNT // 2, seed=4))
    assert check(read_table(io.BytesIO(header + lines)))["meter_reading"] > 1000
    lines = b"\n".join(mutants(METER_JSON, COUNT // 2, seed=5))
    assert check(read_table(io.BytesIO(METER_JSON[0] + b"\n" + lines)))["meter_reading"] > 100


CANDUMP = (
    b"(1795537624.690000) can0 123#DEADBEEF",
    b"(1795537624.690000) vcan1 18FEF100#0011223344556677 R",
    b"(1795537624.690000) can0 123##1AABBCCDD",
    b" can0  7DF   [8]  02 01 0C 00 00 00 00 00",
    b" (2026-03-02 12:00:00.000000)  can0  RX - -  123   [2]  AB CD   '..'",
    b"(000.100000) can0 123#R",
)


def test_candump() -> None:
    lines = b"\n".join(mutants(CANDUMP, COUNT, seed=6))
    assert check(read_candump(io.BytesIO(lines), "car"))["can_frame"] > 1000


def test_ode_messages() -> None:
    core = {
        "id": "A1B2", "msgCnt": 5, "secMark": 24_000, "position": {"latitude": 40.5, "longitude": -83.1}, "speed": 12.5,
        "heading": 90.0, "transmission": "FORWARDGEARS", "accelSet": {"accelLong": 0.5}, "size": {"width": 200, "length": 500},
        "accuracy": {"semiMajor": 2.0},
    }  # fmt: skip
    metadata = {
        "recordGeneratedAt": "2026-03-02T12:00:24.000Z[UTC]",
        "bsmSource": "RV",
        "securityResultCode": "success",
    }
    raw = {"id": "A1", "msgCnt": 1, "secMark": 100, "lat": 405000000, "long": -831000000, "speed": 500}
    seeds = [
        json.dumps({"metadata": {**metadata, **more}, "payload": {"data": {"coreData": data}}}).encode()
        for more, data in (({"schemaVersion": 6}, core), ({"schemaVersion": 1, "originIp": "10.0.0.9"}, raw))
    ]
    texts = (m.decode(errors="surrogateescape") for m in mutants(seeds, COUNT, seed=7))
    assert check(decode_ode(t.encode(errors="replace").decode(), "f", 1, "rsu") for t in texts)["cam"] > 1000


def test_tap_blocks(tmp_path: Path) -> None:
    capture = everything().write(tmp_path)
    output = subprocess.run([*dissect_command(TapOptions()), "-r", capture], capture_output=True, check=True).stdout
    blocks = [block for block in Blocks().feed(output) if block is not None]
    counts = check(item for block in mutants(blocks, COUNT, seed=8) for item in decode_block(block, "site"))
    assert counts["modbus"] > 100
    assert counts["iec104"] > 100
    assert counts["dnp3"] > 100
    assert counts["mms"] > 100
    assert counts["flow"] > 100


def test_the_marker_is_that_of_the_specification() -> None:
    """Avro 1.11, single-object encoding: C3 01 and eight bytes of fingerprint."""
    assert (MARKER, HEADER) == (b"\xc3\x01", 10)
