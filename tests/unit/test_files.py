"""Files are told by their content, and each kind is opened by its reader."""

import gzip
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.files import FileOptions, open_source
from ingest.lake import read_parquet
from ingest.recognise import Kind, recognise
from ingest.source import Record, Refused
from schemas.errors import ConfigFault, RunFault, UsageFault
from schemas.project.arrow import to_arrow
from schemas.records import CAN_FRAME, METER_READING, MODBUS
from schemas.wire import encode
from tests.unit.packets import Capture, Connection, modbus

READING = '{"time": "2026-01-01T00:00:00Z", "meter": "m1", "transformer": "t1", "register_kwh": 1.5}'
HEADER = "time,meter,transformer,register_kwh"

CONTENTS: dict[str, tuple[bytes, Kind]] = {
    "pcap": (Capture().bytes(), Kind.PCAP),
    "pcap, big-endian, nanoseconds": (b"\xa1\xb2\x3c\x4d" + bytes(20), Kind.PCAP),
    "pcapng": (b"\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1a", Kind.PCAPNG),
    "candump log": (b"(1436509052.249713) can0 123#112233\n", Kind.CANDUMP),
    "candump table": (b" (000.005001)  can0  18FEDF00   [8]  8A A0 28 7D 7D FF FF F5\n", Kind.CANDUMP),
    "candump table without times": (b"  can0  123   [2]  11 22\n", Kind.CANDUMP),
    "candump after a broken line": (b"garbage\n(1.5) vcan0 7FF#\n", Kind.CANDUMP),
    "CAN trace": (b"1483093132.049669        0380    000    8    30 bb 82 00 9d 53 00 81\n", Kind.CANDUMP),
    "ODE": (b'{"metadata":{"bsmSource":"RV"},"payload":{}}\n', Kind.ODE),
    "ODE, pretty": (b'{\n  "metadata": {\n    "bsmSource": "RV"\n', Kind.ODE),
    "JSON lines": (READING.encode() + b"\n", Kind.JSONL),
    "JSON lines that begin with a broken one": (b'{"time": \n' + READING.encode(), Kind.JSONL),
    "CSV": (HEADER.encode() + b"\n2026-01-01T00:00:00Z,m1,t1,1.5\n", Kind.CSV),
    "CSV with a byte order mark": (b"\xef\xbb\xbftime;meter\n", Kind.CSV),
    "tab-separated": (b"time\tmeter\n", Kind.CSV),
    "Parquet": (b"PAR1....", Kind.PARQUET),
}


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", CONTENTS)
def test_each_kind_by_its_content(name: str, compressed: bool, tmp_path: Path) -> None:
    content, kind = CONTENTS[name]
    path = tmp_path / "misleading.csv"
    path.write_bytes(gzip.compress(content) if compressed else content)
    if compressed and kind is Kind.PARQUET:
        with pytest.raises(UsageFault, match="Parquet inside gzip"):
            recognise(path)
    else:
        assert recognise(path) is kind


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "an empty file"),
        (b"PK\x03\x04....", r"starts with b'PK"),
        (b"hello world\n", "starts with b'hello world"),
        (b"\x7fELF\x00,,,", "ELF"),
        (b"\xff\xfe\x00\x01" * 100, "starts with"),
    ],
)
def test_anything_else_is_a_fault_that_says_what_was_seen(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(content)
    with pytest.raises(UsageFault, match=said):
        recognise(path)


def test_a_file_that_cannot_be_read_or_unpacked_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(RunFault, match=r"cannot read.*absent"):
        recognise(tmp_path / "absent")
    damaged = tmp_path / "damaged.gz"
    damaged.write_bytes(b"\x1f\x8b\x08\x00nonsense, not deflate")
    with pytest.raises(RunFault, match="damaged gzip"):
        recognise(damaged)


def test_a_gzip_bomb_is_looked_at_only_at_its_head(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(HEADER.encode() + b"\n" + b"0" * 200_000_000, 1))
    assert recognise(path) is Kind.CSV


def names(path: Path, options: FileOptions | None = None) -> list[str]:
    return [i.schema.name if isinstance(i, Record) else i.reason for i in open_source(path, "site-1", options)]


def test_open_source_reads_each_kind(tmp_path: Path) -> None:
    capture = Capture()
    connection = Connection(capture)
    connection.send(modbus(1, b"\x03\x00\x00\x00\x01"))
    packed = tmp_path / "a.bin"
    packed.write_bytes(gzip.compress(capture.bytes()))
    assert names(packed) == ["modbus"]

    log = tmp_path / "truck.log.gz"
    log.write_bytes(gzip.compress(CONTENTS["candump log"][0]))
    (frame,) = open_source(log, "site-1")
    assert isinstance(frame, Record)
    assert frame.schema is CAN_FRAME
    assert (frame.fields["vehicle"], frame.fields["capture"], frame.fields["frames"]) == ("truck", "truck.log.gz", [1])
    (frame,) = open_source(log, "site-1", FileOptions(vehicle="v7", can_start=1))
    assert isinstance(frame, Record)
    assert (frame.fields["vehicle"], frame.fields["time"]) == ("v7", 1_436_509_052_249_714)

    table = tmp_path / "export"
    table.write_bytes(CONTENTS["CSV"][0])
    lines = tmp_path / "export.json"
    lines.write_text(READING)
    assert names(table) == names(lines) == ["meter_reading"]

    ode = tmp_path / "ode"
    ode.write_bytes(CONTENTS["ODE"][0])
    assert names(ode) == ["not a BSM"]


def readings(count: int = 3) -> list[dict[str, Any]]:
    empty = dict.fromkeys(METER_READING.names)
    return [
        empty | {"time": n, "meter": f"m{n}", "transformer": "t", "register_kwh": float(n), "frames": [n + 1]}
        for n in range(count)
    ]


def parquet(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> Path:
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    return path


def test_parquet_gives_back_the_records_as_stored(tmp_path: Path) -> None:
    path = parquet(tmp_path / "lake.parquet", readings(10_000), to_arrow(METER_READING))
    items = list(open_source(path, "elsewhere"))
    assert [item.fields for item in items if isinstance(item, Record)] == readings(10_000)
    for item in items[:5]:
        assert isinstance(item, Record)
        assert item.schema is METER_READING
        encode(item.schema, item.fields)


def test_parquet_of_others_by_its_columns(tmp_path: Path) -> None:
    foreign = pa.schema(
        [
            ("hour", pa.int32()),
            ("register_kwh", pa.float32()),
            ("transformer", pa.large_string()),
            ("meter", pa.string()),
            ("time", pa.timestamp("ms")),
        ]
    )
    rows = [{"hour": 1, "register_kwh": 1.5, "transformer": "t", "meter": "m", "time": 7}]
    (record,) = read_parquet(parquet(tmp_path / "x.parquet", rows, foreign))
    assert isinstance(record, Record)
    assert record.schema is METER_READING
    assert record.fields == {"register_kwh": 1.5, "transformer": "t", "meter": "m", "time": 7_000}
    encode(METER_READING, record.fields)


def test_null_in_a_required_field_is_refused_and_the_rest_is_read(tmp_path: Path) -> None:
    loose = pa.schema([field.with_nullable(True) for field in to_arrow(METER_READING)])
    rows = readings()
    rows[1]["meter"] = None
    items = list(read_parquet(parquet(tmp_path / "x.parquet", rows, loose)))
    assert isinstance(items[1], Refused)
    assert (items[1].reason, items[1].detail, items[1].frame) == ("missing", "meter_reading: meter", 2)
    assert [isinstance(item, Record) for item in items] == [True, False, True]


def test_parquet_that_is_none_of_ours_is_a_fault(tmp_path: Path) -> None:
    strange = parquet(tmp_path / "a.parquet", [{"x": 1}], pa.schema([("x", pa.int8())]))
    with pytest.raises(ConfigFault, match="no record type has the columns x"):
        list(read_parquet(strange))
    typed = pa.schema([("time", pa.string()), *[(f.name, f.type) for f in to_arrow(METER_READING)][1:]])
    wrong = parquet(tmp_path / "b.parquet", [{**readings(1)[0], "time": "noon"}], typed)
    with pytest.raises(ConfigFault, match="column time"):
        list(read_parquet(wrong))
    with pytest.raises(RunFault, match="no sound Parquet file"):
        broken = tmp_path / "c.parquet"
        broken.write_bytes(b"PAR1 and nothing else PAR1")
        list(read_parquet(broken))


def test_damage_inside_a_parquet_file_ends_it_with_a_dead_letter(tmp_path: Path) -> None:
    path = parquet(tmp_path / "x.parquet", readings(50_000), to_arrow(METER_READING))
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 4_000] = b"\xa5" * 4_000
    path.write_bytes(bytes(data))
    *_, last = read_parquet(path)
    assert isinstance(last, Refused)
    assert (last.reason, last.capture) == ("damaged Parquet", "x.parquet")


def test_a_name_that_is_not_utf8_does_not_stop_a_record(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.pcap"))
    capture = Capture()
    Connection(capture).send(modbus(1, b"\x03\x00\x00\x00\x01"))
    path.write_bytes(capture.bytes())
    (record,) = open_source(path, "s")
    assert isinstance(record, Record)
    assert record.fields["capture"] == "caf?.pcap"
    encode(MODBUS, record.fields)
