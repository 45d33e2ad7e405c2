"""Awareness messages on a road with a traffic light: cars that queue and start, wrong by metres; and F2MD's attackers among them.

No SUMO is needed: cars follow each other by the intelligent driver model. `gridwatch evaluate --v2x` measures the same attacks on the
traffic of a town.
"""

import random
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from ingest.lab.f2md_attacks import BY_NAME, AttackModel, Numbers, World, attacked
from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario
from ingest.lab.v2x_air import heard, messages, records
from ingest.lab.v2x_traces import Road, road_trace
from ingest.lab.vehicles import RoadsideUnit, wgs84
from ingest.source import Record

UNIT: Final = RoadsideUnit("rsu-light", 450.0, 6.0, 400.0)
#: The roadside unit is restarted every quarter of an hour; the first one is rush hour, then cars are rarer.
QUARTER_S, PAUSE_S = 900.0, 30.0
RUSH, LATER = Road(every_s=9.0), Road(every_s=40.0)


def _sent(seed: int, start: int, seconds: float, road: Road) -> pl.DataFrame:
    return messages(road_trace(road, seconds, seed), start, seed)


def quiet(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """What the unit hears, a quarter of an hour after the other."""
    out: list[Record] = []
    for number in range(max(1, round(seconds / QUARTER_S))):
        seed, begin = rng.getrandbits(20), start + round(number * QUARTER_S * 1e6)
        length = min(seconds, QUARTER_S) - PAUSE_S
        out += records(heard(_sent(seed, begin, length, LATER if number else RUSH), [UNIT], seed))
    return out


def _facts() -> dict[str, Any]:
    place = dict(zip(("latitude", "longitude"), wgs84(UNIT.x, UNIT.y), strict=True))
    lanes = [[wgs84(x, y) for x, y in lane] for lane in RUSH.lanes]
    return {"v2x": {"rules": "etsi", "receivers": {UNIT.address: {**place, "range_m": UNIT.range_m}}, "roads": lanes}}


POSITIONS: Final = Quiet("v2x_positions", "cars on a road with a traffic light", quiet, 14, _facts())


@dataclass(frozen=True)
class Attackers:
    vehicles: int = 2  # at least half a minute in reach each


def _by(model: AttackModel) -> Any:
    """Some cars send what the model says instead of the truth, as long as they are heard."""

    def inject(quiet_records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
        # Made anew: what an attacker sends hangs on how its car moves, not on what of it was heard.
        seed, begin = rng.getrandbits(20), start
        sent = _sent(seed, begin, QUARTER_S - PAUSE_S, RUSH)
        near = sent.filter((pl.col("true_x") - UNIT.x).abs() < 0.8 * UNIT.range_m)
        times = near.group_by("vehicle").agg(pl.col("time").min().alias("first"), pl.col("time").max().alias("last"))
        whole = times.filter((pl.col("last") - pl.col("first") > 30_000_000) & (pl.col("first") > start + 60_000_000))
        chosen = rng.sample(sorted(whole["vehicle"].to_list()), p.vehicles)
        box = (UNIT.x - 400, UNIT.y - 300, UNIT.x + 400, UNIT.y + 300)
        frame = heard(attacked(sent, model, chosen, box, seed), [UNIT], seed)
        forged = frame.with_row_index("at").filter("attack")
        clock = forged["time"].dt.epoch("us")
        # Whose messages a replay copies takes part too: who of the two is the copy, nobody can tell from one.
        names = frozenset(frame.filter(pl.col("vehicle").is_in(chosen) | pl.col("attack"))["station"].to_list())
        return Injected(records(frame), int(clock.min()), int(clock.max()), names, tuple(forged["at"].to_list()))  # type: ignore[arg-type]  # there are some

    return inject


def impossible_speed(own: pl.DataFrame, world: World, rng: np.random.Generator, p: Numbers) -> pl.DataFrame:
    """A speed that no car drives, up to the most that a CAM can tell; the place is true."""
    speed = pl.lit(float(rng.uniform(145.0, 163.0)))
    return own.with_columns(speed.alias("speed"), pl.lit(True).alias("attack"))


#: No model of F2MD claims more than 40 m/s.
IMPOSSIBLE_SPEED: Final = AttackModel(0, "impossible_speed", "one speed of 145 to 163 m/s", impossible_speed)
_MODELS: Final = {**BY_NAME, IMPOSSIBLE_SPEED.name: IMPOSSIBLE_SPEED}

QUIET: Final = (POSITIONS,)
SCENARIOS: Final = tuple(
    Scenario(
        f"v2x_{name}",
        threat,
        f"{number} cars: {_MODELS[name].says}",
        POSITIONS,
        QUARTER_S,
        _by(_MODELS[name]),
        Attackers,
    )
    for threat, number, name in (
        ("ITS-01", "two", "dos"),
        ("ITS-02", "two", "impossible_speed"),
        ("ITS-03", "two", "random_position"),
        ("ITS-03", "two", "random_offset"),
        ("ITS-04", "two", "random_speed"),
        ("ITS-05", "two", "constant_speed_offset"),
        ("ITS-05", "two", "zero_speed"),
        ("ITS-05", "two", "constant_speed"),
        ("ITS-06", "two", "constant_position"),
        ("ITS-07", "two", "grid_sybil"),
        ("ITS-07", "two", "replay_sybil"),
        ("ITS-07", "two", "dos_random_sybil"),
        ("ITS-08", "two", "constant_offset"),
    )
)
