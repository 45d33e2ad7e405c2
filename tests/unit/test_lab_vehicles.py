"""The lab's cars: SUMO, the ETSI generation rules, attacks, and the way back through the ODE decoder."""

import io
import itertools
import math
from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest

from ingest.lab import traffic as traffic_module
from ingest.lab.attacks import VEHICLES, Truth, parse_plan
from ingest.lab.awareness import Awareness
from ingest.lab.pace import Line
from ingest.lab.traffic import Car, traffic
from ingest.lab.vehicles import RECEIVERS, ode_message, vehicle_lines, wgs84
from ingest.source import Record
from ingest.v2x import read_ode
from schemas.errors import RunFault

START = 1_772_452_800_000_000
CAR = Car("c", 100.0, 100.0, 10.0, 90.0, 0.0, 4.5, 1.8)
ATTACKS = ("cam_flooding@4+3", "impossible_speed@8+3", "position_jump@12+4", "constant_speed_offset@17+5")


def run(seconds: float, *attacks: str) -> list[Line[str] | Truth]:
    with traffic(12, 7) as cars:
        return list(vehicle_lines(cars, seconds, START, 7, parse_plan(attacks, VEHICLES)))


@pytest.fixture(scope="module")
def script() -> list[Line[str] | Truth]:
    return run(23, *ATTACKS)


@pytest.fixture(scope="module")
def messages(script: list[Line[str] | Truth]) -> dict[str, list[dict[str, Any]]]:
    """The decoded messages by station, each heard message once."""
    text = "\n".join(line.what for line in script if isinstance(line, Line)).encode()
    of: dict[str, dict[tuple[int, int], dict[str, Any]]] = defaultdict(dict)
    for item in read_ode(io.BytesIO(text)):
        assert isinstance(item, Record), item
        of[item.fields["station"]][item.fields["time"], item.fields["message_count"]] = item.fields
    return {station: list(heard.values()) for station, heard in of.items()}


def attacker(script: list[Line[str] | Truth], name: str) -> str:
    (truth,) = [t for t in script if isinstance(t, Truth) and t.attack == name]
    return truth.entities["station"][0]


def during(messages: list[dict[str, Any]], start_s: float, end_s: float) -> list[dict[str, Any]]:
    return [m for m in messages if start_s <= (m["time"] - START) / 1e6 < end_s]


def metres(a: dict[str, Any], b: dict[str, Any]) -> float:
    north = (b["latitude"] - a["latitude"]) * 111_229
    east = (b["longitude"] - a["longitude"]) * 111_320 * math.cos(math.radians(a["latitude"]))
    return math.hypot(north, east)


def test_the_same_seed_gives_the_same_run(script: list[Line[str] | Truth]) -> None:
    short = run(5, *ATTACKS)
    assert short == script[: len(short)]


def test_honest_cars_keep_the_generation_rules_and_physics(
    script: list[Line[str] | Truth], messages: dict[str, list[dict[str, Any]]]
) -> None:
    honest = set(messages) - {attacker(script, asked.split("@")[0]) for asked in ATTACKS}
    assert len(honest) >= 6
    for station in honest:
        for before, after in zip(messages[station], messages[station][1:], strict=False):
            gap = (after["time"] - before["time"]) / 1e6
            assert gap > 0.0999
            assert after["speed_ms"] < 25
            assert metres(before, after) < 25 * gap + 3


def test_the_attacks_show(script: list[Line[str] | Truth], messages: dict[str, list[dict[str, Any]]]) -> None:
    flood = during(messages[attacker(script, "cam_flooding")], 4.1, 7)
    assert len(flood) > 65
    fast = during(messages[attacker(script, "impossible_speed")], 8.1, 11)
    assert {m["speed_ms"] for m in fast} == {160.0}
    jumps = during(messages[attacker(script, "position_jump")], 12.1, 16)
    assert all(metres(a, b) > 5 for a, b in itertools.pairwise(jumps))
    offset = during(messages[attacker(script, "constant_speed_offset")], 17.1, 22)
    driven = sum(metres(a, b) for a, b in itertools.pairwise(offset))
    claimed = sum(a["speed_ms"] * (b["time"] - a["time"]) / 1e6 for a, b in itertools.pairwise(offset))
    assert claimed - driven > 5 * (offset[-1]["time"] - offset[0]["time"]) / 1e6


def test_attackers_differ(script: list[Line[str] | Truth]) -> None:
    assert len({attacker(script, asked.split("@")[0]) for asked in ATTACKS}) == len(ATTACKS)


@pytest.mark.parametrize(
    ("now", "at_s", "due"),
    [
        (CAR, 0.9, False),
        (CAR, 1.0, True),
        (replace(CAR, x=103.9), 0.1, False),
        (replace(CAR, x=104.1), 0.1, True),
        (replace(CAR, heading=93.9), 0.1, False),
        (replace(CAR, heading=94.1), 0.1, True),
        (replace(CAR, speed=10.4), 0.1, False),
        (replace(CAR, speed=9.4), 0.1, True),
    ],
)
def test_generation_rules(now: Car, at_s: float, due: bool) -> None:
    rules = Awareness()
    assert rules.due(CAR, 0.0)
    assert rules.due(now, at_s) is due


def test_heading_wraps_round_north() -> None:
    rules = Awareness()
    assert rules.due(replace(CAR, heading=359.0), 0.0)
    assert not rules.due(replace(CAR, heading=1.0), 0.1)


def test_a_message_comes_back_as_it_was_meant() -> None:
    import json

    message = ode_message(CAR, "00C0FFEE", 17, START + 59_900_000, RECEIVERS[0], 0.2)
    (item,) = read_ode(io.BytesIO(json.dumps(message).encode()))
    assert isinstance(item, Record)
    fields = item.fields
    assert (fields["time"], fields["received"]) == (START + 59_900_000, START + 60_100_000)
    assert (fields["station"], fields["message_count"], fields["receiver"]) == ("00C0FFEE", 17, "10.30.0.1")
    assert (fields["latitude"], fields["longitude"]) == pytest.approx(wgs84(100, 100), abs=1e-7)
    assert (fields["speed_ms"], fields["heading_deg"], fields["length_m"], fields["width_m"]) == (10, 90, 4.5, 1.8)


def test_a_sumo_that_does_not_start_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    real = traffic_module._tool
    monkeypatch.setattr(traffic_module, "_tool", lambda name: "/bin/false" if name == "netgenerate" else real(name))
    with pytest.raises(RunFault, match="netgenerate failed"), traffic(1, 1):
        pass
    monkeypatch.setattr(traffic_module, "_tool", lambda name: "/bin/false" if name == "sumo" else real(name))
    with pytest.raises(RunFault, match="SUMO does not start"), traffic(1, 1):
        pass


def test_a_sumo_that_is_absent_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic_module.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(traffic_module.shutil, "which", lambda name: None)
    with pytest.raises(RunFault, match="SUMO is not installed"), traffic(1, 1):
        pass
