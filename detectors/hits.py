"""Hits: the records on which a detector fires, and the earlier records that belong to them.

Evidence is gathered once it is known which hits need it: references for every record that fires would take more time and memory than
all else, and a flood fires with every record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from detectors.detector import Detector
from detectors.key_tables import OpenTable
from detectors.memory.recent import REFERENCE
from detectors.plan import RecordPlan

#: The key tables of a record type during one batch, by key.
Tables = dict[tuple[str, ...], OpenTable]
#: Record type and column of a memory of evidence -> its values, beside the records.
Gathered = Mapping[tuple[str, str], pl.Series]


@dataclass
class Hits:
    """Hits of one detector, and how to describe those that raise an alert.

    Args:
        others: columns of the trail that refer to records of another type -> that type.
    """

    detector: Detector
    frame: pl.DataFrame
    values: Mapping[str, pl.Expr]
    trail: tuple[str, ...] = ()
    model_version: str | None = None
    others: Mapping[str, str] = field(default_factory=dict)

    def with_evidence(self, rows: pl.DataFrame, gathered: Gathered) -> pl.DataFrame:
        """Some of the hits, beside the evidence that was gathered for them."""
        named = [(self.detector.record.name, name) for name in self.trail]
        return rows.with_columns(gathered[key].gather(rows["_row"]) for key in named if key in gathered)


def gather(
    asked: Sequence[tuple[Hits, pl.Series]],
    plans: Mapping[str, RecordPlan],
    batch: Mapping[str, pl.DataFrame],
    opened: Mapping[str, Tables],
) -> Gathered:
    """Advance the memories of evidence: only these rows (`_row`) of these hits are given their references.

    Args:
        asked: hits, and which of their rows.
        plans: by record type.
        batch: the records by record type.
        opened: their key tables.
    """
    gathered = {}
    for name, tables in opened.items():
        for memory in plans[name].evidence:
            wanted = np.zeros(len(batch[name]), dtype=np.bool_)
            for hits, rows in asked:
                if hits.detector.record.name == name and memory.column in hits.trail:
                    wanted[rows.to_numpy()] = True
            gathered[name, memory.column] = tables[plans[name].key(memory)].advance(batch[name], memory, wanted)
    return gathered


def flags_of(found: Sequence[Hits], gathered: Gathered, hits: pl.DataFrame) -> pl.DataFrame:
    """Every record that took part in a firing: detector, alert_id, record, offset, frames.

    Args:
        found: the hits of each detector.
        gathered: their evidence.
        hits: all of them with number (that of the detector in `found`), at (row there), detector and alert_id.
    """
    parts = []
    for number, h in enumerate(found):
        ids = hits.filter(pl.col("number") == number).sort("at")
        rows = h.with_evidence(h.frame, gathered)
        own = rows.select(REFERENCE, *h.trail).with_columns(ids["alert_id"], ids["detector"])
        for name in (REFERENCE, *h.trail):
            took_part = own.select("detector", "alert_id", pl.col(name).alias("r"))
            if isinstance(took_part.schema["r"], pl.List):
                took_part = took_part.explode("r")
            record = pl.lit(h.others.get(name, h.detector.record.name)).alias("record")
            reference = pl.col("r").struct
            parts.append(
                took_part.drop_nulls("r").select(
                    "detector", "alert_id", record, reference.field("offset"), reference.field("frames")
                )
            )
    # A record that led to several firings of one alert is one flag.
    return pl.concat(parts).unique(maintain_order=True)
