"""What is known of each station around each receiver, as arrays; the table it is kept in; the clock of a receiver."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from detectors.geometry import DEGREE_M
from detectors.grouping import Bools, Ints, running_max, stable_order

Floats = npt.NDArray[np.float64]

#: Where a station is and how it moves: degrees, m/s, degrees, seconds of its own time.
MOTION = ("latitude", "longitude", "speed", "heading", "time")


@dataclass
class Tracks:
    """What is known of each station of each receiver: arrays of one length, a track each.

    Attributes:
        receiver: number of the receiver.
        known: False for a track that is not there (yet, or any more).
        now: as of the last closed second: columns of `MOTION`.
        open: as of the open second, where `second` tells one.
        second: the open second in which the station was heard; -1 for none.
        clock: the receiver's clock when the station was last heard, seconds.
        born: and when it was first heard.
        since: since when its receiver had heard stations without a gap.
        lost: True for a station that came from nowhere.
        anchor: the older station that it stays with; -1 for none.
        stayed: seconds that it was seen with it.
        ahead, aside: where it stays, metres from the anchor in the frame of its own heading; `spread` is the variance, m2.
        ghost: the second until which it counts as a ghost; -1 for never.
    """

    receiver: Ints
    known: Bools
    now: dict[str, Floats]
    open: dict[str, Floats]
    second: Ints
    clock: Floats
    born: Floats
    since: Floats
    lost: Bools
    anchor: Ints
    stayed: Ints
    ahead: Floats
    aside: Floats
    spread: Floats
    ghost: Ints


#: A row a station of a receiver.
STATE: dict[str, pl.DataType] = {
    "receiver": pl.String(),
    "station": pl.String(),
    **{f"now_{name}": pl.Float64() for name in MOTION},
    **{f"open_{name}": pl.Float64() for name in MOTION},
    "second": pl.Int64(),
    "clock": pl.Float64(),
    "born": pl.Float64(),
    "since": pl.Float64(),
    "lost": pl.Boolean(),
    "anchor": pl.String(),
    "stayed": pl.Int64(),
    "ahead": pl.Float64(),
    "aside": pl.Float64(),
    "spread": pl.Float64(),
    "ghost": pl.Int64(),
}


def load(state: pl.DataFrame, code: Ints, receiver: Ints, keys: int) -> Tracks:
    """The tracks by number of the key: those of the state first."""
    n = len(state)

    def column(name: str, empty: Any, kind: Any = np.float64) -> Any:
        out = np.full(keys, empty, dtype=kind)
        out[:n] = state[name].to_numpy()
        return out

    known = np.zeros(keys, dtype=np.bool_)
    known[:n] = True
    return Tracks(
        receiver=receiver,
        known=known,
        now={name: column(f"now_{name}", np.nan) for name in MOTION},
        open={name: column(f"open_{name}", np.nan) for name in MOTION},
        second=column("second", -1, np.int64),
        clock=column("clock", -np.inf),
        born=column("born", np.inf),
        since=column("since", np.inf),
        lost=column("lost", False, np.bool_),
        anchor=np.concatenate((code, np.full(keys - n, -1))),
        stayed=column("stayed", 0, np.int64),
        ahead=column("ahead", 0.0),
        aside=column("aside", 0.0),
        spread=column("spread", 0.0),
        ghost=column("ghost", -1, np.int64),
    )


def save(tracks: Tracks, names: pl.DataFrame) -> pl.DataFrame:
    """The table of the tracks that are known; `names` has receiver and station of each."""
    anchored = (tracks.anchor >= 0) & tracks.known[np.maximum(tracks.anchor, 0)]
    anchor = names["station"].gather(np.maximum(tracks.anchor, 0))
    table = names.with_columns(
        *(pl.Series(f"now_{name}", tracks.now[name]) for name in MOTION),
        *(pl.Series(f"open_{name}", tracks.open[name]) for name in MOTION),
        *(pl.Series(name, getattr(tracks, name)) for name in ("second", "clock", "born", "since", "lost")),
        pl.when(pl.Series(anchored)).then(anchor).alias("anchor"),
        *(pl.Series(name, getattr(tracks, name)) for name in ("stayed", "ahead", "aside", "spread", "ghost")),
    )
    return table.select(pl.col(name).cast(kind) for name, kind in STATE.items()).filter(pl.Series(tracks.known))


def metres(latitude: Floats, longitude: Floats, from_latitude: Floats, from_longitude: Floats) -> tuple[Floats, Floats]:
    """East and north step, metres."""
    degrees = (longitude - from_longitude + 540.0) % 360.0 - 180.0
    return degrees * np.cos(np.radians(latitude)) * DEGREE_M, (latitude - from_latitude) * DEGREE_M


def last_heard(tracks: Tracks, receivers: int) -> tuple[Floats, Floats]:
    """The clock of each receiver, and since when it has heard stations without a gap; without any, minus and plus infinity."""
    at = np.flatnonzero(tracks.known)
    at = at[np.lexsort((tracks.clock[at], tracks.receiver[at]))]
    last = at[np.diff(tracks.receiver[at], append=-1) != 0]
    clock, since = np.full(receivers, -np.inf), np.full(receivers, np.inf)
    clock[tracks.receiver[last]], since[tracks.receiver[last]] = tracks.clock[last], tracks.since[last]
    return clock, since


def last_said(tracks: Tracks, own: Ints) -> Floats:
    """Time of the last message of each station."""
    return np.where(
        tracks.second[own] >= 0, tracks.open["time"][own], np.nan_to_num(tracks.now["time"][own], nan=-np.inf)
    )


def clocks(receiver: Ints, time: Floats, clock0: Floats, since0: Floats, gap_s: float) -> tuple[Floats, Floats]:
    """The clock of the receiver at each record, and since when it has heard stations without a gap."""
    order = stable_order(receiver, len(clock0))
    at, grouped = receiver[order], time[order]
    first = np.diff(at, prepend=-1) != 0
    run = running_max(np.where(first, np.maximum(grouped, clock0[at]), grouped), first)
    before = np.where(first, clock0[at], np.concatenate((run[:1], run[:-1])))
    begins = run - before > gap_s
    latest = np.maximum.accumulate(np.where(begins | first, np.arange(len(run)), 0))
    # The first of a receiver goes on from what was before, unless it begins anew.
    since_sorted = np.where(begins[latest], run[latest], since0[at])
    clock, since = np.empty_like(run), np.empty_like(run)
    clock[order], since[order] = run, since_sorted
    return clock, since
