"""Surges: far more records of a key than usual."""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Firing
from detectors.memory import Age, CountWithin, Derived, Recent

#: Records of a key that are counted at most. Where there were more, the mean of the past is too low, so it says less.
MOST = 5000


@dataclass(frozen=True)
class Params:
    """Parameters of detectors that tell surges."""

    least: int = 30  # records now
    factor: float = 10.0  # times the usual number
    now_s: float = 600.0
    usual_s: float = 86_400.0  # length of the past that says what is usual, now included


def surge(by: tuple[str, ...], p: Params) -> Firing:
    """Fires where a key has at least `least` records now, and more than `factor` times what it usually has in a time as long.

    Usual is the mean of what is known of the past; where that were more records than are counted, half of them must be of now.
    """
    now, past, age = CountWithin(by, p.now_s, MOST), CountWithin(by, p.usual_s, MOST), Age(by)
    known = (age.col.fill_null(0.0).clip(0.0, p.usual_s) - p.now_s).clip(p.now_s)
    usual = (past.col - now.col).cast(pl.Float64) * p.now_s / known
    counted = (past.col < MOST) | (2 * now.col >= past.col)
    return Firing(
        when=(now.col >= p.least) & (now.col > p.factor * usual) & counted,
        memories=(now, past, age),
        values={"now": now.col, "usual": usual, "minutes": pl.lit(p.now_s / 60)},
        trail=(Recent(by, p.now_s, 50, Derived("any alert", pl.lit(True))),),
    )
