"""How far a position is from the nearest road that runs its way, out of a grid that is filled once from the lines of roads."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl

from detectors.geometry import DEGREE_M

Floats = npt.NDArray[np.float64]
Line = Sequence[tuple[float, float]]

#: Sectors of half a turn: a road and a heading in one of them run the same way, whichever direction either has.
SECTORS = 6
#: Longest piece of a line that is entered at once, metres, and pieces at a time: both bound what that takes.
PIECE_M, PIECES = 100.0, 1000
_SPAN = 2**24


class RoadMap:
    """A grid around roads.

    Each cell knows, for each sector of headings, the distance of its middle to the nearest line that runs within `aligned_deg` of
    that sector. Size: about 60 bytes a cell, `2 * far_m / cell_m` cells across a road.

    Args:
        roads: lines of (latitude, longitude), degrees.
        far_m: distances beyond are told as this one.
        cell_m: size of a cell.
        aligned_deg: a road that runs closer to the heading is one that a vehicle may be on.
    """

    def __init__(self, roads: Sequence[Line], far_m: float, cell_m: float = 5.0, aligned_deg: float = 60.0) -> None:
        self._far, self._cell = far_m, cell_m
        points = np.array([point for line in roads for point in line], dtype=np.float64).reshape(-1, 2)
        self._origin = points.mean(axis=0) if len(points) else np.zeros(2)
        self._east = DEGREE_M * math.cos(math.radians(self._origin[0]))
        pieces = [self._pieces(line) for line in roads]
        starts = np.concatenate([np.empty((0, 2)), *(p[:-1] for p in pieces)])
        ends = np.concatenate([np.empty((0, 2)), *(p[1:] for p in pieces)])
        keys, rows = np.empty(0, dtype=np.int64), np.empty((0, SECTORS), dtype=np.float32)
        for first in range(0, len(starts), PIECES):
            near = self._near(starts[first : first + PIECES], ends[first : first + PIECES], aligned_deg)
            keys, rows = _nearest(np.concatenate((keys, near[0])), np.concatenate((rows, near[1])))
        self._keys, self._rows = keys, rows

    def _plane(self, latitude: Floats, longitude: Floats) -> tuple[Floats, Floats]:
        return (longitude - self._origin[1]) * self._east, (latitude - self._origin[0]) * DEGREE_M

    def _pieces(self, line: Line) -> Floats:
        """A line in metres, cut so that no piece is longer than `PIECE_M`."""
        points = np.stack(self._plane(*np.array(line, dtype=np.float64).T), axis=1)
        whole = [points[:1]]
        for a, b in pairwise(points):
            count = max(1, math.ceil(float(np.hypot(*(b - a))) / PIECE_M))
            whole.append(a + (b - a) * (np.arange(1, count + 1) / count)[:, None])
        return np.concatenate(whole)

    def _near(
        self, starts: Floats, ends: Floats, aligned_deg: float
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Cells around some pieces, a row a cell and piece."""
        keys, rows = [], []
        middles = (np.arange(SECTORS) + 0.5) * 180.0 / SECTORS
        for a, b in zip(starts, ends, strict=True):
            low = np.floor((np.minimum(a, b) - self._far) / self._cell).astype(np.int64)
            high = np.floor((np.maximum(a, b) + self._far) / self._cell).astype(np.int64)
            ix, iy = (m.ravel() for m in np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1)))
            at = (np.stack((ix, iy), axis=1) + 0.5) * self._cell - a
            along = b - a
            share = np.clip(at @ along / max(float(along @ along), 1e-9), 0.0, 1.0)
            far = np.hypot(*(at - share[:, None] * along).T)
            close = far < self._far
            runs = math.degrees(math.atan2(along[0], along[1]))
            aligned = np.abs((middles - runs + 90.0) % 180.0 - 90.0) <= aligned_deg
            keys.append(_key(ix[close], iy[close]))
            rows.append(np.where(aligned, far[close][:, None], self._far).astype(np.float32))
        return np.concatenate(keys), np.concatenate(rows)

    def distance(self, latitude: Floats, longitude: Floats, heading: Floats) -> Floats:
        """Metres to the nearest road that runs the way of the heading (degrees); of any road where that is NaN."""
        x, y = self._plane(latitude, longitude)
        known = np.isfinite(x) & np.isfinite(y)
        far = np.where(known, self._far, np.nan)
        if not len(self._keys):
            return far
        inside = known & (np.abs(x) < self._cell * _SPAN / 4) & (np.abs(y) < self._cell * _SPAN / 4)
        key = _key(*(np.floor(v[inside] / self._cell).astype(np.int64) for v in (x, y)))
        row = np.minimum(np.searchsorted(self._keys, key), len(self._keys) - 1)
        told = np.isfinite(heading[inside])
        sector = np.where(told, heading[inside] % 180.0 * (SECTORS / 180.0), 0.0).astype(np.int64) % SECTORS
        distances = self._rows[row]
        chosen = np.where(told, distances[np.arange(len(row)), sector], distances.min(axis=1))
        far[inside] = np.where(self._keys[row] == key, chosen, self._far)
        return far

    def column(self) -> pl.Expr:
        """`distance` of a record's latitude, longitude and heading_deg; null where it has no position."""

        def look_up(columns: Sequence[pl.Series]) -> pl.Series:
            latitude, longitude, heading = (c.cast(pl.Float64).fill_null(float("nan")).to_numpy() for c in columns)
            return pl.Series(self.distance(latitude, longitude, heading), nan_to_null=True)

        return pl.map_batches(["latitude", "longitude", "heading_deg"], look_up, return_dtype=pl.Float64)


def _key(ix: npt.NDArray[np.int64], iy: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return ix * _SPAN + iy


def _nearest(
    keys: npt.NDArray[np.int64], rows: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """One row a cell: the nearest of each sector."""
    order = np.argsort(keys, kind="stable")
    keys, rows = keys[order], rows[order]
    first = np.flatnonzero(np.diff(keys, prepend=np.int64(-(2**62))))
    return keys[first], np.minimum.reduceat(rows, first, axis=0) if len(first) else rows
