"""What the engine of a whole domain costs, and what one more detector would, by processor time in batches of one bucket."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Final

import polars as pl

from detectors.catalog import of_domain
from detectors.detector import Detector, Firing, Parties, Remembering
from detectors.engine import Engine, State
from detectors.local import frame, make_engine
from detectors.memory import Ewma, Last
from detectors.site import parse_site
from ingest.source import Record
from jobs.bench.mixed import Mix
from schemas.types import Domain, Scalar, Schema

#: Batches, of which the first is not counted.
BATCHES: Final = 6


def measure(domain: Domain, traffic: Mix, buckets: int) -> Mapping[str, float]:
    """Microseconds of processor time a record: `engine_us` with all detectors, `further_us` that one more keyed rule adds to the
    record type that comes most, `mean_detector_us` of one detector.

    Args:
        domain: of the traffic.
        traffic: of all localities.
        buckets: the traffic is cut to the share of one.
    """
    site = parse_site(traffic.site, "bench")
    records = traffic.records[: len(traffic.records) // buckets]
    everything = of_domain(domain)
    types = Counter(record.schema.name for record in records if record.schema.domain is domain)
    most = next(r.schema for r in records if r.schema.name == types.most_common(1)[0][0])
    bare = make_engine(domain, [], site)
    engines = {"bare": bare, "all": make_engine(domain, everything, site)}
    engines["further"] = make_engine(domain, [*everything, _further(everything, most)], site)
    took: dict[str, list[float]] = {name: [] for name in engines}
    states: dict[str, State] = {name: {} for name in engines}
    size = -(-len(records) // BATCHES)
    for number in range(BATCHES):
        part = records[number * size : (number + 1) * size]
        batch = _batch(part, number * size)
        for name, engine in engines.items():
            states[name], seconds = _step(engine, states[name], batch)
            if number:
                took[name].append(seconds / len(part) * 1e6)
    running = len(everything) - len(engines["all"].plan.off)
    pairs = list(zip(took["all"], took["further"], took["bare"], strict=True))
    return {
        "engine_us": median(took["all"]),
        "further_us": median(f - a for a, f, _ in pairs),
        "mean_detector_us": median(a - b for a, _, b in pairs) / max(running, 1),
    }


def _batch(records: list[Record], arrival: int) -> dict[str, pl.DataFrame]:
    out = {}
    for schema in {record.schema.name: record.schema for record in records}.values():
        own = [(i, record.fields) for i, record in enumerate(records, arrival) if record.schema is schema]
        out[schema.name] = frame(schema, [fields for _, fields in own], [i for i, _ in own])
    return out


def _step(engine: Engine, state: State, batch: Mapping[str, pl.DataFrame]) -> tuple[State, float]:
    known = {name: content for name, content in batch.items() if name in engine.plan.records}
    began = time.process_time()
    after = engine.step(state, known, flags=False).state
    return after, time.process_time() - began


def _further(detectors: tuple[Detector, ...], schema: Schema) -> Detector:
    """One more keyed rule: the last value and a slow mean of the first number of the record type, by its first identity."""
    numbers = (Scalar.INT, Scalar.LONG, Scalar.DOUBLE)
    number = next(f.name for f in schema.fields if f.type in numbers)
    by = (next(name for name in schema.identity if schema[name].type is Scalar.STRING),)

    def build(_params: Any, _site: Any) -> Firing:
        value = pl.col(number).cast(pl.Float64)
        last, mean = Last(by, number), Ewma(by, number, alpha=0.05, least=8)
        wild = (value > 1e6 * mean.col) & (value > 1e6 * last.col)
        return Firing(when=wild.fill_null(False), memories=(last, mean))

    like = next(d for d in detectors if isinstance(d.kind, Remembering))
    return replace(
        like,
        id="bench_further",
        record=schema,
        kind=Remembering(build),
        params=_NoParams,
        parties=Parties(like.parties.kind, by[0]),
        dedup=by,
        says="",
        observed="",
        expected="",
        needs=(),
    )


@dataclass(frozen=True)
class _NoParams:
    """The rule has its numbers in it."""
