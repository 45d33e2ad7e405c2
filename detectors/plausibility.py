"""How plausible an awareness message is, check by check, given what its station said before: mathematics of several detectors.

Each check says by how much a message is off, as a share of what errors and driving explain: from 1 on it fails. Its score is
1 for a message that fits and `FAILS` or less for one that does not, so that checks can be fused. A check that has nothing to judge by
(no speed, the first message) gives a null.

Source: F2MD (Kamel et al.), the checks of its CaTCh and legacy modules, with the radius that a message claims for its
position; ETSI TS 103 759, the observations on CAMs and their classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from detectors.facts.vehicle import Receiver
from detectors.geometry import east_m, is_position, length, north_m
from detectors.memory import Cusum, Derived, Last, LeakySum, Shared, TimeSince
from detectors.memory.base import Beside
from detectors.road_map import Line, RoadMap

BY = ("station",)
#: Score at which a check fails (F2MD's threshold).
FAILS = 0.28125
#: A message with a position.
PLACED = Derived("placed", is_position("latitude", "longitude"))
#: One whose motion can be judged: position, speed and heading are there, and it does not drive backward.
MOVING = Derived(
    "placed and moving",
    PLACED.expr
    & pl.col("speed_ms").is_between(0, 200).fill_null(False)
    & pl.col("heading_deg").is_between(0, 360).fill_null(False)
    & ~pl.col("backward").fill_null(False),
)
#: One that tells its speed.
SAYS_SPEED = Derived("says its speed", pl.col("speed_ms").is_finite().fill_null(False))
#: Heading and speed of a message, a number where it tells none: the message before is always the same for both.
HEADING = Derived("heading or 0", pl.col("heading_deg").fill_nan(None).fill_null(0.0).clip(-1e3, 1e3))
SPEED = Derived("speed or 0", pl.col("speed_ms").fill_nan(None).fill_null(0.0).clip(-1e3, 1e3))


@dataclass(frozen=True)
class Check:
    """One check.

    Args:
        name: of the observation in TS 103 759 where it has one, else of the check in F2MD.
        observed: class of TS 103 759: 1 a value, 2 against earlier messages, 3 against the place, 5 against others.
        shared: how far off a message is, as a share of what is explained; null where it cannot be judged.
    """

    name: str
    observed: int
    shared: Shared

    @classmethod
    def of(cls, name: str, observed: int, numbers: object, off: pl.Expr, *memories: Beside) -> "Check":
        """A check with the numbers that tell it from others of its name, and the memories that `off` reads."""
        return cls(name, observed, Shared(Derived(f"{name} off by {numbers}", off, memories)))

    @property
    def off(self) -> pl.Expr:
        """The column of `shared`."""
        return self.shared.col

    @property
    def fails(self) -> pl.Expr:
        """True where the check fails; False where it cannot judge."""
        return (self.off >= 1).fill_null(False)

    @property
    def score(self) -> pl.Expr:
        """1 plausible, 0 not at all; 1 where it cannot judge."""
        return (1 - self.off.fill_null(0.0) * (1 - FAILS)).clip(0.0, 1.0)


def radius(least_m: float, most_m: float) -> Derived:
    """The radius that a message claims for its position, metres: `least_m` where it claims none or less, `most_m` where more."""
    claimed = pl.col("position_confidence_m").fill_nan(None).fill_null(least_m).clip(least_m, most_m)
    return Derived(f"confidence {least_m:g} to {most_m:g} m", claimed)


@dataclass(frozen=True)
class Before:
    """The message before, of those with `where`: seconds since then, and the step from its place in metres."""

    where: Derived

    @property
    def gap(self) -> TimeSince:
        """Seconds since then."""
        return TimeSince(BY, self.where)

    @property
    def _place(self) -> tuple[Last, Last]:
        return Last(BY, "latitude", self.where), Last(BY, "longitude", self.where)

    @property
    def east(self) -> Shared:
        """Metres to the east."""
        step = east_m(pl.col("latitude"), pl.col("longitude"), self._place[1].col)
        return Shared(Derived(f"step east where {self.where.name}", step, self._place[1:]))

    @property
    def north(self) -> Shared:
        """Metres to the north."""
        step = north_m(pl.col("latitude"), self._place[0].col)
        return Shared(Derived(f"step north where {self.where.name}", step, self._place[:1]))

    @property
    def distance(self) -> Shared:
        """Metres."""
        far = length(self.east.col, self.north.col)
        return Shared(Derived(f"step where {self.where.name}", far, (self.east, self.north)))


def position_change(speed_ms: float, gap_max_s: float, claimed: Derived, *, trusting: bool = False) -> Check:
    """A step farther than a speed carries in the time, both claimed radii added.

    Args:
        speed_ms: the fastest that the station can be.
        gap_max_s: longer gaps are not judged.
        claimed: see `radius`.
        trusting: take the faster of both claimed speeds, where that is less, and what a vehicle gains in between.
    """
    step, before, speed = Before(PLACED), Last(BY, claimed, PLACED), Last(BY, SPEED, PLACED)
    fastest = pl.lit(speed_ms)
    if trusting:
        fastest = (pl.max_horizontal(SPEED.expr, speed.col) + 2.0).clip(0.0, speed_ms)
    allowed = fastest * step.gap.col + claimed.expr + before.col
    off = pl.when(PLACED.expr & (step.gap.col < gap_max_s)).then(step.distance.col / allowed)
    numbers = (speed_ms, gap_max_s, claimed.name, trusting)
    return Check.of(
        "Position-ChangeTooLarge", 2, numbers, off, step.distance, step.gap, before, *([speed] if trusting else [])
    )


def speed_before() -> tuple[Last, TimeSince]:
    """The speed that a station said last, and seconds since then."""
    return Last(BY, "speed_ms", SAYS_SPEED), TimeSince(BY, SAYS_SPEED)


def speed_change(faster_ms2: float, slower_ms2: float, noise_ms: float, gap_max_s: float) -> Check:
    """A change of speed beyond what a vehicle gains or loses in the time, and noise of both speeds."""
    before, gap = speed_before()
    change = pl.col("speed_ms") - before.col
    allowed = pl.when(change > 0).then(faster_ms2).otherwise(slower_ms2) * gap.col + noise_ms
    off = pl.when(SAYS_SPEED.expr & (gap.col < gap_max_s)).then(change.abs() / allowed)
    return Check.of("Speed-ChangeTooLarge", 2, (faster_ms2, slower_ms2, noise_ms, gap_max_s), off, before, gap)


def speed_limit(limits: Mapping[int, float], unknown_ms: float, backward_ms: float) -> pl.Expr:
    """The fastest that the declared type of station drives, m/s.

    Args:
        limits: by station type of TS 102 894-2.
        unknown_ms: of every other type.
        backward_ms: of all that drive backward.
    """
    of_type = pl.col("station_type").replace_strict(
        list(limits), list(limits.values()), default=unknown_ms, return_dtype=pl.Float64
    )
    backward = pl.col("backward").fill_null(False)
    return pl.when(backward).then(pl.min_horizontal(of_type, pl.lit(backward_ms))).otherwise(of_type)


@dataclass(frozen=True)
class Motion:
    """The track of a station against the speed and heading that it claims.

    The steps between positions are turned into the frame of the claimed heading and added up, and so is the claimed way; what is
    older than `seconds` fades. That is the steady state of a Kalman filter of the position whose input is the claimed speed: noise
    of single positions cancels, a false speed adds up. An error of the heading turns the sum and does not shorten it.
    """

    seconds: float
    gap_max_s: float

    @property
    def sums(self) -> tuple[LeakySum, LeakySum, LeakySum]:
        """Metres driven ahead and aside of the claimed heading, and metres claimed."""
        step, heading, speed = Before(MOVING), Last(BY, "heading_deg", MOVING), Last(BY, "speed_ms", MOVING)
        judged = Derived(
            f"moving within {self.gap_max_s:g}s",
            MOVING.expr & (step.gap.col < self.gap_max_s).fill_null(False),
            (step.gap,),
        )
        turn = (pl.col("heading_deg") - heading.col + 180.0) % 360.0 - 180.0
        middle = (heading.col + turn * 0.5).radians()
        needs = (step.east, step.north, heading)
        ahead = Derived("step ahead", step.east.col * middle.sin() + step.north.col * middle.cos(), needs)
        aside = Derived("step aside", step.north.col * middle.sin() - step.east.col * middle.cos(), needs)
        way = Derived("claimed way", (pl.col("speed_ms") + speed.col) * 0.5 * step.gap.col, (speed, step.gap))
        ahead_sum, aside_sum, way_sum = (LeakySum(BY, value, self.seconds, judged) for value in (ahead, aside, way))
        return ahead_sum, aside_sum, way_sum

    @property
    def driven(self) -> pl.Expr:
        """Metres that the positions moved."""
        return length(self.sums[0].col, self.sums[1].col)

    @property
    def claimed(self) -> pl.Expr:
        """Metres that the speed claims."""
        return self.sums[2].col

    def allowed(self, rest: Derived, share: float) -> pl.Expr:
        """Metres by which both may differ: see `speed_check`."""
        return rest.expr + self.claimed * share

    def speed_check(self, rest: Derived, share: float) -> Check:
        """The track is longer or shorter than the claimed way.

        Args:
            rest: metres that noise of the positions explains.
            share: of the claimed way that noise of the speed explains.
        """
        off = (self.driven - self.claimed).abs() / self.allowed(rest, share)
        numbers = (self.seconds, self.gap_max_s, rest.name, share)
        return Check.of("PositionSpeedConsistency", 2, numbers, pl.when(MOVING.expr).then(off), *self.sums)

    def heading_check(self, rest: Derived) -> Check:
        """The track leads away from the claimed heading: by 90 degrees it fails. A track within twice `rest` is not judged."""
        far = (self.driven > 2 * rest.expr) & (self.claimed > 2 * rest.expr)
        off = pl.when(MOVING.expr & far).then(1 - self.sums[0].col / self.driven)
        return Check.of("PositionHeadingConsistency", 2, (self.seconds, self.gap_max_s, rest.name), off, *self.sums)


@dataclass(frozen=True)
class Dynamics:
    """The generation rules of ETSI EN 302 637-2 clause 6.1.3 and the triggers that TS 103 759 checks them by.

    A station may send again before a second has passed where its heading, place or speed changed by 4 degrees, 4 m or 0.5 m/s, and
    keeps that pace for three more messages (N_GenCam). Limits are taken a tenth lower, for messages round their values.
    """

    turn_deg: float = 3.6
    step_m: float = 3.6
    change_ms: float = 0.45
    soon_s: float = 0.8  # 80 % of T_GenCamMax
    most: int = 3

    @property
    def early(self) -> Cusum:
        """How many messages in a row came early while nothing had changed; the very same message again counts as none."""
        step, heading, speed = Before(PLACED), Last(BY, HEADING, PLACED), Last(BY, SPEED, PLACED)
        turned = ((HEADING.expr - heading.col + 180.0) % 360.0 - 180.0).abs() > self.turn_deg
        changed = turned | (step.distance.col > self.step_m) | ((SPEED.expr - speed.col).abs() > self.change_ms)
        moved = changed | (step.gap.col >= self.soon_s)
        another = Derived("another message", PLACED.expr & (step.gap.col > 0).fill_null(True), (step.gap,))
        counted = Derived(
            f"early of {self.turn_deg:g} deg, {self.step_m:g} m, {self.change_ms:g} m/s, {self.soon_s:g}s",
            pl.when(moved.fill_null(True)).then(-1e9).otherwise(1.0),
            (step.distance, step.gap, heading, speed),
        )
        return Cusum(BY, counted, where=another, most=1e6)

    def check(self) -> Check:
        """More messages in a row than the rules let through."""
        off = self.early.col * (1 / (self.most + 1))
        return Check.of("Beacon-IntervalTooSmall", 2, self, pl.when(PLACED.expr).then(off), self.early)


def static_change() -> Check:
    """Length, width or type of the vehicle changes under one pseudonym."""
    names = ("length_m", "width_m", "station_type")
    told = Derived("says its size", pl.all_horizontal(pl.col(name).is_not_null() for name in names))
    sizes = [Last(BY, name, told) for name in names]
    same = pl.all_horizontal(pl.col(name).eq_missing(size.col) for name, size in zip(names, sizes, strict=True))
    off = pl.when(told.expr & sizes[0].col.is_not_null()).then(pl.when(same).then(0.0).otherwise(2.0))
    return Check.of("Static-Change", 2, names, off, *sizes)


def out_of_range(receivers: Mapping[str, Receiver], claimed: Derived) -> Check:
    """A place farther from the receiver than it hears."""
    names = list(receivers)

    def of(values: list[float]) -> pl.Expr:
        return pl.col("receiver").replace_strict(names, values, default=None, return_dtype=pl.Float64)

    latitude, longitude = (of([getattr(r, name) for r in receivers.values()]) for name in ("latitude", "longitude"))
    far = length(east_m(pl.col("latitude"), pl.col("longitude"), longitude), north_m(pl.col("latitude"), latitude))
    off = far / (of([r.range_m for r in receivers.values()]) + claimed.expr)
    return Check.of("AcceptanceRange", 3, claimed.name, pl.when(PLACED.expr).then(off))


def off_road(roads: Sequence[Line], half_width_m: float, moving_ms: float, claimed: Derived) -> Check:
    """A place off every road that runs the way of the heading, of a station that drives.

    Args:
        roads: lines of (latitude, longitude), degrees.
        half_width_m: from the line of a road to its edge.
        moving_ms: slower stations are not judged.
        claimed: see `radius`.
    """
    drives = PLACED.expr & (pl.col("speed_ms") > moving_ms) & pl.col("speed_ms").is_finite()
    off = road_map(tuple(roads)).column() / (half_width_m + claimed.expr)
    return Check.of(
        "Position-OnRoad", 3, (half_width_m, moving_ms, claimed.name), pl.when(drives.fill_null(False)).then(off)
    )


#: Distances beyond are all the same to every check, metres.
FAR_M = 80.0


@lru_cache(maxsize=4)
def road_map(roads: tuple[Line, ...]) -> RoadMap:
    """The grid of some roads, made once for all detectors that ask."""
    return RoadMap(roads, FAR_M)
