"""The features of a learned detector over a frame of records, through the very memories that the engine runs."""

import polars as pl

from detectors.catalog import LIFETIMES
from detectors.detector import Detector, Model
from detectors.key_tables import TIME, KeyTable, layers
from detectors.memory import Memory
from detectors.plan import RecordPlan, parameters
from detectors.site import Site


def features_of(detector: Detector, records: pl.DataFrame, keep: tuple[str, ...], batch: int = 200_000) -> pl.DataFrame:
    """Features of each record that can be scored.

    Args:
        detector: a detector of kind Model.
        records: in arrival order, with the fields that the features read; an absent `_time` is the event time.
        keep: fields to keep beside the features.
        batch: records a step; it does not change the result.
    """
    assert isinstance(detector.kind, Model)
    made = detector.kind.features(parameters(detector, Site()), Site())
    plan, order = RecordPlan(detector.record), layers(made.memories)
    tables: dict[tuple[str, ...], KeyTable] = {}
    state: dict[tuple[str, ...], pl.DataFrame] = {}
    out = []
    for low in range(0, len(records), batch):
        frame = records.slice(low, batch).with_columns(pl.col("time").dt.epoch("us").alias(TIME))
        opened = {}
        for derived, memories in order:
            frame = frame.with_columns(d.expr.alias(d.name) for d in derived)
            columns = []
            for memory in memories:
                assert isinstance(memory, Memory), "a model is trained on records of one type"
                by = plan.key(memory)
                if by not in opened:
                    lifetime = int(LIFETIMES[detector.record.name] * 1e6)
                    tables.setdefault(by, KeyTable(detector.record.name, by, lifetime))
                    opened[by] = tables[by].open(state.get(by), frame)
                columns.append(opened[by].advance(frame, memory))
            frame = frame.with_columns(columns)
        state = {by: table.close() for by, table in opened.items()}
        scored = frame.select(*keep, *(e.cast(pl.Float64).alias(n) for n, e in made.columns.items()))
        usable = pl.all_horizontal(pl.col(n).is_finite().fill_null(False) for n in made.columns)
        out.append(scored.filter(usable))
    return pl.concat(out)
