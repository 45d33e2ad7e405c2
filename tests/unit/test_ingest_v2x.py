"""Basic safety messages of the ODE: units, times, receivers, and what is no BSM."""

import copy
import io
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.lines import open_text
from ingest.source import Item, Record, Refused
from ingest.v2x import decode_ode, listen_ode, read_ode
from schemas.errors import RunFault
from schemas.records import CAM
from schemas.wire import encode

BSM: dict[str, Any] = {
    "metadata": {
        "bsmSource": "RV",
        "securityResultCode": "success",
        "recordGeneratedAt": "2026-01-01T00:00:59.950Z",
        "originIp": "10.0.0.7",
        "schemaVersion": 6,
    },
    "payload": {
        "data": {
            "coreData": {
                "msgCnt": 5,
                "id": "A1B2C3D4",
                "secMark": 59900,
                "position": {"latitude": 40.5, "longitude": -105.25, "elevation": 1.0},
                "accelSet": {"accelLong": 0.5},
                "accuracy": {"semiMajor": 2.0, "semiMinor": 1.0},
                "transmission": "FORWARDGEARS",
                "speed": 12.5,
                "heading": 90.0,
                "size": {"width": 190, "length": 570},
            },
            "partII": [{"id": "SupplementalVehicleExtensions", "value": {"classification": 10}}],
        }
    },
}
NEW_YEAR = 1_767_225_600_000_000


def bsm(path: str = "", value: Any = None) -> dict[str, Any]:
    message = copy.deepcopy(BSM)
    parent: Any = message
    *way, last = path.split(".")
    for step in way:
        parent = parent[step]
    if last:
        parent[last] = value
    return message


def decoded(message: Any, receiver: str | None = None) -> dict[str, Any]:
    item = decode_ode(json.dumps(message), "f.json", 3, receiver)
    assert isinstance(item, Record), item
    encode(CAM, item.fields)
    return item.fields


def test_a_message_in_units_of_the_contract() -> None:
    assert decoded(BSM) == {
        "time": NEW_YEAR + 59_900_000,
        "receiver": "10.0.0.7",
        "station": "A1B2C3D4",
        "received": NEW_YEAR + 59_950_000,
        "station_type": 5,
        "message_count": 5,
        "latitude": 40.5,
        "longitude": -105.25,
        "position_confidence_m": pytest.approx(4.8954),
        "speed_ms": 12.5,
        "heading_deg": 90.0,
        "acceleration_ms2": 0.5,
        "backward": False,
        "length_m": 5.7,
        "width_m": 1.9,
        "signature": "valid",
        "capture": "f.json",
        "frames": [3],
    }


@pytest.mark.parametrize(
    ("mark", "recorded", "time"),
    [
        (59_990, "2026-01-01T00:01:00.010Z", NEW_YEAR + 59_990_000),
        (20, "2026-01-01T00:00:59.990Z", NEW_YEAR + 60_020_000),
        (60_400, "2026-01-01T00:01:00.300Z", NEW_YEAR + 60_400_000),
        (65_535, "2026-01-01T00:01:00.010Z[UTC]", NEW_YEAR + 60_010_000),
        (None, "2025-12-31 19:01:00.010 [ET]", NEW_YEAR + 60_010_000),
    ],
)
def test_generation_time_is_the_messages_own_second_in_the_nearest_minute(
    mark: int | None, recorded: str, time: int
) -> None:
    message = bsm("metadata.recordGeneratedAt", recorded)
    message["payload"]["data"]["coreData"]["secMark"] = mark
    assert decoded(message)["time"] == time


@pytest.mark.parametrize("name", ["speed", "heading", "msgCnt", "accuracy", "size", "accelSet", "transmission"])
def test_what_is_unavailable_is_null(name: str) -> None:
    fields = decoded(bsm(f"payload.data.coreData.{name}", None))
    assert None in fields.values()


@pytest.mark.parametrize(
    ("metadata", "receiver", "expected"),
    [
        ({"RSUID": "rsu1", "originIp": "10.0.0.1"}, "me", "rsu1"),
        ({"originIp": "10.0.0.1"}, "me", "10.0.0.1"),
        ({"serialId": {"streamId": "s"}}, "me", "me"),
        ({"serialId": {"streamId": "s"}}, None, "s"),
    ],
)
def test_the_receiver(metadata: dict[str, Any], receiver: str | None, expected: str) -> None:
    message = bsm("metadata", {"recordGeneratedAt": "2026-01-01T00:00:00Z", **metadata})
    assert decoded(message, receiver)["receiver"] == expected


@pytest.mark.parametrize(
    ("metadata", "signature"),
    [
        ({"securityResultCode": "spduCryptoVerificationFailure"}, "invalid"),
        ({"securityResultCode": "unknown"}, "unchecked"),
        ({}, "unchecked"),
        ({"validSignature": True}, "valid"),
        ({"validSignature": False}, "invalid"),
    ],
)
def test_the_signature(metadata: dict[str, Any], signature: str) -> None:
    message = bsm("metadata", {"recordGeneratedAt": "2026-01-01T00:00:00Z", "originIp": "r", **metadata})
    assert decoded(message)["signature"] == signature


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("{", "malformed"),
        ("[" * 100_000, "malformed"),
        ("[]", "not a BSM"),
        ("7", "not a BSM"),
        (json.dumps({"metadata": {"payloadType": "OdeTimPayload"}, "payload": {"data": {}}}), "not a BSM"),
        (json.dumps(bsm("payload.data.coreData.speed", 1e9)), "range"),
        (json.dumps(bsm("payload.data.coreData.speed", "fast")), "type"),
        (json.dumps(bsm("payload.data.coreData.speed", True)), "type"),
        (json.dumps(bsm("payload.data.coreData.speed")).replace("null", "NaN"), "malformed"),
        (json.dumps(bsm("payload.data.coreData.position", {"latitude": 91, "longitude": 0})), "range"),
        (json.dumps(bsm("payload.data.coreData.position", {"latitude": 9})), "missing"),
        (json.dumps(bsm("payload.data.coreData.msgCnt", 128)), "range"),
        (json.dumps(bsm("payload.data.coreData.secMark", "x")), "type"),
        (json.dumps(bsm("payload.data.coreData.id", "")), "missing"),
        (json.dumps(bsm("payload.data.coreData.id", "x" * 100)), "range"),
        (json.dumps(bsm("metadata.recordGeneratedAt", "2026-01-01T00:00:00")), "missing"),
        (json.dumps(bsm("metadata.recordGeneratedAt", 7)), "missing"),
        (json.dumps(bsm("metadata.originIp", "NA")), "no receiver"),
    ],
)
def test_what_is_no_message_is_refused(message: str, reason: str) -> None:
    item = decode_ode(message, "f", 1, None)
    assert isinstance(item, Refused)
    assert item.reason == reason


def test_files_of_lines_and_of_pretty_printed_objects() -> None:
    text = json.dumps(BSM) + "\n\n" + json.dumps(BSM, indent=2) + "\n" + json.dumps(BSM) + "\n{\n"
    items = list(read_ode(io.BytesIO(text.encode()), "f"))
    assert [item.fields["frames"][0] for item in items if isinstance(item, Record)] == [1, 3, items_lines() + 3]
    assert [item.reason for item in items if isinstance(item, Refused)] == ["malformed"]


def items_lines() -> int:
    return len(json.dumps(BSM, indent=2).splitlines())


def test_an_object_that_is_never_closed_is_bounded() -> None:
    text = "{\n" + "x" * 1000 + "\n" + ("y" * 1000 + "\n") * 400 + "}\n" + json.dumps(BSM) + "\n"
    oversized, good = read_ode(io.BytesIO(text.encode()), "f")
    assert isinstance(oversized, Refused)
    assert (oversized.reason, oversized.frame) == ("oversized", 1)
    assert isinstance(good, Record)


def test_datagrams_are_received_from_a_real_socket() -> None:
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(host: str, port: int) -> None:
        for datagram in (json.dumps(BSM).encode(), b"\xff\xfe", json.dumps(bsm("metadata.originIp", "NA")).encode()):
            sender.sendto(datagram, (host, port))

    source = listen_ode("127.0.0.1", 0, ready=send)
    got: list[Item] = [next(source) for _ in range(3)]
    source.close()  # type: ignore[attr-defined]
    sender.close()
    first, second, third = got
    assert isinstance(first, Record)
    assert first.fields["receiver"] == "10.0.0.7"
    assert isinstance(second, Refused)
    assert second.reason == "not text"
    assert isinstance(third, Record)
    assert third.fields["receiver"] == "127.0.0.1"


def test_a_port_in_use_is_a_fault() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(RunFault, match="cannot listen"):
            next(listen_ode("127.0.0.1", taken.getsockname()[1]))


@pytest.mark.parametrize(
    ("name", "messages"),
    [("bsmLogDuringEvent.json", 222), ("bsmTx.json", 16)]
    + [(f"sandbox/wydot-filtered-bsm-schemaVersion{version}.json", 1) for version in (3, 5, 6)]
    + [("sandbox/thea-filtered-bsm-schemaVersion1.json", 1)],
)
def test_published_messages(shared_data: Path, name: str, messages: int) -> None:
    with open_text(shared_data / "v2x_jpo_ode" / name) as stream:
        items = list(read_ode(stream, name, receiver="r"))
    assert len(items) == messages
    for item in items:
        assert isinstance(item, Record), item
        encode(CAM, item.fields)
        assert 20 < item.fields["latitude"] < 50
        assert -110 < item.fields["longitude"] < -80


@pytest.mark.parametrize("kind", ["tim", "spat", "event"])
def test_published_messages_of_other_kinds_are_refused(shared_data: Path, kind: str) -> None:
    files = sorted((shared_data / "v2x_jpo_ode" / "sandbox").glob(f"*{kind}*.json"))
    assert files
    for file in files:
        with open_text(file) as stream:
            items = list(read_ode(stream, file.name, receiver="r"))
        assert items
        assert {item.reason for item in items if isinstance(item, Refused)} <= {"not a BSM", "oversized"}
        assert all(isinstance(item, Refused) for item in items)


def test_tampas_integers_are_scaled(shared_data: Path) -> None:
    with open_text(shared_data / "v2x_jpo_ode/sandbox/thea-filtered-bsm-schemaVersion1.json") as stream:
        (item,) = read_ode(stream)
    assert isinstance(item, Record)
    fields = item.fields
    assert fields["receiver"] == "thea18"
    assert fields["latitude"] == pytest.approx(27.9434229)
    assert fields["speed_ms"] == pytest.approx(25.82)
    assert fields["heading_deg"] == pytest.approx(68.625)
    assert fields["acceleration_ms2"] == pytest.approx(-0.02)
    assert fields["length_m"] == pytest.approx(4.6)
    assert fields["station_type"] == 5


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PATHS = st.sampled_from(
    ["metadata", "payload", "payload.data", "payload.data.partII", "payload.data.coreData"]
    + [f"metadata.{name}" for name in (*BSM["metadata"], "RSUID", "serialId", "validSignature")]
    + [f"payload.data.coreData.{name}" for name in BSM["payload"]["data"]["coreData"]]
    + ["payload.data.coreData.position.latitude", "payload.data.coreData.size.length"]
)


@settings(max_examples=500, deadline=None)
@given(PATHS, JSON, st.sampled_from([1, 6]))
def test_mutated_messages_never_raise(path: str, value: Any, version: int) -> None:
    message = bsm(path, value)
    if isinstance(message["metadata"], dict):
        message["metadata"].setdefault("schemaVersion", version)
        message["metadata"]["schemaVersion"] = version
    item = decode_ode(json.dumps(message), None, None, "r")
    if isinstance(item, Record):
        encode(CAM, item.fields)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_never_raise(data: bytes) -> None:
    list(read_ode(io.BytesIO(data)))
