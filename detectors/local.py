"""Running the engine without a broker: plain records in, one bucket, files and examples alike."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from detectors.catalog import LIFETIMES, check_site
from detectors.detector import Detector
from detectors.engine import ENGINE_COLUMNS, Engine
from detectors.plan import make_plan
from detectors.site import Site
from schemas.project.arrow import to_arrow
from schemas.records import of_domain
from schemas.types import Domain, Schema


def make_engine(domain: Domain, detectors: Sequence[Detector], site: Site) -> Engine:
    """The engine of a domain.

    Raises:
        ConfigFault: see `make_plan` and `check_site`.
    """
    check_site(site)
    return Engine(make_plan(detectors, of_domain(domain), site), LIFETIMES)


def frame(schema: Schema, records: Iterable[Mapping[str, Any]], arrival: Sequence[int]) -> pl.DataFrame:
    """Records of a file as a batch: `arrival` is their order over all record types and their offset; no topic, no
    broker's time."""
    types = pl.Schema(to_arrow(schema))
    plain = pl.DataFrame(list(records), schema=types, orient="row")
    return plain.with_columns(
        pl.Series("_arrival", arrival, dtype=pl.Int64),
        pl.Series("_offset", arrival, dtype=pl.Int64),
        *(pl.lit(None, dtype=t).alias(n) for n, t in ENGINE_COLUMNS.items() if n not in ("_arrival", "_offset")),
    )


def line_of(alerts: pl.DataFrame) -> pl.DataFrame:
    """Alerts as a batch for the engine of correlation, in the order of their times: those of several files come one file after another.

    Args:
        alerts: at least the columns that its plan reads.
    """
    return (
        alerts.sort("time", maintain_order=True)
        .with_row_index("_arrival")
        .with_columns(
            pl.col("_arrival").cast(pl.Int64),
            pl.col("_arrival").cast(pl.Int64).alias("_offset"),
            *(pl.lit(None, dtype=ENGINE_COLUMNS[name]).alias(name) for name in ("_topic", "_partition", "_broker")),
        )
    )
