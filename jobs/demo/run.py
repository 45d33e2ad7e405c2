"""The demo from start to end: stack, detection, landing, ingest, lab; then the audit."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from infra import ports
from infra.java import ensure_java
from infra.stack import Stack, StackState
from infra.tshark import ensure_tshark
from ingest.lab.site_facts import SITE
from ingest.publisher import Broker
from jobs.demo import console, truth
from jobs.demo.audit import Auditor, Books, unbalanced
from jobs.demo.parts import Part, Parts
from jobs.settings import Settings
from jobs.state_store import StateStore
from schemas.errors import RunFault, UsageFault
from schemas.types import TELEMETRY_DOMAINS

#: Seconds to wait at most: for detection to start, and for the pipeline to drain at the end.
START_S: Final = 180.0
#: Seconds between two lines while something is awaited.
WAITING_S: Final = 10
DRAIN_S: Final = 120.0
#: What the lab plays beside the meters: how long before its end no attack begins is the lab's own business.
METERS: Final = 200
CARS: Final = 30


@dataclass
class Scene:
    """One run of the demo.

    Attributes:
        directory: holds everything of the run; emptied at the start.
        seconds: of traffic.
        seed: of the lab.
        parts: the processes.
        auditor: the books.
        truth: the lab's own record of its attacks.
        capture: "lo", or the FIFO that the lab records into where nobody may capture.
        console: port and token of the console.
    """

    directory: Path
    seconds: float
    seed: int
    parts: Parts
    auditor: Auditor
    truth: Path
    capture: str
    console: tuple[int, str]

    @property
    def lake(self) -> Path:
        """The Parquet lake."""
        return self.directory / "lake"


@dataclass
class Result:
    """What the demo came to.

    Attributes:
        books: final counts.
        checks: what had to be equal: words, one count, the other.
        attacks: each injected attack with the alert that found it, or None.
        alerts: every alert.
        unexplained: alerts that no injected attack explains.
        latency: median and 99th percentile of event to PostgreSQL, seconds.
        console: port and token of the console.
        failed: parts that ended with a fault, with their last line.
    """

    books: Books
    checks: list[tuple[str, int, int]]
    attacks: list[tuple[truth.Injected, Mapping[str, Any] | None]]
    alerts: list[dict[str, Any]]
    unexplained: list[Mapping[str, Any]]
    latency: tuple[float, float] | None
    console: tuple[int, str]
    failed: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """Why the demo failed; empty where all is well."""
        return unbalanced(self.checks) + [f"part {line}" for line in self.failed]


def embedded(settings: Settings, directory: Path) -> Stack:
    """The demo's own stack."""
    return Stack(
        directory=directory,
        cache=settings.cache_dir,
        environ=os.environ,
        kafka_port=settings.embedded.kafka_port,
        postgres_port=settings.embedded.postgres_port,
        heap_mb=settings.embedded.kafka_heap_mb,
    )


def play(
    settings: Settings,
    seconds: float,
    seed: int,
    say: Callable[[str], None],
    look: Callable[[Scene, Books, float], None],
    keep: bool = False,
) -> Result:
    """Run the demo.

    Args:
        settings: where things are fetched to and which ports are preferred.
        seconds: of traffic.
        seed: of the lab.
        say: progress.
        look: called about once a second with the books and the seconds of traffic left.
        keep: leave broker, database and console running.

    Raises:
        RunFault: a part does not start, or fails while the demo runs.
    """
    directory = settings.run_dir / "demo"
    ensure_java(os.environ, say)
    ensure_tshark(os.environ, say)
    with ExitStack() as cleanup:
        stack = embedded(settings, directory)
        _empty(directory, stack)
        running = stack.up(say)
        down = cleanup.enter_context(ExitStack())
        down.callback(stack.down)
        scene = _scene(running, directory, seconds, seed, cleanup)
        cleanup.callback(say, "stopping every process that was started")
        _start_lab(scene, _start_pipeline(scene, say), say)
        begun = time.monotonic()
        while (left := seconds - (time.monotonic() - begun)) > 0:
            _check(scene)
            look(scene, scene.auditor.books(), left)
            _pause(scene, 1.0)
        result = _finish(scene, say, look)
        if keep:
            down.pop_all()
            scene.parts.stop(next(p for p in scene.parts.parts if p.name == "console"))
            console.leave_running(directory, scene.console[0])
        return result


def _scene(running: StackState, directory: Path, seconds: float, seed: int, cleanup: ExitStack) -> Scene:
    environment = {
        **console.surroundings(os.environ),
        "GRIDWATCH_RUN_DIR": str(directory),
        "GRIDWATCH_KAFKA__BOOTSTRAP_SERVERS": running.bootstrap,
        "GRIDWATCH_STORE__STATE": str(directory / "state"),
        "GRIDWATCH_STORE__CHECKPOINTS": str(directory / "checkpoints"),
        "GRIDWATCH_STORE__LAKE": str(directory / "lake"),
        "GRIDWATCH_STORE__ROLL_S": "15",
        # Small batches on one machine beside everything else: a smaller heap and one core a query suffice.
        "GRIDWATCH_SPARK__DRIVER_MEMORY": "1g",
        # What a batch costs whatever it holds, it costs a bucket.
        "GRIDWATCH_SPARK__BUCKETS": "1",
        "PYTHONUNBUFFERED": "1",
    }
    auditor = Auditor(Broker(running.bootstrap), str(directory / "state"), running.dsn, directory / "lake")
    cleanup.callback(auditor.close)
    parts = cleanup.enter_context(Parts(directory / "log", environment))
    capture = "lo"
    if os.geteuid() != 0:
        fifo = directory / "lab.pcap"
        os.mkfifo(fifo)
        capture = str(fifo)
    shown = (console.port(), console.token(directory))
    return Scene(directory, seconds, seed, parts, auditor, directory / "truth.jsonl", capture, shown)


def _empty(directory: Path, stack: Stack) -> None:
    """A demo begins from nothing: its own directory alone is removed, and only if it looks like one."""
    if directory.exists():
        if any(directory.iterdir()) and not (directory / "log").is_dir():
            raise UsageFault("this directory is not the demo's", str(directory), "move it away")
        console.stop(directory, stack)
        shutil.rmtree(directory)
    directory.mkdir(parents=True)


@dataclass(frozen=True)
class Addresses:
    """Ports of the run: V2X datagrams (host:port), Modbus and IEC 60870-5-104."""

    udp: str
    modbus: str
    iec104: str


def _start_pipeline(scene: Scene, say: Callable[[str], None]) -> Addresses:
    modbus, iec104 = ports.choose(5020), ports.choose(2404)
    lab = scene.directory / "lab"
    files = ["lab", "files", str(lab), "--meters", str(METERS)]
    files += ["--modbus-port", str(modbus), "--iec104-port", str(iec104)]
    _run(scene, "lab-files", files)
    _run(scene, "places", ["database", "places", str(lab / "places.csv")])
    say("starting detection (all domains in one Spark application), landing, archive, sums and the console")
    start = scene.parts.start
    start("detect", ["detect", "--site", str(lab / "site.yaml")])
    start("land", ["land"])
    start("archive", ["archive"])
    start("observe", ["observe"])
    start("console", ["console", "--port", str(scene.console[0])])
    say(f"console: http://127.0.0.1:{scene.console[0]}/incidents, token {scene.console[1]}")
    udp = f"127.0.0.1:{_udp_port()}"
    tap = ["ingest", "tap", "--interface", scene.capture, "--site-name", SITE]
    tap += ["--modbus-port", str(modbus), "--iec104-port", str(iec104)]
    if scene.capture == "lo":
        # Loopback also carries Kafka, PostgreSQL and Spark: dissecting all that would cost packets of the substation.
        tap += ["--filter", f"tcp port {modbus} or tcp port {iec104} or ether proto 0x88b8"]
    stores = [StateStore(str(scene.directory / "state"), d.value) for d in TELEMETRY_DOMAINS]
    began, told = time.monotonic(), 0

    def ready() -> bool:
        nonlocal told
        if (waited := int(time.monotonic() - began)) >= told + WAITING_S:
            told = waited
            say(f"waiting for detection, {waited} s")
        return all(s.batches() for s in stores)

    _await(scene, ready, START_S, "detection does not start")
    say("starting ingest: tap, Modbus poller, V2X, CAN, meters; and the lab that they watch")
    start("ingest-tap", tap)
    start("ingest-v2x", ["ingest", "v2x", "--udp", udp])
    return Addresses(udp, str(modbus), str(iec104))


def _start_lab(scene: Scene, addresses: "Addresses", say: Callable[[str], None]) -> None:
    udp, modbus, iec104 = addresses.udp, addresses.modbus, addresses.iec104
    common = ["--seconds", f"{scene.seconds:g}", "--seed", str(scene.seed), "--truth", str(scene.truth)]
    start = scene.parts.start
    substation = ["lab", "substation", *common, "--modbus-port", modbus, "--iec104-port", iec104]
    if scene.capture != "lo":
        substation += ["--capture", scene.capture]
    start("lab-substation", substation)
    start("ingest-modbus", ["ingest", "modbus", str(scene.directory / "lab" / "points.yaml")])
    meters = start("lab-meters", ["lab", "meters", "--meters", str(METERS), *common], piped=True)
    start("ingest-meter", ["ingest", "meter", "-"], feeds=meters)
    bus = start("lab-can", ["lab", "can", *common], piped=True)
    start("ingest-can", ["ingest", "can", "-", "--vehicle", "car-1"], feeds=bus)
    start("lab-vehicles", ["lab", "vehicles", "--cars", str(CARS), "--udp", udp, *common])
    say(f"{scene.seconds:g} s of traffic with attacks; Ctrl-C stops everything")


def _finish(scene: Scene, say: Callable[[str], None], look: Callable[[Scene, Books, float], None]) -> Result:
    say("the traffic ends; draining the pipeline")
    parts = {p.name: p for p in scene.parts.parts}
    for name, part in parts.items():
        if name.startswith("lab-"):
            _await(scene, lambda p=part: p.process.poll() is not None, 60.0, f"{name} does not end")  # type: ignore[misc]
    for name, part in parts.items():
        if name.startswith("ingest-"):
            scene.parts.stop(part)
    _await(scene, lambda: scene.auditor.books().waiting == 0, DRAIN_S, "detection does not catch up")
    scene.parts.stop(parts["detect"])
    # Landing and archive write out what they hold when they are asked to end.
    for name in ("land", "archive", "observe"):
        scene.parts.stop(parts[name])
    _run(scene, "land-rest", ["land", "--once"])
    books = scene.auditor.books()
    look(scene, books, 0.0)
    alerts = scene.auditor.alerts()
    attacks = truth.read(scene.truth)
    return Result(
        books,
        scene.auditor.balance(),
        [(a, truth.found_by(a, alerts)) for a in attacks],
        alerts,
        truth.unexplained(attacks, alerts),
        scene.auditor.latency(),
        scene.console,
        [f"{p.name} {p.state}: {p.last_line()}" for p in scene.parts.failed()],
    )


def _run(scene: Scene, name: str, arguments: list[str]) -> None:
    part = scene.parts.start(name, arguments)
    if part.process.wait(START_S) != 0:
        raise RunFault(f"{name} failed: {part.last_line()}", str(part.log), "read that log")


def _check(scene: Scene) -> None:
    for part in scene.parts.failed():
        raise RunFault(f"{part.name} {part.state}: {part.last_line()}", str(part.log), "read that log")


def _await(scene: Scene, holds: Callable[[], bool], seconds: float, otherwise: str) -> None:
    until = time.monotonic() + seconds
    while not holds():
        _check(scene)
        if time.monotonic() > until:
            raise RunFault(f"{otherwise} within {seconds:g} s", str(scene.directory / "log"), "read the logs there")
        _pause(scene, 0.25)


def _pause(scene: Scene, seconds: float) -> None:
    """Wait a moment, or until the newest running part ends."""
    running: list[Part] = [p for p in scene.parts.parts if p.process.poll() is None]
    if running:
        with suppress(subprocess.TimeoutExpired):
            running[0].process.wait(seconds)


def _udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
