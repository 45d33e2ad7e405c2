"""The lab's substation: the model, the hand-made APDUs and frames, and a whole scene through poller and tap."""

import asyncio
import math
import socket
import struct
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from detectors.site import parse_site
from ingest.lab import apdu
from ingest.lab.attacks import SUBSTATION, TruthFile, parse_plan, read_truth
from ingest.lab.goose_frames import Wire, goose_frame
from ingest.lab.grid import Grid
from ingest.lab.load_profiles import Customer
from ingest.lab.recorder import PcapStream
from ingest.lab.site_facts import BLOCKS, ROGUE_MAC, SITE, Addresses, point_map, site_facts
from ingest.lab.substation import Scene, substation
from ingest.modbus_poll import PointMap, poll
from ingest.source import Item, Record
from ingest.tap import Ports, TapOptions, read_capture
from schemas.errors import RunFault

SECONDS = 6.0
PLAN = (
    "rogue_master@0.5+1",
    "unauthorised_write@1.8+0.5",
    "modbus_scan@2.6+1",
    "iec104_command@3.9+0.5",
    "forged_goose@4.7+1",
)


def now_us() -> int:
    return time.time_ns() // 1000


def free_ports() -> Addresses:
    ports = []
    for host in ("127.0.20.1", "127.0.20.10"):
        with socket.socket() as probe:
            probe.bind((host, 0))
            ports.append(probe.getsockname()[1])
    return Addresses(*ports)


class _Run:
    """What a whole scene left behind."""

    def __init__(self, folder: Path) -> None:
        addresses = free_ports()
        capture, truth = folder / "lab.pcap", folder / "truth.jsonl"
        self.points: list[dict[str, Any]] = []
        up = threading.Event()
        over = threading.Event()

        def master() -> None:
            points = PointMap.model_validate(point_map(addresses, 0.2))
            up.wait()
            with closing(poll(points)) as source:  # type: ignore[type-var]
                for item in source:
                    assert isinstance(item, Record)
                    self.points.append(item.fields)
                    if over.is_set():
                        return

        polling = threading.Thread(target=master, daemon=True)
        polling.start()
        with capture.open("wb") as file:
            pcap = PcapStream(file, now_us)
            plan = parse_plan(PLAN, SUBSTATION)
            scene = Scene(addresses, SECONDS, 7, plan, TruthFile(truth), pcap.write, pcap, now_us)
            asyncio.run(substation(scene, up.set))
        over.set()
        polling.join()
        self.truth = {line["attack"]: line for line in read_truth(truth)}
        ports = Ports(frozenset({addresses.modbus_port}), frozenset({addresses.iec104_port}))
        self.items: list[Item] = list(read_capture(capture, SITE, TapOptions(ports)))

    def records(self, name: str) -> list[dict[str, Any]]:
        return [item.fields for item in self.items if isinstance(item, Record) and item.schema.name == name]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> _Run:
    return _Run(tmp_path_factory.mktemp("substation"))


def test_every_frame_of_the_recording_is_dissected(scene: _Run) -> None:
    assert [item for item in scene.items if not isinstance(item, Record)] == []
    names = {item.schema.name for item in scene.items if isinstance(item, Record)}
    assert names == {"modbus", "iec104", "goose", "flow"}


def test_the_truth_names_all_attacks(scene: _Run) -> None:
    assert set(scene.truth) == {asked.split("@")[0] for asked in PLAN}


def test_the_poller_sees_the_model(scene: _Run) -> None:
    good = [p for p in scene.points if p["quality"] == "good"]
    assert len(good) > 200
    values: dict[tuple[str, int], dict[str, float]] = {}
    for p in good:
        if p["device"] == "bay-1" and p["point"] in ("voltage", "current", "active_power", "reactive_power"):
            values.setdefault(("bay-1", p["time"]), {})[p["point"]] = p["value"]
    whole = [v for v in values.values() if len(v) == 4]
    assert len(whole) > 10
    for v in whole:
        apparent = math.sqrt(3) * v["voltage"] * v["current"] / 1000
        assert apparent == pytest.approx(math.hypot(v["active_power"], v["reactive_power"]), rel=0.01, abs=0.01)
    dead = [v for v in whole if v["current"] == 0]
    assert dead
    assert all(v["active_power"] == 0 for v in dead)


def test_the_write_attack_opens_and_the_operator_closes(scene: _Run) -> None:
    def clients(function: int, address: int, server: str) -> list[str]:
        return [
            r["client"]
            for r in scene.records("modbus")
            if r["function"] == function and r["address"] == address and r["server"] == server
        ]

    assert clients(5, 0, "127.0.20.2") == ["127.0.10.9", "127.0.10.2", "127.0.10.2"]
    assert clients(6, 0, "127.0.20.1") == ["127.0.10.9", "127.0.10.2", "127.0.10.2"]
    closed = [p["value"] for p in scene.points if (p["device"], p["point"]) == ("bay-2", "breaker_closed")]
    changes = [value for value, before in zip(closed, [None, *closed], strict=False) if value not in (before, None)]
    assert changes[:3] == [1.0, 0.0, 1.0]


def test_the_other_attackers_are_on_the_wire(scene: _Run) -> None:
    modbus = scene.records("modbus")
    rogue = {r["server"] for r in modbus if r["client"] == "127.0.66.1"}
    assert rogue == {"127.0.20.1", "127.0.20.2", "127.0.20.3"}
    scanned = [r for r in modbus if r["client"] == "127.0.66.2"]
    assert {r["function"] for r in scanned} >= {3, 17, 43, 65}
    assert sum(r.get("exception") == 2 for r in scanned) > 150
    command = [r for r in scene.records("iec104") if r["source"] == "127.0.66.4" and r.get("type_id") == 46]
    assert [(r["object_address"], r["cause"], r["select"]) for r in command] == [(3001, 6, False)]
    forged = [r for r in scene.records("goose") if r["source_mac"] == ROGUE_MAC]
    assert forged
    real = max(r["st_num"] for r in scene.records("goose") if r["source_mac"] == BLOCKS[0].source_mac)
    assert {r["st_num"] for r in forged} == {real + 5}
    assert {tuple(r["values"]) for r in forged} == {("true", "false")}


def test_the_control_centre_stays_within_its_profile(scene: _Run) -> None:
    commands = [
        (r["type_id"], r["object_address"], r["select"])
        for r in scene.records("iec104")
        if r["source"] == "127.0.10.4" and r.get("type_id") in (45, 46, 50)
    ]
    assert set(commands) <= {(45, 5001, True), (45, 5001, False)}
    answers = [r for r in scene.records("iec104") if r["destination"] == "127.0.10.4" and r["format"] == "I"]
    assert {r["type_id"] for r in answers} >= {3, 13, 100}
    numbers = [r["send_number"] for r in answers]
    assert numbers == sorted(numbers)


def test_goose_counts_states_and_sequences(scene: _Run) -> None:
    for block in BLOCKS:
        sent = [r for r in scene.records("goose") if r["source_mac"] == block.source_mac]
        last = (0, 0)
        for r in sent:
            assert (r["control_block"], r["appid"], r["dataset"]) == (block.reference, block.appid, block.dataset)
            state, sequence = r["st_num"], r["sq_num"]
            assert (state, sequence) == ((last[0], last[1] + 1) if state == last[0] else (last[0] + 1, 0))
            last = (state, sequence)
        assert last[0] > 2


def test_the_site_file_of_the_lab_is_valid() -> None:
    customers = tuple(Customer(f"M{n}", "T1", f"F{n % 2}", "H0-A", 3.0, 1.0) for n in range(5))
    site = parse_site(site_facts(Addresses(), customers), "lab")
    assert site.name == SITE
    assert site.meters.feeders == {"F0": 3, "F1": 2}
    assert PointMap.model_validate(point_map(Addresses())).site == SITE


def test_an_address_in_use_is_a_fault(tmp_path: Path) -> None:
    addresses = free_ports()
    with socket.create_server(("127.0.20.1", addresses.modbus_port)):
        scene = Scene(addresses, 1.0, 1, [], TruthFile(None), None, None, now_us)
        with pytest.raises(RunFault, match="cannot listen"):
            asyncio.run(substation(scene))


def test_raw_frames_need_an_interface() -> None:
    with pytest.raises(RunFault, match="cannot send raw frames"):
        Wire("no-such-interface")


def test_current_follows_power_and_an_open_breaker_carries_nothing() -> None:
    moved: list[int] = []
    grid = Grid(7, moved.append)
    grid.advance(100)
    flow = grid.flow(0)
    apparent = math.hypot(flow.active_mw, flow.reactive_mvar)
    assert math.sqrt(3) * flow.voltage_kv * flow.current_a / 1000 == pytest.approx(apparent)
    before = grid.voltage_kv
    grid.switch(0, closed=False)
    assert (grid.flow(0).current_a, grid.flow(0).active_mw) == (0, 0)
    assert grid.voltage_kv > before
    assert grid.flow(1).current_a > 0
    assert moved == [0]


def test_the_protection_trips_on_its_setting() -> None:
    grid = Grid(7)
    grid.advance(10)
    assert not grid.tripped(1)
    grid.set_pickup(1, 0)
    assert grid.tripped(1)
    assert not grid.closed(1)


def test_the_model_does_not_mind_how_often_it_is_asked() -> None:
    once, often = Grid(3), Grid(3)
    once.advance(60)
    for step in range(1, 601):
        often.advance(step / 10)
    assert [once.flow(n) for n in range(2)] == [often.flow(n) for n in range(2)]
    assert once.energy_kwh(0) == often.energy_kwh(0)
    assert once.frequency_hz == often.frequency_hz


def test_an_asdu_comes_back() -> None:
    asdu = apdu.measured(1, 4001, 17.5, apdu.SPONTANEOUS)
    assert apdu.decode_asdu(asdu.encode()) == asdu
    assert apdu.decode_asdu(asdu.encode()[:8]) is None
    assert struct.unpack("<f", asdu.body[:4]) == (17.5,)


def test_a_goose_frame_holds_large_numbers_in_few_octets() -> None:
    frame = goose_frame(BLOCKS[0], 300, 70_000, 1_000_000, (True, False))
    assert b"\x85\x02\x01\x2c" in frame
    assert b"\x86\x03\x01\x11\x70" in frame
    assert len(frame) == 14 + struct.unpack(">H", frame[16:18])[0]
