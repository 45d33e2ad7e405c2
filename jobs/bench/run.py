"""The benchmark: its parts in order, and what they came to."""

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Final

from detectors.catalog import of_domain
from detectors.site import Site, parse_site
from infra.spark import SparkPlace
from infra.stack import StackState, temporary_stack
from ingest.publisher import Broker
from jobs.bench import domains, latency, quix, runs, steps
from jobs.bench.fill import fill, fleet_of, publish
from jobs.bench.fleet import PER_TRANSFORMER, Fleet
from jobs.bench.machine import machine
from jobs.bench.mixed import mix
from jobs.bench.parts import Part
from jobs.bench.processor import as_worker
from jobs.bench.runs import DOMAIN, Pass, Place
from jobs.session import open_session
from schemas.errors import ConfigFault
from schemas.types import TELEMETRY_DOMAINS, Domain


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Args:
        records: on the topic, beside the history.
        meters: of the fleet.
        batch: records a micro-batch.
        passes: of each query, in turn; medians are told.
        few: meters of the small fleet that the scaling part compares.
        many: meters of its large fleet.
        quix: records that the QuixStreams program reads.
        live_s: seconds of live traffic that are measured, after half as many that are not.
    """

    records: int = 3_000_000
    meters: int = 100_000
    batch: int = 1_000_000
    passes: int = 3
    few: int = 10_000
    many: int = 1_000_000
    quix: int = 1_000_000
    live_s: float = 60.0


#: For trying it out: the figures mean little.
QUICK: Final = Scale(200_000, 10_000, 50_000, 1, 1_000, 50_000, 40_000, 15.0)
LIVE_RATE: Final = 5_000
#: Rounds of the history: enough for every meter to have been seen, and its interval.
HISTORY_ROUNDS: Final = 2


@dataclass(frozen=True)
class Spark:
    """How Spark runs, as the settings say; its executor must be on this machine."""

    master: str
    buckets: int
    driver_memory: str


@dataclass
class Bench:
    """The benchmark.

    Args:
        scale: how much.
        spark: how Spark runs.
        folder: scratch.
        cache: where fetched jars are kept.
        environ: environment of the processes that are started.
        seed: of everything that is drawn.
        say: progress.
    """

    scale: Scale
    spark: Spark
    folder: Path
    cache: Path
    environ: dict[str, str]
    seed: int
    say: Callable[[str], None]

    def run(self, parts: tuple[Part, ...]) -> dict[str, Any]:
        """Measure the parts; the result is plain JSON.

        Raises:
            ConfigFault: a part needs what is not installed.
            RunFault: something failed, or what was measured is not what was meant.
        """
        if not self.spark.master.startswith("local"):
            raise ConfigFault(f"cannot measure on {self.spark.master}", "spark.master", "set local[N]")
        if Part.QUIX in parts:
            quix.require_quix()
        began = time.monotonic()
        result: dict[str, Any] = {"before": machine(), "scale": vars(self.scale), "spark": vars(self.spark)}
        place = SparkPlace(
            self.folder / "spark", self.spark.master, self.spark.buckets, self.spark.driver_memory, "OFF"
        )
        self._session = open_session(place, self.cache, self.say)
        self._cores = self._session.sparkContext.defaultParallelism
        try:
            if {Part.RATE, Part.DETECTORS, Part.QUIX} & {*parts}:
                result |= self._rates(parts)
            if Part.METERS in parts:
                result["meters"] = self._meters()
            if Part.DOMAINS in parts:
                result["domains"] = {d.value: self._domain(d) for d in TELEMETRY_DOMAINS}
            if Part.LATENCY in parts:
                result["latency"] = self._latency()
        finally:
            self._session.stop()
        return {**result, "after": machine(), "seconds": round(time.monotonic() - began, 1)}

    def _rates(self, parts: tuple[Part, ...]) -> dict[str, Any]:
        scale, result = self.scale, dict[str, Any]()
        with self._filled("fleet", scale.meters) as (place, begin):
            decoded, detected = [], []
            # The first pass is not counted: in it the JVM compiles.
            for number in range(1 + scale.passes):
                self.say(f"read and decode, then detect: pass {number} of {scale.passes}")
                decoded.append(runs.read_and_decode(place, f"decode-{number}", begin))
                detected.append(runs.after_history(place, f"detect-{number}"))
            del decoded[0], detected[0]
            result["rate"] = {
                "read_and_decode": _told(decoded),
                "detect": _told(detected),
                "detectors": [d.id for d in of_domain(DOMAIN)],
                "models": steps.models(place.site),
                **_ratios(detected, decoded),
            }
            if Part.DETECTORS in parts:
                result["detectors"] = self._detectors(place.site, median(p.cpu_us for p in detected))
            if Part.QUIX in parts:
                result["quix"] = self._quix(place)
        return result

    def _detectors(self, site: Site, query_us: float) -> dict[str, Any]:
        self.say("the engine with and without each stateful detector")
        size = self.scale.batch // self.spark.buckets
        # A bucket's share of the meters, in whole transformers.
        meters = max(PER_TRANSFORMER, self.scale.meters // self.spark.buckets)
        rounds = 2 + 40 * size // meters
        fleet = Fleet(meters, time.time_ns() // 1000 - rounds * 900_000_000, self.seed)
        # In a process of its own: Polars fixes its number of threads when it is imported.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=as_worker) as worker:
            costs = worker.submit(steps.measure, fleet, 12, size, site).result()
        return {
            "query_us": round(query_us, 3),
            "engine_us": round(costs.engine_us, 3),
            "added_us": {name: round(us, 3) for name, us in costs.detector_us.items()},
            "models": steps.models(site),
            "added_percent": {name: round(us / query_us * 100, 2) for name, us in costs.detector_us.items()},
        }

    def _quix(self, place: Place) -> dict[str, Any]:
        """The same rules in both: the QuixStreams program has no model, so our query runs without it too."""
        only = tuple(d.id for d in of_domain(DOMAIN) if d.id not in steps.models(place.site))
        passes = []
        for number in range(self.scale.passes):
            self.say(f"the rules that QuixStreams runs too: pass {number + 1} of {self.scale.passes}")
            passes.append(runs.after_history(place, f"rules-{number}", only))
        self.say(f"QuixStreams in {self._cores} processes")
        # At most half of what is there: the processes do not read their partitions evenly.
        most = min(self.scale.quix, (self.scale.records + HISTORY_ROUNDS * self.scale.meters) // 2)
        other = quix.measure(place.broker, place.folder, self._cores, most, self.environ)
        ours = _told(passes)
        return {
            "detectors": only,
            "ours": ours,
            "records": other.records,
            "processes": other.processes,
            "rate": round(other.rate),
            "times_faster": round(ours["whole"] / other.rate, 2),
            "times_faster_warm": round(ours["warm"] / other.rate, 2),
        }

    def _meters(self) -> dict[str, Any]:
        scale = self.scale
        with self._filled("few", scale.few) as (few, _), self._filled("many", scale.many) as (many, _):
            passes: dict[str, list[Pass]] = {"few": [], "many": []}
            for number in range(max(1, scale.passes - 1)):
                for name, place in (("few", few), ("many", many)):
                    self.say(f"{name} meters: pass {number + 1}")
                    passes[name].append(runs.after_history(place, f"{name}-{number}"))
            size = median(p.state_bytes for p in passes["many"]) / scale.many
            keeping = steps.stateful(of_domain(DOMAIN))
            return {
                "few": {"meters": scale.few, **_told(passes["few"])},
                "many": {"meters": scale.many, **_told(passes["many"])},
                **_ratios(passes["many"], passes["few"]),
                "state_bytes_a_meter": round(size, 1),
                "stateful_detectors": [d.id for d in keeping],
                "state_bytes_a_meter_and_detector": round(size / len(keeping), 1),
            }

    def _domain(self, domain: Domain) -> dict[str, Any]:
        """The lab's quiet traffic of a domain through all of its detectors, against reading and decoding alone."""
        folder = self.folder / f"domain-{domain.value}"
        folder.mkdir()
        traffic = mix(domain, self.scale.records // len(TELEMETRY_DOMAINS), self.seed)
        site = parse_site(traffic.site, "bench")
        with temporary_stack(self.cache, self.environ) as stack:
            place = replace(
                self._place(stack, folder), site=site, domain=domain, batch=max(1, len(traffic.records) // 4)
            )
            self.say(f"{domain.value}: {len(traffic.records)} records")
            publish(place.broker, traffic.records)
            decoded, detected = [], []
            for number in range(1 + self.scale.passes):
                self.say(f"{domain.value}: read and decode, then detect: pass {number} of {self.scale.passes}")
                decoded.append(runs.read_and_decode(place, f"decode-{number}", "earliest"))
                detected.append(runs.detect(place, f"detect-{number}"))
            del decoded[0], detected[0]
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=as_worker) as worker:
            costs = worker.submit(domains.measure, domain, traffic, self.spark.buckets).result()
        query_us = median(p.cpu_us for p in detected)
        types = Counter(record.schema.name for record in traffic.records)
        return {
            "records": dict(types),
            "read_and_decode": _told(decoded),
            "detect": _told(detected),
            "detectors": [d.id for d in of_domain(domain)],
            **_ratios(detected, decoded),
            **{name: round(us, 3) for name, us in costs.items()},
            "further_percent": round(costs["further_us"] / query_us * 100, 2),
        }

    def _latency(self) -> dict[str, Any]:
        folder = self.folder / "latency"
        folder.mkdir()
        with temporary_stack(self.cache, self.environ) as stack:
            self.say(f"live traffic, {LIVE_RATE} records/s")
            found = latency.measure(
                self._place(stack, folder),
                stack,
                folder,
                LIVE_RATE,
                self.scale.live_s / 2,
                self.scale.live_s,
                self.seed,
            )
        return {
            "records_a_second": LIVE_RATE,
            "alerts": found.alerts,
            "event_to_postgresql_p50_s": round(found.landed[0], 3),
            "event_to_postgresql_p99_s": round(found.landed[1], 3),
            "event_to_detected_p50_s": round(found.detected[0], 3),
            "event_to_detected_p99_s": round(found.detected[1], 3),
        }

    @contextmanager
    def _filled(self, name: str, meters: int) -> Iterator[tuple[Place, int]]:
        """A broker whose topic holds a history that detection has read, and the measured records behind it."""
        folder = self.folder / name
        folder.mkdir()
        with temporary_stack(self.cache, self.environ) as stack:
            place = self._place(stack, folder)
            history = HISTORY_ROUNDS * meters
            fleet = fleet_of(meters, history + self.scale.records, self.seed)
            self.say(f"{meters} meters: {history} records of history")
            fill(place.broker, fleet, history)
            runs.read_history(place)
            begin = time.time_ns() // 1000
            self.say(f"{meters} meters: {self.scale.records} records")
            fill(place.broker, fleet, self.scale.records)
            yield place, begin

    def _place(self, stack: StackState, folder: Path) -> Place:
        return Place(self._session, Broker(stack.bootstrap), folder, self.scale.batch, self.spark.buckets, Site())


def _told(passes: list[Pass]) -> dict[str, Any]:
    """Medians over the passes, and each of them."""
    return {
        "records": passes[0].records,
        "whole": round(median(p.whole_rate for p in passes)),
        "warm": round(median(p.warm_rate for p in passes)),
        "cpu_us": round(median(p.cpu_us for p in passes), 3),
        "alerts": dict(passes[-1].alerts),
        "passes": [{"whole": round(p.whole_rate), "warm": [round(r) for r in p.warm]} for p in passes],
    }


def _ratios(over: list[Pass], under: list[Pass]) -> Mapping[str, float]:
    """Medians of the ratios pass by pass: what slows the machine for a while slows both of a pair."""
    pairs = list(zip(over, under, strict=True))
    return {
        "whole_ratio": round(median(a.whole_rate / b.whole_rate for a, b in pairs), 3),
        "warm_ratio": round(median(a.warm_rate / b.warm_rate for a, b in pairs), 3),
        "cpu_ratio": round(median(b.cpu_us / a.cpu_us for a, b in pairs), 3),
    }
