"""What the engine forgets, and when: what no record to come can ask about.

Time passes for each locality by its own records: one whose clock stands days behind the others' loses nothing by them. What a
locality left that is no longer heard from, by the broker's time, is dropped, so that made-up ones do not add up. Records of files
carry no broker's time and expire nothing: nothing bounds the time that a hostile one names.
"""

from collections.abc import Mapping

import polars as pl

from detectors.grouping import CLOCK
from detectors.key_tables import TIME

#: State table of the localities: newest event time of their records and broker's time of the last, microseconds.
HEARD = "heard"
HOUR_US = 3_600_000_000
#: Disorder within a locality for which what is old is kept, microseconds.
SLACK_US = HOUR_US
#: How long a locality may be silent until what is old of it is dropped, microseconds.
SILENT_US = 7 * 24 * HOUR_US


def hear(
    table: pl.DataFrame | None, batch: Mapping[str, pl.DataFrame], localities: Mapping[str, str]
) -> pl.DataFrame | None:
    """The localities that were heard from, this batch included; None where none ever was.

    Args:
        table: after the batch before.
        batch: record type -> records, with their event times.
        localities: record type -> its field that names the locality.

    Returns:
        Columns locality, clock and heard.
    """
    parts = [] if table is None else [table]
    for name, frame in batch.items():
        if frame["_broker"].null_count() < len(frame):
            parts.append(
                frame.lazy()
                .filter(pl.col("_broker").is_not_null())
                .group_by(pl.col(localities[name]).alias("locality"), maintain_order=True)
                .agg(pl.col(TIME).max().alias("clock"), pl.col("_broker").max().alias(HEARD))
                .collect()
            )
    if len(parts) < 2:
        return parts[0] if parts else None
    return pl.concat(parts).group_by("locality", maintain_order=True).agg(pl.col("clock", HEARD).max())


def forget_localities(heard: pl.DataFrame, longest_us: int) -> pl.DataFrame:
    """The localities that something may be kept of.

    Args:
        heard: see `hear`.
        longest_us: longest lifetime of a key.
    """
    return heard.filter(pl.col(HEARD) > pl.col(HEARD).max() - longest_us - SILENT_US)


def forget_keys(table: pl.DataFrame, heard: pl.DataFrame, lifetime_us: int) -> pl.DataFrame:
    """The rows whose past still counts.

    Args:
        table: state of a `KeyTable`, the locality first.
        heard: see `hear`.
        lifetime_us: of a key.
    """
    # What is not old by the newest record of all is not old by its locality's: most of the time that is every row.
    since = _newest(heard, "clock") - lifetime_us - SLACK_US
    if not (table.get_column(CLOCK).to_numpy() <= since).any():
        return table
    old = pl.col(CLOCK) <= since
    locality = table.columns[0]
    lagging = table.filter(pl.col(locality).is_in(table.filter(old)[locality].unique().implode()))
    newest = lagging.group_by(locality).agg(pl.col(CLOCK).max().alias("_newest"))
    rows = table.join(newest, on=locality, how="left", maintain_order="left").join(
        heard.select(pl.col("locality").alias(locality), pl.col(HEARD).alias("_heard")),
        on=locality,
        how="left",
        maintain_order="left",
    )
    present = (pl.col("_heard") > _newest(heard, HEARD) - lifetime_us - SILENT_US).fill_null(False)
    alive = pl.col(CLOCK) > pl.col("_newest") - lifetime_us - SLACK_US
    return rows.filter(~old | (alive & present)).drop("_newest", "_heard")


def forget_episodes(table: pl.DataFrame, heard: pl.DataFrame) -> pl.DataFrame:
    """The episodes that a hit may still join: those that ended long before their locality's newest record are dropped."""
    since = _newest(heard, "clock") - SILENT_US
    if not (table.get_column("until").to_numpy() <= since).any():
        return table
    old = pl.col("until") <= since
    rows = table.join(heard, on="locality", how="left", maintain_order="left")
    alive = (pl.col("until") > pl.col("clock") - SILENT_US) & (pl.col(HEARD) > _newest(heard, HEARD) - SILENT_US)
    return rows.filter(~old | alive.fill_null(False)).drop("clock", HEARD)


def _newest(heard: pl.DataFrame, column: str) -> int:
    return int(heard.get_column(column).to_numpy().max())
