"""The benchmark's traffic: what it encodes by columns is what the wire format says, and it is plausible."""

from itertools import pairwise

import numpy as np
import pytest

from jobs.bench.columns import encode_columns
from jobs.bench.fleet import ROLLBACK_KWH, Fleet
from schemas.records import METER_READING
from schemas.wire import Decoder, encode

START = 1_767_225_600_000_000


def test_columns_encode_to_the_byte_as_records_do() -> None:
    columns = Fleet(250, START, seed=1).round()
    messages = encode_columns(METER_READING, columns)
    for at in (0, 100, 249):
        record = {n: v[at].decode() if v.dtype.kind == "S" else v[at].item() for n, v in columns.items()}
        assert messages[at] == encode(METER_READING, record)


def test_absent_fields_are_null_and_integers_keep_their_sign() -> None:
    columns = {
        "time": np.array([START, START + 1]),
        "meter": np.array([b"M1", b"M2"]),
        "transformer": np.array([b"T1", b"T1"]),
        "register_kwh": np.array([1.5, -2.5]),
        "status": np.array([-5, 5]),
    }
    decoder = Decoder((METER_READING,))
    rows = [decoder.decode(message)[1] for message in encode_columns(METER_READING, columns)]
    assert [(r["meter"], r["register_kwh"], r["status"], r["voltage_v"], r["frames"]) for r in rows] == [
        ("M1", 1.5, -5, None, None),
        ("M2", -2.5, 5, None, None),
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"meter": np.array([b"M1", b"M22"])}, "differ in width"),
        ({"time": np.array([1, START])}, "differ in width"),
        ({"colour": np.array([1, 2])}, "no field colour"),
        ({"frames": np.array([1, 2])}, "no columns of this type"),
    ],
)
def test_what_has_no_columns_is_refused(change: dict[str, np.ndarray], says: str) -> None:
    columns = {n: v[:2] for n, v in Fleet(100, START, seed=1).round().items()}
    with pytest.raises(ValueError, match=says):
        encode_columns(METER_READING, columns | change)


def test_a_required_field_must_be_there() -> None:
    with pytest.raises(ValueError, match="register_kwh is required"):
        encode_columns(
            METER_READING, {"time": np.array([START]), "meter": np.array([b"M"]), "transformer": np.array([b"T"])}
        )


def test_readings_are_consistent() -> None:
    fleet = Fleet(5_000, START, seed=7, one_in=1_000)
    rounds = [fleet.round() for _ in range(3)]
    for before, after in pairwise(rounds):
        assert (before["meter"] == after["meter"]).all()
        assert (np.diff(after["time"]) >= 0).all()
        step = after["register_kwh"] - before["register_kwh"]
        back = step < 0
        assert {m.decode() for m in after["meter"][back]} <= set(fleet.set_back)
        np.testing.assert_allclose(step, after["interval_kwh"] - ROLLBACK_KWH * back)
    power = rounds[1]["voltage_v"] * rounds[1]["current_a"] * rounds[1]["power_factor"] / 1000
    np.testing.assert_allclose(power * 900 / 3600, rounds[1]["interval_kwh"])
    assert len(fleet.set_back) > 0


def test_the_same_seed_gives_the_same_readings() -> None:
    a, b = (list(Fleet(300, START, seed=3).chunks(700, 128)) for _ in range(2))
    assert [len(c["time"]) for c in a] == [128] * 5 + [60]
    assert all((x[n] == y[n]).all() for x, y in zip(a, b, strict=True) for n in x)


def test_chunks_are_the_rounds_cut_anew() -> None:
    rounds = Fleet(100, START, seed=3)
    registers = np.concatenate([rounds.round()["register_kwh"] for _ in range(5)])
    chunks = Fleet(100, START, seed=3).chunks(450, 250)
    np.testing.assert_array_equal(np.concatenate([c["register_kwh"] for c in chunks]), registers[:450])
