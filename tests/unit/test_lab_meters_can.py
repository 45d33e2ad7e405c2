"""The lab's meters and CAN bus: physics, determinism, attacks; all of it read back by the real sources."""

import io
import itertools
import json
import math
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import can as python_can
import pytest

from ingest.can import read_bus, read_candump
from ingest.lab.attacks import (
    ATTACKS,
    CAN,
    METERS,
    Injection,
    Truth,
    TruthFile,
    default_plan,
    iso,
    parse_plan,
    read_truth,
)
from ingest.lab.can_bus import FRAME_S, SPEED_ID, Frame, can_frames
from ingest.lab.load_profiles import Profiles, load_profiles
from ingest.lab.meters import meter_lines
from ingest.lab.pace import Line, play
from ingest.source import Record
from ingest.table import read_table
from schemas.errors import UsageFault

START = 1_772_452_800_000_000  # 2026-03-02T12:00:00Z


@pytest.fixture(scope="module")
def profiles(tmp_path_factory: pytest.TempPathFactory) -> Profiles:
    cache = tmp_path_factory.mktemp("lab")
    first = load_profiles(39, cache)
    again = load_profiles(39, cache)
    assert first.customers == again.customers
    assert all((first.active[name] == again.active[name]).all() for name in first.active)
    return first


def plan(part: str, *asked: str) -> list[Injection]:
    return parse_plan(asked, part)


def run_meters(profiles: Profiles, seconds: float, *attacks: str, seed: int = 7) -> tuple[list[Record], list[Truth]]:
    script = list(meter_lines(profiles, seconds, START, seed, plan(METERS, *attacks)))
    lines = [line for line in script if isinstance(line, Line)]
    assert [line.at_s for line in lines] == sorted(line.at_s for line in lines)
    text = "\n".join(line.what for line in lines).encode()
    items = list(read_table(io.BytesIO(text)))
    assert all(isinstance(item, Record) for item in items), [item for item in items if not isinstance(item, Record)][:3]
    return [item for item in items if isinstance(item, Record)], [t for t in script if isinstance(t, Truth)]


def readings(records: list[Record]) -> dict[str, list[dict[str, Any]]]:
    of: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        if record.schema.name == "meter_reading":
            of[record.fields["meter"]].append(record.fields)
    return of


def seconds_of(truth: Truth) -> tuple[int, int]:
    def micros(text: str) -> int:
        from datetime import datetime

        return round(datetime.fromisoformat(text).timestamp() * 1e6)

    return micros(truth.start), micros(truth.end)


def test_every_attack_stands_once_in_the_default_plan_and_inside_the_run() -> None:
    for seconds in (30, 120, 600):
        asked = default_plan(seconds)
        planned = [i for part in ("meters", "substation", "vehicles", "can") for i in parse_plan(asked, part)]
        assert Counter(i.attack.name for i in planned) == Counter(attack.name for attack in ATTACKS)
        assert all(0.2 * seconds < i.start_s < i.end_s < 0.95 * seconds for i in planned)


@pytest.mark.parametrize("asked", ["no_such@3", "tamper", "tamper@x", "tamper@1+", "tamper@-1"])
def test_a_wrong_attack_is_a_usage_fault(asked: str) -> None:
    with pytest.raises(UsageFault, match="no such attack"):
        parse_plan([asked], METERS)


def test_meters_obey_physics(profiles: Profiles) -> None:
    records, truths = run_meters(profiles, 30)
    assert not truths
    for meter, rows in readings(records).items():
        assert len(rows) == 30, meter
        for before, after in itertools.pairwise(rows):
            step = after["register_kwh"] - before["register_kwh"]
            assert step == pytest.approx(after["interval_kwh"], abs=0.0011)
            assert step >= 0
        for row in rows:
            watts = row["voltage_v"] * row["current_a"] * row["power_factor"]
            assert watts == pytest.approx(row["interval_kwh"] / row["interval_s"] * 3.6e6, rel=0.02, abs=8)
            assert 200 < row["voltage_v"] < 245
            assert 49.8 < row["frequency_hz"] < 50.2


def test_meters_are_told_by_the_seed_alone(profiles: Profiles) -> None:
    asked = ("mass_silence@5", "mass_disconnect@10")
    assert run_meters(profiles, 20, *asked) == run_meters(profiles, 20, *asked)
    assert run_meters(profiles, 20) != run_meters(profiles, 20, seed=8)


def test_too_few_meters_for_the_attacks_is_a_usage_fault(profiles: Profiles) -> None:
    for asked in (("mass_disconnect@2", "mass_disconnect@8"), ("mass_disconnect@2", "mass_silence@8")):
        with pytest.raises(UsageFault, match=f"too few meters are left for {asked[1].partition('@')[0]}"):
            run_meters(profiles, 20, *asked)


def test_mass_disconnect(profiles: Profiles) -> None:
    records, (truth,) = run_meters(profiles, 20, "mass_disconnect@5+5")
    start, end = seconds_of(truth)
    commands = [r.fields for r in records if r.fields.get("command") == "disconnect"]
    assert {c["meter"] for c in commands} == set(truth.entities["meter"])
    assert len(commands) == 30
    assert sum("work_order" in c for c in commands) == 3
    assert all(start <= c["time"] < end for c in commands)
    rows = readings(records)
    for command in commands:
        later = [r for r in rows[command["meter"]] if command["time"] + 1_200_000 < r["time"] < end + 10_000_000]
        assert all(r["interval_kwh"] == 0 for r in later)
    events = Counter(r.fields["meaning"] for r in records if r.schema.name == "meter_event")
    assert events["remote_disconnect"] == 30


def test_register_rollback(profiles: Profiles) -> None:
    records, (truth,) = run_meters(profiles, 10, "register_rollback@5")
    drops = [
        meter
        for meter, rows in readings(records).items()
        for a, b in itertools.pairwise(rows)
        if b["register_kwh"] < a["register_kwh"] - 40
    ]
    assert drops == truth.entities["meter"]


def test_tamper(profiles: Profiles) -> None:
    records, (truth,) = run_meters(profiles, 20, "tamper@5+4")
    (meter,) = truth.entities["meter"]
    events = [r.fields["meaning"] for r in records if r.fields.get("meter") == meter and "meaning" in r.fields]
    assert [e for e in events if "cover" in e] == ["cover_removed", "terminal_cover_removed", "cover_closed"]
    rows = readings(records)[meter]
    before = sum(r["interval_kwh"] for r in rows[:5]) / 5
    after = sum(r["interval_kwh"] for r in rows[10:15]) / 5
    assert after < 0.6 * before


def test_mass_silence(profiles: Profiles) -> None:
    records, (truth,) = run_meters(profiles, 30, "mass_silence@10+10")
    start, end = seconds_of(truth)
    (transformer,) = truth.entities["transformer"]
    members = {c.meter for c in profiles.customers if c.transformer == transformer}
    silent = set(truth.entities["meter"])
    assert silent < members
    assert len(silent) == math.ceil(0.6 * len(members))
    for meter, rows in readings(records).items():
        during = [row for row in rows if start <= row["time"] < end]
        assert bool(during) == (meter not in silent)
        assert rows[-1]["time"] > end


def run_can(seconds: float, *attacks: str) -> tuple[list[Frame], list[Truth]]:
    script = list(can_frames(seconds, START, 7, plan(CAN, *attacks)))
    frames = [line.what for line in script if isinstance(line, Line)]
    return frames, [t for t in script if isinstance(t, Truth)]


def test_the_bus_is_periodic_and_carries_one_frame_at_a_time() -> None:
    frames, _ = run_can(10)
    assert frames == run_can(10)[0]
    assert 1900 < len(frames) < 2100
    gaps = [b.at_us - a.at_us for a, b in itertools.pairwise(frames)]
    assert min(gaps) >= FRAME_S * 1e6 - 2
    speed = [frame.at_us for frame in frames if frame.can_id == SPEED_ID]
    periods = [b - a for a, b in itertools.pairwise(speed)]
    assert all(18_000 < period < 22_000 for period in periods)
    counters = [frame.data[7] & 0xF for frame in frames if frame.can_id == SPEED_ID]
    assert all((b - a) % 16 == 1 for a, b in itertools.pairwise(counters))


def test_the_log_is_read_back_by_the_real_source() -> None:
    frames, _ = run_can(3, "can_injection@1")
    text = "\n".join(frame.candump("can3") for frame in frames)
    items = list(read_candump(io.BytesIO(text.encode()), "car"))
    read = [item.fields for item in items if isinstance(item, Record)]
    assert [(f["time"], f["can_id"], f["data"]) for f in read] == [(f.at_us, f.can_id, f.data) for f in frames]
    assert {f["channel"] for f in read} == {"can3"}


def test_flooding_and_injection() -> None:
    frames, truths = run_can(8, "can_flooding@2+1", "can_injection@4+2")
    flood, injection = truths
    assert (flood.threat, injection.threat) == ("ITS-17", "ITS-18")
    times = [frame.at_us - START for frame in frames if frame.can_id == 0]
    assert len(times) == 3333
    assert all(2e6 <= t < 3.1e6 for t in times)
    forged = [f for f in frames if f.can_id == SPEED_ID and f.data[:2] == b"\0\0"]
    assert len(forged) == 200


def test_frames_go_over_a_real_bus() -> None:
    sender = python_can.Bus(interface="virtual", channel="lab")
    receiver = python_can.Bus(interface="virtual", channel="lab")
    said = play(
        can_frames(0.2, START, 7, []),
        lambda f: sender.send(python_can.Message(arbitration_id=f.can_id, is_extended_id=False, data=f.data)),
        TruthFile(None),
        real_time=False,
    )
    items = list(read_bus(receiver, "car", "lab", stop=lambda: True, wait_s=0.01))
    sender.shutdown()
    assert len(items) == said > 30


def test_truth_is_written_as_it_happens(tmp_path: Path) -> None:
    file = tmp_path / "truth.jsonl"
    play(
        can_frames(5, START, 7, plan(CAN, "can_flooding@2+1", "can_injection@4")),
        lambda f: None,
        TruthFile(file),
        False,
    )
    lines = read_truth(file)
    assert [line["attack"] for line in lines] == ["can_flooding", "can_injection"]
    assert lines[0]["start"] == iso(START + 2_000_000)
    assert json.loads(file.read_text().splitlines()[0])["entities"] == {"can_id": ["0"]}
