"""Making a state older than the readings that made it."""

from typing import Final

import polars as pl

from detectors.engine import State

#: Values that an aged mean has seen: readings of a day at a quarter of an hour.
AGED: Final = 96
#: State columns that count what a mean has seen.
COUNTS: Final = r"^ewma\(.*\.count$"


def aged(state: State) -> State:
    """The state as if every mean had seen the readings of a day, so that a learned model scores the next ones.

    Means that have seen nothing stay so.
    """
    counts = pl.col(COUNTS)
    return {name: table.with_columns(pl.when(counts > 0).then(counts.clip(AGED))) for name, table in state.items()}
