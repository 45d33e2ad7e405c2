"""For how long a condition has held at each record of a key."""

import polars as pl

from detectors.memory import Derived, Last, TimeSince


def held(by: tuple[str, ...], condition: Derived, gap_max_s: float) -> Derived:
    """Seconds from the first record of the run in which the condition holds to this one; null where it does not hold.

    Args:
        by: of the key.
        condition: never null.
        gap_max_s: without a record for longer, a new run begins.
    """
    before, gap = Last(by, condition), TimeSince(by)
    first = ~(before.col & (gap.col <= gap_max_s)).fill_null(False)
    onset = Derived(
        f"onset of {condition.name} within {gap_max_s:g}s", condition.expr & first, (*condition.memories, before, gap)
    )
    since = TimeSince(by, onset)
    lasts = pl.when(condition.expr & ~first).then(since.col).when(condition.expr).then(0.0)
    return Derived(f"held {onset.name}", lasts, (*onset.memories, since))
