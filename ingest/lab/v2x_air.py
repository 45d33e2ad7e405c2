"""What vehicles of a trace say of themselves, and what roadside units hear of it: awareness messages as columns.

Messages are a frame by time: time (microseconds since 1970), vehicle (a number), station (its pseudonym), message_count, x, y (claimed,
metres in the place), speed (m/s), heading (degrees), acceleration (m/s2), true_x, true_y (where the radio is).

What a vehicle knows of itself is wrong by errors that wander: within the radius that the message claims with 95 % (position), a
share of the speed, degrees of the heading. So it is in F2MD (`RelativeOffset`), whose figures stand here as defaults.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from ingest.lab.awareness import DISTANCE_M, HEADING_DEG, MAX_GAP_S, SPEED_MS
from ingest.lab.traffic import STEP_S
from ingest.lab.v2x_traces import Floats, Trace
from ingest.lab.vehicles import RoadsideUnit, wgs84
from ingest.source import Record
from schemas.project.arrow import to_arrow
from schemas.records import CAM

LENGTH_M, WIDTH_M, CAR = 4.5, 1.8, 5
#: Standard deviations that hold 95 %: of a normal distribution in two dimensions, and in one.
TWO_D, ONE_D = 2.4477, 1.96
#: Messages after which a station whose motion changed goes back to one a second (EN 302 637-2, N_GenCam).
N_GEN_CAM: Final = 3


@dataclass(frozen=True)
class Errors:
    """How wrong a vehicle is about itself, each with 95 %; errors forget themselves within `wander_s`."""

    position_m: float = 10.0
    speed_share: float = 0.05
    heading_deg: float = 20.0
    wander_s: float = 30.0


@dataclass(frozen=True)
class Pseudonyms:
    """When a station takes a new pseudonym: after a time, or after a way; 0 for never."""

    every_s: float = 240.0
    every_m: float = 0.0


def messages(
    trace: Trace, start: int, seed: int, errors: Errors | None = None, change: Pseudonyms | None = None
) -> pl.DataFrame:
    """The messages of a trace by the generation rules of ETSI EN 302 637-2 V1.4.1, clause 6.1.3.

    Args:
        trace: how the vehicles move.
        start: time of the trace's begin, microseconds since 1970.
        seed: of errors, pseudonyms and clocks.
        errors: how wrong vehicles are.
        change: of pseudonyms.
    """
    errors, change = errors or Errors(), change or Pseudonyms()
    rng = np.random.default_rng([seed, 2])
    states = trace.states
    vehicle = states["vehicle"].to_numpy()
    columns = {name: states[name].to_numpy() for name in ("x", "y", "speed", "heading", "acceleration")}
    bounds = np.searchsorted(states["step"].to_numpy(), np.arange(int(states["step"].to_numpy().max()) + 2))
    count = int(vehicle.max()) + 1
    station = _Stations(count, errors, change, rng)
    phase = rng.integers(0, round(STEP_S * 1e6), count)
    parts: list[tuple[Any, ...]] = []
    for step in range(len(bounds) - 1):
        rows = slice(bounds[step], bounds[step + 1])
        who = vehicle[rows]
        now = {name: values[rows] for name, values in columns.items()}
        due, said, pseudonym, number = station.step(who, now, step * STEP_S)
        sent = who[due]
        parts.append(
            (
                start + round(step * STEP_S * 1e6) + phase[sent],
                sent,
                pseudonym[due],
                number[due],
                *(said[name][due] for name in columns),
                now["x"][due],
                now["y"][due],
            )
        )
    names = ("time", "vehicle", "pseudonym", "message_count", *columns, "true_x", "true_y")
    frame = pl.DataFrame(
        {name: np.concatenate(part) for name, part in zip(names, zip(*parts, strict=True), strict=True)}
    )
    return (
        frame.with_columns(pseudonym_name(pl.col("vehicle"), pl.col("pseudonym"), seed))
        .drop("pseudonym")
        .with_columns(pl.col("time", "vehicle", "message_count").cast(pl.Int64))
        .sort("time", "vehicle")
    )


def pseudonym_name(vehicle: pl.Expr, number: pl.Expr, seed: int) -> pl.Expr:
    """Eight hexadecimal digits for the n-th pseudonym of a vehicle, as a station of a CAM or a BSM has them."""
    # A bijection of 32 bits, so that no two are the same: multiplication by an odd number, a rotation between two.
    whole = (vehicle.cast(pl.Int64) * 4096 + number.cast(pl.Int64) + seed * 7919) * 2_654_435_761 % 2**32
    mixed = (whole // 2**16 + whole % 2**16 * 2**16) * 2_246_822_519 % 2**32
    digits = [((mixed // 16**place) % 16) for place in range(7, -1, -1)]
    names = list("0123456789ABCDEF")
    return pl.concat_str([d.replace_strict(list(range(16)), names, return_dtype=pl.String) for d in digits]).alias(
        "station"
    )


class _Stations:
    """The stations of all vehicles: their errors, their last message, their pseudonym. One row a vehicle."""

    def __init__(self, count: int, errors: Errors, change: Pseudonyms, rng: np.random.Generator) -> None:
        self._errors, self._change, self._rng = errors, change, rng
        # East, north, share of speed, heading.
        sigma = [errors.position_m / TWO_D] * 2 + [errors.speed_share / ONE_D, errors.heading_deg / ONE_D]
        self._sigma = np.array(sigma)[:, None]
        self._error = rng.normal(0.0, 1.0, (4, count)) * self._sigma
        self._keep = float(np.exp(-STEP_S / errors.wander_s))
        self._sent = np.full(count, -np.inf)
        self._last = np.zeros((4, count))
        self._pace = np.full(count, MAX_GAP_S)  # T_GenCam
        self._paced = np.zeros(count, dtype=np.int64)
        self._pseudonym = np.zeros(count, dtype=np.int64)
        self._number = rng.integers(0, 128, count)
        # The first pseudonym is in use for a while already.
        used = rng.random(count)
        self._until_s = np.full(count, np.nan)
        self._left_m = (1 - used) * change.every_m
        self._used = used

    def step(self, who: np.ndarray, now: dict[str, Floats], at_s: float) -> tuple[Any, dict[str, Floats], Any, Any]:
        """Who sends a message, what each believes, its pseudonym and message count."""
        draw = self._rng.normal(0.0, 1.0, (4, len(who))) * self._sigma * np.sqrt(1 - self._keep**2)
        error = self._error[:, who] * self._keep + draw
        self._error[:, who] = error
        said = {
            "x": now["x"] + error[0],
            "y": now["y"] + error[1],
            "speed": np.maximum(0.0, now["speed"] * (1 + error[2])),
            "heading": (now["heading"] + error[3]) % 360,
            "acceleration": now["acceleration"] + self._rng.normal(0.0, 0.1, len(who)),
        }
        believed = np.stack([said[name] for name in ("x", "y", "speed", "heading")])
        last, waited = self._last[:, who], at_s - self._sent[who]
        turned = np.abs((believed[3] - last[3] + 180) % 360 - 180) > HEADING_DEG
        moved = np.hypot(believed[0] - last[0], believed[1] - last[1]) > DISTANCE_M
        changed = turned | moved | (np.abs(believed[2] - last[2]) > SPEED_MS)
        paced = ~changed & (waited >= self._pace[who] - 1e-6)
        due = changed | paced
        self._paced[who] = np.where(changed, 0, self._paced[who] + paced)
        pace = np.where(changed, np.minimum(waited, MAX_GAP_S), self._pace[who])
        self._pace[who] = np.where(self._paced[who] >= N_GEN_CAM, MAX_GAP_S, pace)
        self._change_pseudonyms(who, now["speed"] * STEP_S, at_s)
        sent = who[due]
        self._sent[sent], self._last[:, sent] = at_s, believed[:, due]
        self._number[sent] = (self._number[sent] + 1) % 128
        return due, said, self._pseudonym[who], self._number[who]

    def _change_pseudonyms(self, who: np.ndarray, way: Floats, at_s: float) -> None:
        new = np.zeros(len(who), dtype=np.bool_)
        if self._change.every_s:
            fresh = np.isnan(self._until_s[who])
            self._until_s[who] = np.where(
                fresh, at_s + (1 - self._used[who]) * self._change.every_s, self._until_s[who]
            )
            new |= at_s >= self._until_s[who]
            self._until_s[who] += np.where(new, self._change.every_s, 0.0)
        if self._change.every_m:
            self._left_m[who] -= way
            far = self._left_m[who] <= 0
            self._left_m[who] += np.where(far, self._change.every_m, 0.0)
            new |= far
        changed = who[new]
        self._pseudonym[changed] += 1
        self._number[changed] = self._rng.integers(0, 128, len(changed))


def heard(
    sent: pl.DataFrame, receivers: Sequence[RoadsideUnit], seed: int, errors: Errors | None = None, loss: float = 0.03
) -> pl.DataFrame:
    """The messages as roadside units hear them, by time: the fields of CAM, and every further column of the messages.

    Args:
        sent: messages.
        receivers: the roadside units; the edge of their range is soft.
        seed: of what is lost on the way and of delays.
        errors: gives the radius that every position claims.
        loss: share of messages lost within range.
    """
    rng = np.random.default_rng([seed, 3])
    radius = (errors or Errors()).position_m
    parts = []
    for unit in receivers:
        far = np.hypot(sent["true_x"].to_numpy() - unit.x, sent["true_y"].to_numpy() - unit.y)
        clear = np.clip((unit.range_m - far) / (0.1 * unit.range_m), 0.0, 1.0 - loss)
        got = sent.filter(pl.Series(rng.random(len(sent)) < clear))
        delay = rng.integers(4_000, 8_000, len(got))
        parts.append(
            got.with_columns(pl.lit(unit.address).alias("receiver"), pl.Series("received", got["time"] + delay))
        )
    both = pl.concat(parts).sort("time", "receiver", maintain_order=True)
    latitude, longitude = _positions(both)
    fields: dict[str, pl.Expr | pl.Series] = {
        "time": _utc("time"),
        "received": _utc("received"),
        "station_type": pl.lit(CAR),
        "latitude": pl.Series("latitude", latitude).round(7),
        "longitude": pl.Series("longitude", longitude).round(7),
        "position_confidence_m": pl.lit(radius),
        "speed_ms": pl.col("speed").round(2),
        "heading_deg": pl.col("heading").round(1) % 360,
        "acceleration_ms2": pl.col("acceleration").clip(-16, 16).round(1),
        "backward": pl.lit(False),
        "length_m": pl.lit(LENGTH_M),
        "width_m": pl.lit(WIDTH_M),
        "signature": pl.lit("valid"),
    }
    types = dict(pl.Schema(to_arrow(CAM)))
    filled = both.with_columns(value.alias(name) for name, value in fields.items())
    filled = filled.with_columns(pl.lit(None).alias(name) for name in CAM.names if name not in filled.columns)
    extra = [name for name in sent.columns if name not in types]
    return filled.select(*(pl.col(name).cast(kind) for name, kind in types.items()), *extra)


def _positions(frame: pl.DataFrame) -> tuple[Floats, Floats]:
    # Linear in both, so that it works on columns too.
    latitude0, longitude0 = wgs84(0.0, 0.0)
    latitude1, longitude1 = wgs84(1.0, 1.0)
    x, y = frame["x"].to_numpy(), frame["y"].to_numpy()
    return latitude0 + (latitude1 - latitude0) * y, longitude0 + (longitude1 - longitude0) * x


def _utc(name: str) -> pl.Expr:
    return pl.from_epoch(name, "us").dt.replace_time_zone("UTC")


def records(frame: pl.DataFrame) -> list[Record]:
    """The records of a frame of `heard`."""
    rows = frame.select(CAM.names).with_columns(pl.col("time", "received").dt.epoch("us"))
    return [Record(CAM, row) for row in rows.iter_rows(named=True)]
