"""How vehicles move: traces of a town's traffic by SUMO, kept on disk for a seed, and of one road without SUMO.

A trace is a frame with a row a vehicle and moment (`STEP_S` apart), by moment and vehicle: step, vehicle (a number), x and y (metres
east and north of the place's corner), speed (m/s), heading (degrees from north), acceleration (m/s2).
"""

import json
import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from ingest.lab.traffic import STEP_S, traffic

Floats = npt.NDArray[np.float64]
Polyline = tuple[tuple[float, float], ...]

#: Raised with every change of what a cached trace holds.
VERSION: Final = 1
#: Seconds that traffic runs before a trace begins: cars start standing.
WARM_UP_S: Final = 30.0
SCHEMA: Final = {
    "step": pl.Int32(),
    "vehicle": pl.Int32(),
    "x": pl.Float64(),
    "y": pl.Float64(),
    "speed": pl.Float64(),
    "heading": pl.Float64(),
    "acceleration": pl.Float64(),
}


@dataclass(frozen=True)
class Trace:
    """A trace, and the middle lines of the lanes it drives on (metres, as x and y of the trace)."""

    states: pl.DataFrame
    roads: tuple[Polyline, ...]


def town_trace(cars: int, seconds: float, seed: int, folder: Path | None = None) -> Trace:
    """Traffic of a small town by SUMO: `ingest.lab.traffic`. Read from the folder where it was made before.

    Args:
        cars: on the road at a time.
        seconds: length.
        seed: of net, ways and drivers.
        folder: where traces are kept; by default one below the system's temporary folder.

    Raises:
        RunFault: SUMO is not installed or does not start.
    """
    kept = (folder or Path(tempfile.gettempdir()) / "gridwatch-v2x") / f"town-{VERSION}-{cars}-{seconds:g}-{seed}"
    if not (kept / "roads.json").exists():
        states, roads = _drive(cars, seconds, seed)
        kept.mkdir(parents=True, exist_ok=True)
        # Each under another name first: a run that was stopped leaves nothing that looks whole.
        states.write_parquet(kept / "states.partial")
        (kept / "states.partial").replace(kept / "states.parquet")
        (kept / "roads.partial").write_text(json.dumps(roads), encoding="utf-8")
        (kept / "roads.partial").replace(kept / "roads.json")
    lines = json.loads((kept / "roads.json").read_text(encoding="utf-8"))
    roads_read = tuple(tuple((float(x), float(y)) for x, y in line) for line in lines)
    return Trace(pl.read_parquet(kept / "states.parquet"), roads_read)


def _drive(cars: int, seconds: float, seed: int) -> tuple[pl.DataFrame, list[list[tuple[float, float]]]]:
    first = round(WARM_UP_S / STEP_S)
    numbers: dict[str, int] = {}
    rows: list[tuple[Any, ...]] = []
    with traffic(cars, seed) as town:
        roads = town.roads()
        for step in range(first + round(seconds / STEP_S)):
            for car in town.step():
                number = numbers.setdefault(car.name, len(numbers))
                if step >= first:
                    rows.append((step - first, number, car.x, car.y, car.speed, car.heading, car.acceleration))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row"), roads


@dataclass(frozen=True)
class Road:
    """A straight road from west to east with one lane each way and a traffic light in the middle.

    Args:
        length_m: of the road.
        every_s: mean time between two cars that enter a lane.
        limit_ms: speed that drivers keep to, give or take a tenth.
        red_s, green_s: phases of the light.
    """

    length_m: float = 900.0
    every_s: float = 9.0
    limit_ms: float = 14.0
    red_s: float = 20.0
    green_s: float = 25.0

    @property
    def lanes(self) -> tuple[Polyline, ...]:
        """Middle lines of the lanes: the first drives east."""
        return tuple(((0.0, y), (self.length_m, y)) for y in (-1.75, 1.75))


#: Drivers of a `Road` (Treiber's intelligent driver model): acceleration, comfortable braking (m/s2), distance when
#: standing (m), time gap (s); hardest braking (m/s2); length of a car (m).
_GAIN, _BRAKE, _STANDING, _GAP, _HARDEST, LENGTH_M = 1.6, 2.0, 2.5, 1.2, 6.0, 4.5


def road_trace(road: Road, seconds: float, seed: int) -> Trace:
    """Cars on a road by the intelligent driver model (Treiber, Hennecke, Helbing 2000): quick, and needs no SUMO."""
    rng = np.random.default_rng([seed, 1])
    parts = []
    numbers = 0
    for lane, (_, y) in enumerate(line[0] for line in road.lanes):
        enter = np.cumsum(rng.exponential(road.every_s, size=2 + int(seconds / road.every_s * 2)) + 1.5) - 60.0
        enter = enter[enter < seconds]
        way, speed, gain = _drive_lane(road, enter, seconds, road.limit_ms * rng.uniform(0.9, 1.1, len(enter)))
        at, car = np.nonzero(~np.isnan(way))
        x = way[at, car] if lane == 0 else road.length_m - way[at, car]
        parts.append(
            pl.DataFrame(
                {
                    "step": at,
                    "vehicle": car + numbers,
                    "x": x,
                    "y": np.full(len(at), y),
                    "speed": speed[at, car],
                    "heading": np.full(len(at), 90.0 if lane == 0 else 270.0),
                    "acceleration": gain[at, car],
                }
            ).cast(pl.Schema(SCHEMA))
        )
        numbers += len(enter)
    return Trace(pl.concat(parts).sort("step", "vehicle"), road.lanes)


def _drive_lane(road: Road, enter: Floats, seconds: float, wanted: Floats) -> tuple[Floats, Floats, Floats]:
    """Way along the lane, speed and acceleration: a row a moment from 0 on, a column a car; NaN off the road."""
    warm, steps, cars = round(60.0 / STEP_S), round(seconds / STEP_S), len(enter)
    way, speed = np.full(cars, np.nan), np.zeros(cars)
    out = np.full((3, steps, cars), np.nan)
    light_m, cycle = road.length_m / 2, road.red_s + road.green_s
    for number in range(-warm, steps):
        at = number * STEP_S
        begins = np.isnan(way) & (enter <= at) & (enter > at - STEP_S)
        way[begins], speed[begins] = 0.0, wanted[begins]
        here = np.flatnonzero(~np.isnan(way) & (way <= road.length_m))
        # Cars enter in turn and never pass each other, so the one ahead is the one before.
        gap = np.full(len(here), 1e9)
        closing = np.zeros(len(here))
        gap[1:] = way[here[:-1]] - way[here[1:]] - LENGTH_M
        closing[1:] = speed[here[1:]] - speed[here[:-1]]
        if at % cycle < road.red_s:
            stop = light_m - way[here]
            halts = (stop > 0) & (stop < gap) & (speed[here] ** 2 / 2 / _HARDEST < stop)
            gap, closing = np.where(halts, stop, gap), np.where(halts, speed[here], closing)
        v = speed[here]
        desired = _STANDING + np.maximum(0.0, v * _GAP + v * closing / 2 / math.sqrt(_GAIN * _BRAKE))
        gain = _GAIN * (1 - (v / wanted[here]) ** 4 - (desired / np.maximum(gap, 0.1)) ** 2)
        gain = np.maximum(np.maximum(gain, -_HARDEST), -v / STEP_S)
        if number >= 0:
            out[0, number, here], out[1, number, here], out[2, number, here] = way[here], v, gain
        speed[here] = v + gain * STEP_S
        way[here] += v * STEP_S + gain * STEP_S**2 / 2
    return out[0], out[1], out[2]
