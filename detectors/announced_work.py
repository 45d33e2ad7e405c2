"""Work at meters that somebody announced: visits in the site file (`meters.visits`), work orders of commands."""

from functools import reduce

import polars as pl

from detectors.site import Site

#: A command of a head-end that no work order justifies.
WITHOUT_ORDER = pl.col("work_order").fill_null("") == ""


def announced(site: Site) -> tuple[pl.Expr, str]:
    """Whether a record's time lies in an announced visit of its meter or transformer; and the visits in words.

    The words belong into the name of a derived value: memories of records outside other visits are other memories.
    """
    visits = [(pl.col(v.kind) == v.name) & pl.col("time").is_between(v.start, v.end) for v in site.meters.visits]
    words = sorted(f"{v.kind} {v.name} {v.start.isoformat()}" for v in site.meters.visits)
    return reduce(lambda a, b: a | b, visits, pl.lit(False)), ";".join(words)
