"""Town traffic by Eclipse SUMO: a small grid of streets and a constant number of cars on random ways, over TraCI."""

import contextlib
import importlib.util
import io
import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from schemas.errors import RunFault

#: Time from state to state, seconds: also ETSI's T_CheckCamGen.
STEP_S: Final = 0.1
_REMEDY: Final = "run make setup, or pip install eclipse-sumo traci; vehicles need it, the other parts do not"
_LEGS: Final = 5
#: Wait between attempts to reach a SUMO that is still starting, seconds.
_RETRY_S: Final = 0.05


@dataclass(frozen=True)
class Car:
    """What a car knows of itself: metres east and north of the net's corner, m/s, degrees from north, m/s2, metres."""

    name: str
    x: float
    y: float
    speed: float
    heading: float
    acceleration: float
    length: float
    width: float


class Traffic:
    """A running simulation; `step` moves it by `STEP_S`."""

    def __init__(self, connection: Any, constants: Any, cars: int, seed: int) -> None:
        self._sumo = connection
        self._fields = {
            "position": constants.VAR_POSITION,
            "speed": constants.VAR_SPEED,
            "angle": constants.VAR_ANGLE,
            "acceleration": constants.VAR_ACCELERATION,
        }
        self._cars = cars
        self._random = random.Random(f"{seed} traffic")
        self._edges = sorted(edge for edge in connection.edge.getIDList() if not edge.startswith(":"))
        self._next = 0
        self._alive: set[str] = set()

    def step(self) -> list[Car]:
        """All cars on the road, by name; cars that arrived are replaced."""
        while len(self._alive) < self._cars:
            self._add()
        self._sumo.simulationStep()
        self._alive -= set(self._sumo.simulation.getArrivedIDList())
        states = self._sumo.vehicle.getAllSubscriptionResults()
        cars = []
        for name in sorted(states):
            state = {field: states[name].get(constant) for field, constant in self._fields.items()}
            # A car that waits for room has no place on the road yet: SUMO gives a large negative number for each field.
            if state["position"] is None or state["speed"] < 0:
                continue
            x, y = state["position"]
            cars.append(Car(name, x, y, state["speed"], state["angle"], state["acceleration"], 4.5, 1.8))
        return cars

    def roads(self) -> list[list[tuple[float, float]]]:
        """The middle line of every lane, over junctions too: places in the net, metres."""
        lanes = sorted(self._sumo.lane.getIDList())
        return [[(float(x), float(y)) for x, y in self._sumo.lane.getShape(lane)] for lane in lanes]

    def _add(self) -> None:
        name = f"car{self._next}"
        self._next += 1
        edges: list[str] = []
        here = self._random.choice(self._edges)
        for _ in range(_LEGS):
            there = self._random.choice(self._edges)
            leg = list(self._sumo.simulation.findRoute(here, there).edges)
            if len(leg) > 1:
                edges += leg if not edges else leg[1:]
                here = there
        self._sumo.route.add(name, edges or [here])
        self._sumo.vehicle.add(name, name, departPos="random_free", departSpeed="0")
        self._sumo.vehicle.subscribe(name, list(self._fields.values()))
        self._alive.add(name)


def _tool(name: str) -> str:
    """Path of a program of SUMO: from its Python package, else from the system."""
    spec = importlib.util.find_spec("sumo")
    if spec is not None and spec.origin is not None:
        packaged = Path(spec.origin).parent / "bin" / name
        if packaged.exists():
            return str(packaged)
    found = shutil.which(name)
    if found is None:
        raise RunFault("SUMO is not installed", name, _REMEDY)
    return found


@contextmanager
def traffic(cars: int, seed: int) -> Iterator[Traffic]:
    """Start SUMO on a fresh grid; it ends with the context.

    Args:
        cars: how many are on the road.
        seed: of net, ways and drivers.

    Raises:
        RunFault: SUMO is not installed or does not start.
    """
    try:
        import traci
        from traci import constants
    except ImportError as wrong:
        raise RunFault(f"TraCI cannot be imported: {wrong}", "traci", _REMEDY) from wrong
    with tempfile.TemporaryDirectory(prefix="gridwatch-sumo-") as folder:
        net = Path(folder) / "net.xml"
        make = [_tool("netgenerate"), "--grid", "--grid.number", "4", "--grid.length", "180", "--seed", str(seed)]
        make += ["--xml-validation", "never"]
        try:
            subprocess.run([*make, "-o", str(net)], check=True, capture_output=True, timeout=60, text=True)
        except (OSError, subprocess.SubprocessError) as wrong:
            said = str(getattr(wrong, "stderr", "") or wrong).strip().splitlines()[-1:]
            raise RunFault(f"SUMO's netgenerate failed: {' '.join(said)}", make[0], _REMEDY) from wrong
        port = _free_port()
        command = [_tool("sumo"), "-n", str(net), "--step-length", str(STEP_S), "--seed", str(seed)]
        command += ["--no-step-log", "--no-warnings", "--time-to-teleport", "-1", "--collision.action", "none"]
        command += ["--xml-validation", "never", "--remote-port", str(port)]
        log = Path(folder) / "sumo.log"
        with log.open("wb") as said_by_sumo:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said_by_sumo, stderr=said_by_sumo)
        try:
            # TraCI tells of its attempts on the standard output, which may be where the messages go.
            with contextlib.redirect_stdout(io.StringIO()):
                connection = traci.connect(port, 300, "127.0.0.1", process, _RETRY_S)
        except (OSError, traci.exceptions.TraCIException, traci.exceptions.FatalTraCIError) as wrong:
            process.kill()
            process.wait()
            last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            raise RunFault(f"SUMO does not start: {' '.join(last) or wrong}", command[0], _REMEDY) from wrong
        try:
            yield Traffic(connection, constants, cars, seed)
        finally:
            with contextlib.suppress(OSError, traci.exceptions.FatalTraCIError):
                connection.close(wait=False)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
