"""What each stateful detector costs: processor time of the engine with it and without it, on the same readings.

Paired, batch by batch, and by processor time, so that other work on the machine hardly counts. To be run in a process that
is set up as a worker is (`jobs.bench.processor.as_worker`).
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Final

import numpy as np
import polars as pl

from detectors.catalog import of_domain
from detectors.detector import Detector, Firing, Model, Remembering, Row
from detectors.engine import Engine, State
from detectors.local import make_engine
from detectors.memory import Ewma, Last
from detectors.site import Site
from jobs.bench.aging import aged
from jobs.bench.fleet import Columns, Fleet
from jobs.bench.runs import DOMAIN
from schemas.project.arrow import to_arrow
from schemas.records import METER_READING

#: The detector that stands for one more.
FURTHER: Final = "one further detector"
ALL: Final = "all"
#: Batches that are not counted, after which the state is aged.
HISTORY: Final = 2


@dataclass(frozen=True)
class Costs:
    """Microseconds of processor time a record: of the whole engine, and of what each stateful detector adds."""

    engine_us: float
    detector_us: Mapping[str, float]


def stateful(detectors: Sequence[Detector]) -> list[Detector]:
    """Those detectors of readings that keep something of each meter."""
    return [d for d in detectors if d.record is METER_READING and not isinstance(d.kind, Row)]


def measure(fleet: Fleet, batches: int, size: int, site: Site) -> Costs:
    """Run batches of readings of one bucket through engines with all detectors, with each one taken away, and with one more.

    Args:
        fleet: the meters of the bucket.
        batches: how many; the first `HISTORY` are not counted.
        size: readings a batch.
        site: the site facts.
    """
    everything = of_domain(DOMAIN)
    engines = {ALL: make_engine(DOMAIN, everything, site)}
    for detector in stateful(everything):
        engines[detector.id] = make_engine(DOMAIN, [d for d in everything if d is not detector], site)
    engines[FURTHER] = make_engine(DOMAIN, [*everything, _further(everything)], site)
    states: dict[str, State] = {name: {} for name in engines}
    took: dict[str, list[float]] = {name: [] for name in engines}
    arrival = 0
    for number, columns in enumerate(fleet.chunks(batches * size, size)):
        frame = _frame(columns, arrival)
        arrival += len(frame)
        for name, engine in engines.items():
            states[name], seconds = _step(engine, states[name], frame)
            if number < HISTORY:
                states[name] = aged(states[name])
            else:
                took[name].append(seconds / len(frame) * 1e6)
    added = {
        name: median(a - b if name != FURTHER else b - a for a, b in zip(took[ALL], times, strict=True))
        for name, times in took.items()
        if name != ALL
    }
    return Costs(median(took[ALL]), added)


def models(site: Site) -> list[str]:
    """Detectors of the domain that score by a model and run at this site."""
    engine = make_engine(DOMAIN, of_domain(DOMAIN), site)
    return [d.id for d in of_domain(DOMAIN) if isinstance(d.kind, Model) and d.id not in engine.plan.off]


def _step(engine: Engine, state: State, frame: pl.DataFrame) -> tuple[State, float]:
    began = time.process_time()
    after = engine.step(state, {METER_READING.name: frame}, flags=False).state
    return after, time.process_time() - began


def _further(detectors: Sequence[Detector]) -> Detector:
    """One more keyed rule with memories of its own: the last value and a slow mean of the current."""

    def build(_params: Any, _site: Site) -> Firing:
        last, mean = Last(("meter",), "current_a"), Ewma(("meter",), "current_a", alpha=0.05, least=8)
        wild = (pl.col("current_a") > 1000 * mean.col) & (pl.col("current_a") > 1000 * last.col)
        return Firing(when=wild.fill_null(False), memories=(last, mean))

    like = next(d for d in detectors if isinstance(d.kind, Remembering) and d.record is METER_READING)
    return replace(like, id="bench_further", kind=Remembering(build), says="", observed="", expected="")


def _frame(columns: Columns, arrival: int) -> pl.DataFrame:
    """Readings as the worker hands them to the engine."""
    count = len(columns["time"])
    types = pl.Schema(to_arrow(METER_READING))
    given = {n: np.char.decode(v) if v.dtype.kind == "S" else v for n, v in columns.items()}
    return pl.DataFrame(
        [
            pl.Series(n, given[n].tolist() if given[n].dtype.kind == "U" else given[n]).cast(types[n])
            if n in given
            else pl.Series(n, [None], dtype=types[n]).new_from_index(0, count)
            for n in METER_READING.names
        ]
    ).with_columns(
        pl.int_range(arrival, arrival + count, dtype=pl.Int64).alias("_arrival"),
        pl.lit(DOMAIN.topic).alias("_topic"),
        pl.lit(0, dtype=pl.Int32).alias("_partition"),
        pl.int_range(arrival, arrival + count, dtype=pl.Int64).alias("_offset"),
        pl.col("time").dt.epoch("us").alias("_broker"),
    )
