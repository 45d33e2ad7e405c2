"""Surges: far more records of a key than usual."""

from dataclasses import dataclass

import polars as pl

from detectors.memory import CountWithin

#: Records of a key that are counted at most.
MOST = 5000


@dataclass(frozen=True)
class Surge:
    """How many records of a key there are now, against how many there usually are.

    Args:
        by: fields that make the key.
        now_s: length of now, seconds.
        usual_s: length of the past that says what is usual, now included, seconds.
    """

    by: tuple[str, ...]
    now_s: float
    usual_s: float

    @property
    def now(self) -> CountWithin:
        """Records now."""
        return CountWithin(self.by, seconds=self.now_s, at_most=MOST)

    @property
    def past(self) -> CountWithin:
        """Records in all of the past, now included."""
        return CountWithin(self.by, seconds=self.usual_s, at_most=MOST)

    @property
    def usual(self) -> pl.Expr:
        """Records that the past before now has in a time as long as now, in the mean."""
        return (self.past.col - self.now.col).cast(pl.Float64) * (self.now_s / (self.usual_s - self.now_s))
