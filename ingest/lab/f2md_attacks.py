"""The attack models of F2MD as transforms of a vehicle's honest messages: what an attacker sends instead of them.

Source: F2MD (Kamel et al.), `MDAttack`; numbers as its parameters. Unlike there, a grid Sybil leaves the speed a speed, and
everything is drawn from a seed. Times follow the honest messages, so the generation rules of ETSI, not a fixed beacon.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl

from ingest.lab.v2x_air import LENGTH_M, WIDTH_M, pseudonym_name
from ingest.lab.v2x_traces import Floats, Polyline

Rng = np.random.Generator
#: What a message claims; a replay copies it.
CLAIMS: Final = ("x", "y", "speed", "heading", "acceleration")
#: Numbers from here on name ghosts, a block a vehicle: `pseudonym_name` never gives them to a vehicle.
_GHOSTS, _BLOCK = 100_000, 64


@dataclass(frozen=True)
class Numbers:
    """The numbers of the attacks."""

    offset_m: float = 70.0  # constant offset, give or take `spread`, in any direction
    spread: float = 0.55
    random_offset_m: float = 35.0  # either way, in x and in y
    speed_max_ms: float = 40.0
    speed_offset_ms: float = 7.0  # give or take `spread`
    stop_probability: float = 0.05  # of each message
    stale_messages: int = 60
    times_faster: int = 4
    ghosts: int = 5
    ahead_m: float = 5.0  # between the bodies of ghosts
    aside_m: float = 2.0
    hears_m: float = 300.0  # whom the attacker can replay
    hears_s: float = 10.0  # and how old that is


@dataclass(frozen=True)
class World:
    """What an attacker hears, and where it is.

    Args:
        sent: the honest messages of everybody, by time.
        box: west, south, east and north bound of random places, metres.
    """

    sent: pl.DataFrame
    box: tuple[float, float, float, float]
    columns: dict[str, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "columns", {name: self.sent[name].to_numpy() for name in self.sent.columns if name != "station"}
        )

    def near(self, vehicle: int, time: int, x: float, y: float, p: Numbers) -> np.ndarray:
        """Rows of messages of others that a vehicle at a place has heard of late, oldest first."""
        c = self.columns
        low, high = np.searchsorted(c["time"], [time - round(p.hears_s * 1e6), time])
        rows = np.arange(low, high)
        far = np.hypot(c["true_x"][rows] - x, c["true_y"][rows] - y)
        return np.asarray(rows[(far < p.hears_m) & (c["vehicle"][rows] != vehicle)])


Forge = Callable[[pl.DataFrame, World, Rng, Numbers], pl.DataFrame]


@dataclass(frozen=True)
class AttackModel:
    """An attack of F2MD: its number there, what is done, and how."""

    number: int
    name: str
    says: str
    forge: Forge


def _place(rng: Rng, world: World, n: int) -> dict[str, Floats]:
    west, south, east, north = world.box
    return {"x": rng.uniform(west, east, n), "y": rng.uniform(south, north, n)}


def _with(own: pl.DataFrame, **claims: Any) -> pl.DataFrame:
    """The messages with other claims, all of them forged."""
    return own.with_columns(
        *(pl.Series(name, np.broadcast_to(value, len(own)).astype(float)) for name, value in claims.items()),
        pl.lit(True).alias("attack"),
    )


def _around(value: float, spread: float, rng: Rng) -> float:
    return float(value * rng.uniform(1 - spread, 1 + spread))


def constant_position(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> pl.DataFrame:
    place = _place(rng, world, 1)
    return _with(own, x=place["x"][0], y=place["y"][0])


def constant_offset(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> pl.DataFrame:
    way, angle = _around(p.offset_m, p.spread, rng), rng.uniform(0, 2 * np.pi)
    return _with(own, x=own["x"] + way * np.cos(angle), y=own["y"] + way * np.sin(angle))


def random_position(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> pl.DataFrame:
    return _with(own, **_place(rng, world, len(own)))


def random_offset(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> pl.DataFrame:
    dx, dy = rng.uniform(-p.random_offset_m, p.random_offset_m, (2, len(own)))
    return _with(own, x=own["x"].to_numpy() + dx, y=own["y"].to_numpy() + dy)


def constant_speed(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> pl.DataFrame:
    return _with(own, speed=rng.uniform(0, p.speed_max_ms))


def zero_speed(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> pl.DataFrame:
    return _with(own, speed=0.0)


def constant_speed_offset(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> pl.DataFrame:
    return _with(own, speed=own["speed"].to_numpy() + _around(p.speed_offset_ms, p.spread, rng))


def random_speed(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> pl.DataFrame:
    return _with(own, speed=rng.uniform(0, p.speed_max_ms, len(own)))


def random_speed_offset(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> pl.DataFrame:
    offset = p.speed_offset_ms * rng.uniform(1 - p.spread, 1 + p.spread, len(own)) * rng.choice([-1.0, 1.0], len(own))
    return _with(own, speed=np.maximum(0.0, own["speed"].to_numpy() + offset))


def eventual_stop(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> pl.DataFrame:
    stops = np.flatnonzero(rng.random(len(own)) < p.stop_probability)
    if not len(stops):
        return own.with_columns(pl.lit(False).alias("attack"))
    at = int(stops[0])
    held = own[at]
    forged = _with(own[at:], **{name: held[name][0] for name in CLAIMS} | {"speed": 0.0, "acceleration": 0.0})
    return pl.concat([own[:at].with_columns(pl.lit(False).alias("attack")), forged])


def _replay(own: pl.DataFrame, world: World, rows: np.ndarray) -> pl.DataFrame:
    """Own messages with the claims of the world's rows; where a row is negative nothing is sent."""
    sends = rows >= 0
    claims = {name: world.columns[name][rows[sends]] for name in CLAIMS}
    return _with(own.filter(pl.Series(sends)), **claims)


def _random_rows(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> np.ndarray:
    """For each own message a message that was heard of late."""
    rows = np.full(len(own), -1)
    for i, (vehicle, time, x, y) in enumerate(own.select("vehicle", "time", "true_x", "true_y").iter_rows()):
        near = world.near(vehicle, time, x, y, p)
        if len(near):
            rows[i] = rng.choice(near)
    return rows


def _followed_rows(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> np.ndarray:
    """For each own message the next one of a target, the vehicle that was nearest when it was chosen."""
    rows, target, last = np.full(len(own), -1), -1, -1
    c = world.columns
    for i, (vehicle, time, x, y) in enumerate(own.select("vehicle", "time", "true_x", "true_y").iter_rows()):
        near = world.near(vehicle, time, x, y, p)
        if not len(near):
            target = -1
            continue
        if target < 0 or not (c["vehicle"][near] == target).any():
            nearest = near[np.argmin(np.hypot(c["true_x"][near] - x, c["true_y"][near] - y))]
            target, last = int(c["vehicle"][nearest]), -1
        following = near[(c["vehicle"][near] == target) & (near > last)]
        if len(following):
            last = int(following[0] if last >= 0 else following[-1])
            rows[i] = last
    return rows


def disruptive(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> pl.DataFrame:
    return _replay(own, world, _random_rows(own, world, rng, p))


def data_replay(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> pl.DataFrame:
    return _replay(own, world, _followed_rows(own, world, rng, p))


def stale_messages(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> pl.DataFrame:
    old = np.maximum(np.arange(len(own)) - p.stale_messages, 0)
    return _with(own, **{name: own[name].to_numpy()[old] for name in CLAIMS})


def faster(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> pl.DataFrame:
    """More messages, true ones, evenly between the honest ones."""
    time = own["time"].to_numpy()
    gap = np.append(np.diff(time), 0)
    gap = np.where(gap > 2_000_000, 0, gap)  # the vehicle was away
    parts = [_with(own)]
    for k in range(1, p.times_faster):
        share = k / p.times_faster
        between: dict[str, Any] = {"time": time + np.round(gap * share).astype(np.int64)}
        for name in ("x", "y", "speed", "acceleration", "true_x", "true_y"):
            values = own[name].to_numpy()
            between[name] = values + share * np.append(np.diff(values), 0.0)
        heading = own["heading"].to_numpy()
        turn = (np.append(np.diff(heading), 0.0) + 180) % 360 - 180
        between["heading"] = (heading + share * turn) % 360
        more = own.with_columns(pl.Series(name, values) for name, values in between.items())
        parts.append(_with(more.filter(pl.Series(gap > 0))))
    return pl.concat(parts).sort("time", maintain_order=True)


def faster_random(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> pl.DataFrame:
    many = faster(own, world, rng, p)
    speed, heading = rng.uniform(0, p.speed_max_ms, len(many)), rng.uniform(0, 360, len(many))
    return _with(many, **_place(rng, world, len(many)), speed=speed, heading=heading)


def faster_disruptive(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> pl.DataFrame:
    return disruptive(faster(own, world, rng, p), world, rng, p)


def _ghost_names(own: pl.DataFrame, ghost: Any) -> pl.DataFrame:
    """Give each message the pseudonym of a ghost, a number below 262,144."""
    number = pl.Series("ghost", np.broadcast_to(ghost, len(own)).astype(np.int64))
    named = pseudonym_name(_GHOSTS + pl.col("vehicle") * _BLOCK, pl.col("ghost"), 0)
    return own.with_columns(number).with_columns(named).drop("ghost")


def _round_of_pseudonyms(own: pl.DataFrame) -> np.ndarray:
    """How often the own pseudonym changed before each message: ghosts change theirs with it."""
    return own["station"].rle_id().to_numpy().astype(np.int64)


def grid_sybil(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> pl.DataFrame:
    """Ghosts behind the attacker in two columns, each with a message after each own one; the own ones stay true."""
    parts = [_with(own)]
    gap = np.append(np.diff(own["time"].to_numpy()), 100_000).clip(0, 1_000_000)
    change = _round_of_pseudonyms(own)
    heading = np.radians(own["heading"].to_numpy())
    n = len(own)
    for ghost in range(1, p.ghosts + 1):
        back = ghost // 2 * (LENGTH_M + p.ahead_m) + rng.uniform(-p.ahead_m / 10, p.ahead_m / 10, n)
        aside = ghost % 2 * (WIDTH_M + p.aside_m) + rng.uniform(-p.aside_m / 10, p.aside_m / 10, n)
        later = np.round(gap * ghost / (p.ghosts + 1)).astype(np.int64)
        ahead = own["speed"].to_numpy() * later / 1e6
        forged = _with(
            own,
            x=own["x"].to_numpy() + (ahead - back) * np.sin(heading) + aside * np.cos(heading),
            y=own["y"].to_numpy() + (ahead - back) * np.cos(heading) - aside * np.sin(heading),
            speed=own["speed"].to_numpy() * rng.uniform(0.95, 1.05, n),
            heading=(own["heading"].to_numpy() + rng.uniform(-1, 1, n)) % 360,
        )
        parts.append(_ghost_names(forged.with_columns(pl.col("time") + later), change * p.ghosts + ghost))
    return pl.concat(parts).sort("time", maintain_order=True)


def replay_sybil(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> pl.DataFrame:
    """The messages of a target under the pseudonyms of ghosts in turn."""
    forged = _replay(own, world, _followed_rows(own, world, rng, p))
    return _ghost_names(forged, _round_of_pseudonyms(forged) * p.ghosts + np.arange(len(forged)) % p.ghosts)


def random_sybil(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> pl.DataFrame:
    forged = faster_random(own, world, rng, p)
    return _ghost_names(forged, np.arange(len(forged)))


def disruptive_sybil(own: pl.DataFrame, world: World, rng: Rng, p: Numbers) -> pl.DataFrame:
    forged = faster_disruptive(own, world, rng, p)
    return _ghost_names(forged, np.arange(len(forged)))


MODELS: Final = (
    AttackModel(1, "constant_position", "one place for all messages", constant_position),
    AttackModel(2, "constant_offset", "70 m +- 55 % off in one direction", constant_offset),
    AttackModel(3, "random_position", "any place of the town in each message", random_position),
    AttackModel(4, "random_offset", "up to 35 m off in x and y, anew in each message", random_offset),
    AttackModel(5, "constant_speed", "one speed of 0 to 40 m/s", constant_speed),
    AttackModel(6, "constant_speed_offset", "7 m/s +- 55 % too fast", constant_speed_offset),
    AttackModel(7, "random_speed", "0 to 40 m/s, anew in each message", random_speed),
    AttackModel(
        8, "random_speed_offset", "7 m/s +- 55 % too fast or too slow, anew in each message", random_speed_offset
    ),
    AttackModel(9, "eventual_stop", "with 5 % a message a sudden stop, for good", eventual_stop),
    AttackModel(10, "disruptive", "messages of others under the own pseudonym", disruptive),
    AttackModel(11, "data_replay", "the messages of one other under the own pseudonym", data_replay),
    AttackModel(12, "stale_messages", "what was true 60 messages ago", stale_messages),
    AttackModel(13, "dos", "true messages four times as often", faster),
    AttackModel(14, "dos_random", "random messages four times as often", faster_random),
    AttackModel(15, "dos_disruptive", "messages of others four times as often", faster_disruptive),
    AttackModel(16, "grid_sybil", "5 ghosts in two columns behind", grid_sybil),
    AttackModel(17, "replay_sybil", "the messages of one other under 5 pseudonyms in turn", replay_sybil),
    AttackModel(
        18, "dos_random_sybil", "random messages four times as often, each under a new pseudonym", random_sybil
    ),
    AttackModel(
        19,
        "dos_disruptive_sybil",
        "messages of others four times as often, each under a new pseudonym",
        disruptive_sybil,
    ),
    AttackModel(20, "zero_speed", "speed 0 all the time (VeReMi-NextGen)", zero_speed),
)
BY_NAME: Final = {model.name: model for model in MODELS}


def box_of(roads: Iterable[Polyline]) -> tuple[float, float, float, float]:
    """West, south, east and north bound of roads."""
    points = np.array([point for road in roads for point in road])
    (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
    return float(west), float(south), float(east), float(north)


def chosen_vehicles(sent: pl.DataFrame, share: float, seed: int) -> list[int]:
    """Attackers: every 1/share-th vehicle in the order of appearance, from a random one on."""
    vehicles = sent["vehicle"].unique(maintain_order=True).to_list()
    step = round(1 / share)
    first = int(np.random.default_rng([seed, 4]).integers(0, step))
    return vehicles[first::step]


def attacked(
    sent: pl.DataFrame,
    model: AttackModel,
    attackers: Iterable[int],
    box: tuple[float, float, float, float],
    seed: int,
    numbers: Numbers | None = None,
) -> pl.DataFrame:
    """All messages, those of the attackers forged; the column `attack` tells which. Message counts are made anew.

    Args:
        sent: honest messages (`ingest.lab.v2x_air.messages`).
        model: what attackers do.
        attackers: vehicles that do it, with every message.
        box: where random places lie (`box_of`).
        seed: of everything random.
        numbers: instead of the defaults.
    """
    world, p, chosen = World(sent, box), numbers or Numbers(), sorted(attackers)
    parts = [sent.filter(~pl.col("vehicle").is_in(chosen)).with_columns(pl.lit(False).alias("attack"))]
    for vehicle in chosen:
        rng = np.random.default_rng([seed, 5, model.number, vehicle])
        forged = model.forge(sent.filter(pl.col("vehicle") == vehicle), world, rng, p)
        first = pl.col("message_count").first()
        counted = (first + pl.int_range(pl.len())).over("station") % 128
        parts.append(forged.with_columns(counted.alias("message_count")).select(parts[0].columns))
    return pl.concat(parts).sort("time", "vehicle", maintain_order=True)
