"""Stations that no vehicles stand behind: a convoy that keeps its shape too exactly, or many that come from nowhere.

Keeps a picture of the stations around each receiver, renewed every second. Three or more that keep their place beside one and the same
other station for `rigid_seconds`, to within the root of `rigid_m2`, are ghosts of it: drivers do not. And `burst` stations within
`burst_s` that appear well within the receiver's range (`v2x.receivers`) or off every road (`v2x.roads`), where no station was that could
have taken a new pseudonym, are ghosts too; not in the first `warm_s` of a receiver. Blind spot: fewer than three ghosts; ghosts
that each drive by themselves and appear one by one; without the site file's facts convoys alone. Platoons that are coupled electronically
look like a convoy of ghosts. Source: threat ITS-07 of the catalogue; F2MD SuddenAppearance and Intersection, attack models 16 to 19.
"""

import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.columns import filled
from detectors.detector import Confidence, Detector, Parties, Step, StepFunction, fires_on, quiet_on
from detectors.facts.vehicle import Receiver
from detectors.geometry import is_position
from detectors.grouping import Bools, Ints, number_keys
from detectors.neighbourhood import Settings, close, explained
from detectors.plausibility import road_map
from detectors.profiles import its_awareness
from detectors.profiles.threat import Severity
from detectors.road_map import RoadMap
from detectors.site import Site
from detectors.tracks import MOTION, STATE, Floats, Tracks, clocks, last_heard, last_said, load, metres, save
from schemas.records import CAM


@dataclass(frozen=True)
class Params:
    near_m: float = 30.0  # from a station to the one that it stays with
    moving_ms: float = 3.0  # slower ones are in a queue
    rigid_m2: float = 1.2  # variance of its place: at most
    rigid_seconds: int = 6
    heading_deg: float = 45.0  # between both headings: at most
    link_m: float = 10.0  # from where a station is expected that took a new pseudonym
    link_s: float = 3.0  # since that one was heard
    edge: float = 0.75  # of the receiver's range: farther ones may just have come
    burst_s: float = 5.0
    burst: int = 4  # stations from nowhere in burst_s
    warm_s: float = 10.0
    half_width_m: float = 6.0  # of a road
    confidence_m: float = 10.0  # of a position
    tracks_max: int = 1000  # stations of a receiver; those heard longest ago are forgotten


HITS = {"_row": pl.UInt32(), "why": pl.String()}
CONVOY, CROWD = (
    "keeps its place in a convoy too exactly for drivers",
    "is one of many that appear in the midst of traffic",
)


def build(p: Params, site: Site) -> StepFunction:
    s = Settings(p.near_m, p.moving_ms, p.rigid_m2, p.rigid_seconds, p.heading_deg, 2.5, 60.0, p.tracks_max)
    receivers = site.v2x.receivers
    roads = None if site.v2x.roads is None else road_map(site.v2x.roads)

    def run(state: pl.DataFrame | None, batch: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        state = pl.DataFrame(schema=STATE) if state is None else state
        placed = batch.filter(is_position("latitude", "longitude"))
        if placed.is_empty():
            return state, pl.DataFrame(schema=HITS)
        both = [
            state.select("receiver", "station"),
            placed.select("receiver", "station"),
            state.select("receiver", pl.col("anchor").fill_null("").alias("station")),
        ]
        code, first = number_keys(pl.concat(both))
        names = pl.concat(both)[first]
        places, at_place = number_keys(names.select("receiver"))
        n = len(state)
        anchors = np.where(state["anchor"].is_null().to_numpy(), -1, code[n + len(placed) :])
        tracks = load(state, anchors, places, len(names))
        own = code[n : n + len(placed)]
        rows, why = _walk(tracks, own, _columns(placed), names["receiver"].gather(at_place), p, s, receivers, roads)
        hits = pl.DataFrame({"_row": placed["_row"].gather(rows), "why": why}, schema=HITS)
        return save(tracks, names), hits

    return run


def _columns(placed: pl.DataFrame) -> dict[str, Floats]:
    return {
        "latitude": placed["latitude"].to_numpy(),
        "longitude": placed["longitude"].to_numpy(),
        "speed": filled(placed["speed_ms"].fill_nan(None).clip(0, 100), 0.0),
        "heading": filled(placed["heading_deg"].fill_nan(None).clip(0, 360), 0.0),
        "time": placed["_time"].to_numpy() / 1e6,
    }


def _walk(
    tracks: Tracks,
    own: Ints,
    said: dict[str, Floats],
    names: pl.Series,
    p: Params,
    s: Settings,
    known: dict[str, Receiver],
    roads: RoadMap | None,
) -> tuple[Ints, list[str]]:
    """Go through the records second by second. Returns the rows that fire, and why."""
    receiver = tracks.receiver[own]
    count = len(names)
    clock, since = clocks(receiver, said["time"], *last_heard(tracks, count), p.warm_s)
    second = np.floor(clock).astype(np.int64)
    order = np.argsort(second, kind="stable")
    rows: list[Ints] = []
    why: list[str] = []
    for part in np.split(order, np.flatnonzero(np.diff(second[order])) + 1):
        here = np.zeros(count, dtype=np.bool_)
        here[receiver[part]] = True
        now = int(second[part[0]])
        close(tracks, now, here, s)
        ghost = tracks.ghost[own[part]] >= now
        new, at = np.unique(own[part], return_index=True)
        fresh = ~tracks.known[new]
        new, at = new[fresh], part[at[fresh]]
        crowd = _appear(tracks, new, at, said, clock, clock - since > p.warm_s, names, p, known, roads)
        ontime = part[said["time"][part] >= last_said(tracks, own[part])]
        for name in MOTION:
            tracks.open[name][own[ontime]] = said[name][ontime]
        tracks.second[own[ontime]] = now
        tracks.clock[own[part]], tracks.since[own[part]] = clock[part], since[part]
        fires = np.concatenate((part[ghost], crowd))
        rows.append(fires)
        why += [CONVOY] * int(ghost.sum()) + [CROWD] * len(crowd)
    return np.concatenate(rows), why


def _appear(
    tracks: Tracks,
    new: Ints,
    at: Ints,
    said: dict[str, Floats],
    clock: Floats,
    warm: Bools,
    names: pl.Series,
    p: Params,
    known: dict[str, Receiver],
    roads: RoadMap | None,
) -> Ints:
    """Begin the tracks of new stations. Returns the rows of those that are one too many from nowhere."""
    order = np.argsort(at)
    new, at = new[order], at[order]
    first = {name: said[name][at] for name in MOTION}
    receiver = tracks.receiver[new]
    drives = first["speed"] > p.moving_ms
    lost = drives & ~explained(tracks, receiver, first, p.link_m, p.link_s)
    # Of a receiver whose place is not known nobody can say whether a station just came within its reach.
    places = [known.get(name) for name in names.to_list()]
    where = np.array([(r.latitude, r.longitude, r.range_m * p.edge) if r else (0.0, 0.0, -1.0) for r in places])
    east, north = metres(first["latitude"], first["longitude"], where[receiver, 0], where[receiver, 1])
    lost &= np.hypot(east, north) < where[receiver, 2]
    if roads is not None:
        lost |= drives & (
            roads.distance(first["latitude"], first["longitude"], first["heading"]) > p.half_width_m + p.confidence_m
        )
    lost &= warm[at]
    recent = tracks.known & tracks.lost
    counts = np.zeros(len(new), dtype=np.int64)
    for one in np.unique(receiver[lost]):
        mine = np.flatnonzero((receiver == one) & lost)
        born, now = np.sort(tracks.born[recent & (tracks.receiver == one)]), clock[at[mine]]
        # By arrival, for a record sees what came before it; a receiver's clock does not go back.
        earlier = np.arange(1, len(mine) + 1) - np.searchsorted(now, now - p.burst_s, "right")
        counts[mine] = len(born) - np.searchsorted(born, now - p.burst_s, "right") + earlier
    tracks.known[new], tracks.lost[new] = True, lost
    tracks.born[new] = clock[at]
    tracks.anchor[new], tracks.stayed[new], tracks.ghost[new], tracks.second[new] = -1, 0, -1, -1
    for name in MOTION:
        tracks.now[name][new] = np.nan
    return at[lost & (counts >= p.burst)]


def _car(time: float, station: str, north_m: float, east_m: float = 0.0, speed_ms: float = 14.0) -> dict[str, object]:
    place = {"latitude": 48.0 + north_m / 111_195, "longitude": 11.0 + east_m / 74_405}
    return {"time": time, "receiver": "R1", "station": station, **place, "speed_ms": speed_ms, "heading_deg": 0.0}


def _column(seconds: int, cars: int, sway_m: float = 0.0) -> list[dict[str, object]]:
    """Cars that drive north in two columns, a message a second each; with `sway_m` each has its own way of driving."""
    return [
        _car(
            t + n / 10,
            f"S{n}",
            14.0 * (t + n / 10) - 9.5 * (n // 2) + sway_m * math.sin(t / (2 + n) + n),
            3.8 * (n % 2),
        )
        for t in range(seconds)
        for n in range(cars)
    ]


def _crowd(time: float, cars: int) -> list[dict[str, object]]:
    return [_car(time + n / 100, f"G{n}", 40.0 * n - 100, 30.0 * (n % 3)) for n in range(cars)]


_SITE = {"v2x": {"receivers": {"R1": {"latitude": 48.0, "longitude": 11.0, "range_m": 800}}}}

DETECTOR = Detector(
    id="ghost_vehicles",
    version=2,
    threat=its_awareness.ITS_07,
    record=CAM,
    kind=Step(
        build, columns=("receiver", "station", "latitude", "longitude", "speed_ms", "heading_deg"), hits=("why",)
    ),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("station", "station", source="station", destination="receiver"),
    dedup=("station",),
    episode_s=60.0,
    says="station {station} {why}",
    observed="{why}",
    expected="stations that drive by themselves, and come from outside or after another pseudonym",
    runbook=(
        "Do not count these stations in traffic functions; compare with loops and cameras at the place.",
        "Compare signal strength: ghosts of one sender are equally strong at two roadside units.",
        "Send a misbehaviour report for all of them, with the sender that they stay with.",
    ),
    tolerance="a late message is passed over",
    examples=(
        fires_on("five ghosts in two columns behind a car", _column(20, 6), alerts=6),
        fires_on(
            "eight stations appear at once in the midst", [*_column(30, 1), *_crowd(20.5, 8)], alerts=5, site=_SITE
        ),
        quiet_on("cars that follow each other, each as its driver likes", _column(40, 6, sway_m=6.0)),
        quiet_on("two cars side by side", _column(40, 2)),
        quiet_on("eight at once at a receiver whose place and range nobody told", [*_column(30, 1), *_crowd(20.5, 8)]),
        quiet_on("three appear at once", [*_column(30, 1), *_crowd(20.5, 3)], site=_SITE),
        quiet_on("a receiver is switched on amid traffic", [*_crowd(0.0, 12), *_column(30, 1)], site=_SITE),
    ),
)
