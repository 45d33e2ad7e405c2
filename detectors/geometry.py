"""Positions on the earth as expressions: steps in metres between two WGS 84 positions that are close together.

The equirectangular approximation, on a sphere of the mean radius, is good to 0.3 % within some kilometres, far below
the noise of a receiver.
"""

import math

import polars as pl

#: One degree of latitude, metres.
DEGREE_M = math.pi / 180 * 6_371_008.8


def is_position(latitude: str, longitude: str) -> pl.Expr:
    """True where both are degrees: not null, not NaN, not the "unavailable" codes of ETSI and SAE beyond the range."""
    in_range = pl.col(latitude).is_between(-90, 90) & pl.col(longitude).is_between(-180, 180)
    return in_range.fill_null(False)


def north_m(latitude: pl.Expr, from_latitude: pl.Expr) -> pl.Expr:
    """Step to the north, metres."""
    return (latitude - from_latitude) * DEGREE_M


def east_m(latitude: pl.Expr, longitude: pl.Expr, from_longitude: pl.Expr) -> pl.Expr:
    """Step to the east at `latitude`, metres; the short way over the date line."""
    degrees = (longitude - from_longitude + 540.0) % 360.0 - 180.0
    return degrees * latitude.radians().cos() * DEGREE_M


def length(east: pl.Expr, north: pl.Expr) -> pl.Expr:
    """Length of a step, metres."""
    return (east * east + north * north).sqrt()
