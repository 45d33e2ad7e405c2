"""The stations around each receiver as a picture that is renewed every second: who is near whom, who came from nowhere.

Mathematics of `ghost_vehicles`. A second of a receiver is closed by its first record of the next one. What is said of a record rests
on the closed picture and on what came before it in its own second, so it does not matter where the stream is cut. All
receivers and stations are worked on at once; what cannot be done at once is done a second at a time.
"""

from dataclasses import dataclass

import numpy as np

from detectors.geometry import DEGREE_M
from detectors.grouping import Bools, Ints
from detectors.tracks import MOTION, Floats, Tracks, last_heard, metres


@dataclass(frozen=True)
class Settings:
    """Numbers of the picture; see the parameters of `ghost_vehicles`."""

    near_m: float
    moving_ms: float
    rigid_m2: float
    rigid_seconds: int
    heading_deg: float
    alive_s: float
    kept_s: float
    tracks_max: int
    memory_seconds: int = 10
    ghost_seconds: int = 60
    together_s: float = 5.0


def from_predicted(own: dict[str, Floats], other: dict[str, Floats]) -> tuple[Floats, Floats, Floats]:
    """East and north from where others are expected at the own time, and the seconds they are carried on."""
    east, north = metres(own["latitude"], own["longitude"], other["latitude"], other["longitude"])
    gap = own["time"] - other["time"]
    heading = np.radians(other["heading"])
    way = other["speed"] * gap
    return east - way * np.sin(heading), north - way * np.cos(heading), gap


def close(tracks: Tracks, second: int, receivers: Bools, s: Settings) -> None:
    """Close the open second of receivers that have come to a later one.

    Args:
        tracks: changed in place.
        second: the second that begins.
        receivers: True for the numbers of the receivers concerned.
        s: the numbers.
    """
    mine = tracks.known & receivers[tracks.receiver]
    done = np.flatnonzero(mine & (tracks.second >= 0) & (tracks.second < second))
    if not len(done):
        return
    for name in MOTION:
        tracks.now[name][done] = tracks.open[name][done]
    ended = int(tracks.second[done].max())
    tracks.second[done] = -1
    _settle(tracks, done, s)
    alive = mine & (tracks.clock > last_heard(tracks, len(receivers))[0][tracks.receiver] - s.alive_s)
    rigid = np.flatnonzero(
        alive & (tracks.anchor >= 0) & (tracks.stayed >= s.rigid_seconds) & (tracks.spread < s.rigid_m2)
    )
    followers = np.bincount(tracks.anchor[rigid], minlength=len(tracks.known))
    convoy = followers[tracks.anchor[rigid]] >= 3
    members = np.concatenate((rigid[convoy], tracks.anchor[rigid[convoy]]))
    tracks.ghost[members] = ended + s.ghost_seconds
    _prune(tracks, receivers, s)


def _settle(tracks: Tracks, done: Ints, s: Settings) -> None:
    """Where each station that was heard is, seen from the one that it stays with; a new one where it has none."""
    moving = done[tracks.now["speed"][done] > s.moving_ms]
    anchor = tracks.anchor[moving]
    has = anchor >= 0
    has[has] = tracks.known[anchor[has]]
    ahead, aside, gap = _seen_from(tracks, moving[has], anchor[has])
    stays = (np.hypot(ahead, aside) < 2 * s.near_m) & (np.abs(gap) < s.alive_s)
    settled = moving[has][stays]
    _learn(tracks, settled, ahead[stays], aside[stays], s)
    alone = np.setdiff1d(moving, settled, assume_unique=True)
    tracks.anchor[alone] = -1
    own, other = pairs(tracks, moving, alone, s)
    if not len(own):
        return
    # One that appeared together with it, else the oldest; of the same age the one that was heard first, and so has the lower number.
    apart = tracks.born[own] - tracks.born[other] > s.together_s
    order = np.lexsort((other, tracks.born[other], apart, own))
    first = order[np.unique(own[order], return_index=True)[1]]
    own, other = own[first], other[first]
    ahead, aside, _ = _seen_from(tracks, own, other)
    tracks.anchor[own], tracks.stayed[own], tracks.spread[own] = other, 1, 0.0
    tracks.ahead[own], tracks.aside[own] = ahead, aside


def _seen_from(tracks: Tracks, own: Ints, other: Ints) -> tuple[Floats, Floats, Floats]:
    mine = {name: values[own] for name, values in tracks.now.items()}
    east, north, gap = from_predicted(mine, {name: values[other] for name, values in tracks.now.items()})
    heading = np.radians(mine["heading"])
    sin, cos = np.sin(heading), np.cos(heading)
    return east * sin + north * cos, north * sin - east * cos, gap


def _learn(tracks: Tracks, own: Ints, ahead: Floats, aside: Floats, s: Settings) -> None:
    """Mean and variance of the place of each, of about the last `memory_seconds`."""
    count = np.minimum(tracks.stayed[own] + 1, s.memory_seconds)
    off_ahead, off_aside = ahead - tracks.ahead[own], aside - tracks.aside[own]
    tracks.ahead[own] += off_ahead / count
    tracks.aside[own] += off_aside / count
    off = (off_ahead**2 + off_aside**2) * (count - 1) / count
    tracks.spread[own] += (off - tracks.spread[own]) / count
    tracks.stayed[own] += 1


def pairs(tracks: Tracks, there: Ints, asking: Ints, s: Settings) -> tuple[Ints, Ints]:
    """Pairs (own, other): `other` out of `there` is older than `own` out of `asking`, near it, and moves its way."""
    if not len(asking) or not len(there):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    cells = _cells(tracks, there, s.near_m)[0]
    order = np.argsort(cells, kind="stable")
    cells, there = cells[order], there[order]
    _, own_rows, own_columns = _cells(tracks, asking, s.near_m)
    own_parts, other_parts = [], []
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            key = _cell(tracks.receiver[asking], own_rows + down, own_columns + right)
            low, high = np.searchsorted(cells, key, "left"), np.searchsorted(cells, key, "right")
            lengths = high - low
            own_parts.append(np.repeat(asking, lengths))
            other_parts.append(there[np.repeat(high - np.cumsum(lengths), lengths) + np.arange(int(lengths.sum()))])
    own, other = np.concatenate(own_parts), np.concatenate(other_parts)
    older = (tracks.born[other] < tracks.born[own]) | ((tracks.born[other] == tracks.born[own]) & (other < own))
    turned = np.abs((tracks.now["heading"][own] - tracks.now["heading"][other] + 180.0) % 360.0 - 180.0)
    fits = older & (tracks.receiver[own] == tracks.receiver[other]) & (turned < s.heading_deg)
    own, other = own[fits], other[fits]
    ahead, aside, _ = _seen_from(tracks, own, other)
    close_by = np.hypot(ahead, aside) < s.near_m
    return own[close_by], other[close_by]


def _cells(tracks: Tracks, at: Ints, size_m: float) -> tuple[Ints, Ints, Ints]:
    latitude, longitude = tracks.now["latitude"][at], tracks.now["longitude"][at]
    # One width of a degree for a band of ten kilometres, so that columns stand under each other.
    width = np.cos(np.radians(np.round(latitude, 1))) * DEGREE_M
    rows = np.floor(latitude * DEGREE_M / size_m).astype(np.int64)
    columns = np.floor(longitude * width / size_m).astype(np.int64)
    return _cell(tracks.receiver[at], rows, columns), rows, columns


def _cell(receiver: Ints, row: Ints, column: Ints) -> Ints:
    # Other cells may share the number (it wraps): pairs are looked at again.
    return (receiver * 1_000_003 + row) * 2_097_169 + column


def _prune(tracks: Tracks, receivers: Bools, s: Settings) -> None:
    """Forget stations that were not heard for long, and of too many of a receiver those that were heard longest ago."""
    clocks = last_heard(tracks, len(receivers))[0]
    mine = tracks.known & receivers[tracks.receiver]
    tracks.known[mine & (tracks.clock <= clocks[tracks.receiver] - s.kept_s)] = False
    mine &= tracks.known
    if np.bincount(tracks.receiver[mine], minlength=1).max(initial=0) <= s.tracks_max:
        return
    at = np.flatnonzero(mine)
    order = at[np.lexsort((-at, -tracks.clock[at], tracks.receiver[at]))]
    receiver = tracks.receiver[order]
    begin = np.maximum.accumulate(np.where(np.diff(receiver, prepend=-1) != 0, np.arange(len(order)), 0))
    tracks.known[order[np.arange(len(order)) - begin >= s.tracks_max]] = False


def explained(tracks: Tracks, receiver: Ints, own: dict[str, Floats], link_m: float, link_s: float) -> Bools:
    """True for a new station that appears where one of the closed picture is expected: it took a new pseudonym.

    Args:
        tracks: the picture.
        receiver: of each new station.
        own: its first message, columns of `MOTION`.
        link_m: from where the other one is expected, metres, and half of the way that it was carried on.
        link_s: how long ago that one was heard at most, seconds.
    """
    found = np.zeros(len(receiver), dtype=np.bool_)
    candidates = np.flatnonzero(tracks.known & np.isfinite(tracks.now["time"]))
    for one in np.unique(receiver):
        new, there = np.flatnonzero(receiver == one), candidates[tracks.receiver[candidates] == one]
        # A crowd of new stations in one second is no traffic: those beyond are not looked at.
        new = new[: max(1, 200_000 // max(len(there), 1))]
        mine = {name: values[new][:, None] for name, values in own.items()}
        east, north, gap = from_predicted(mine, {name: values[there][None, :] for name, values in tracks.now.items()})
        near = np.hypot(east, north) < link_m + 0.5 * np.abs(gap) * tracks.now["speed"][there]
        found[new] = (near & (gap < link_s) & (gap > -1.0)).any(axis=1)
    return found
