"""One Spark application with the queries of one or more domains: start, progress, faults, an orderly end."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import replace
from typing import Final

from pyspark.sql import SparkSession

from detectors.catalog import of_domain
from detectors.site import Site
from jobs.detect.metrics import served
from jobs.detect.progress import Progress
from jobs.detect.query import Detection, DetectSettings, plan_of
from jobs.signals import stop_on_signals
from schemas.errors import ConfigFault
from schemas.types import Domain

#: Spark properties of the application: its queries share the cores fairly.
FAIR: Final = {"spark.scheduler.mode": "FAIR"}
#: Seconds between two lines of progress of a domain at least.
LINE_S = 5.0
#: Seconds between two looks at the queries.
LOOK_S = 0.5
#: Who logs a refused batch.
_REFUSING: Final = (
    "org.apache.spark.sql.execution.streaming.runtime.MicroBatchExecution",
    "org.apache.spark.sql.execution.streaming.runtime.StreamExecution",
)


class _Told:
    """Says what happens, a line a domain every few seconds."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: dict[Domain, tuple[float, int, int]] = {}
        self._latest: dict[Domain, Progress] = {}
        self._lock = threading.Lock()

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        with self._lock:
            for note in progress.notes:
                self._say(f"{progress.domain.value}: {note}")
            self._latest[progress.domain] = progress
            since, before, alerts = self._said.get(progress.domain, (0.0, -1, 0))
            # Silence is found in batches of nothing but ticks.
            if (progress.seen, progress.count("alerts")) != (before, alerts) and now - since >= LINE_S:
                rate = f", {(progress.seen - before) / (now - since):,.0f} records/s" if since else ""
                self._line(progress, now, rate)

    def last_words(self) -> None:
        """What was not said yet."""
        for domain, progress in self._latest.items():
            if (progress.seen, progress.count("alerts")) != self._said.get(domain, (0.0, -1, 0))[1:]:
                self._line(progress, time.monotonic(), "")

    def _line(self, progress: Progress, now: float, rate: str) -> None:
        self._said[progress.domain] = now, progress.seen, progress.count("alerts")
        self._say(
            f"{progress.domain.value}: batch {progress.batch}, {progress.seen} records{rate}, "
            f"{progress.count('alerts')} alerts, {progress.count('dead')} dead letters"
        )


def run(
    session: Callable[[], SparkSession],
    domains: Sequence[Domain],
    settings: DetectSettings,
    site: Site,
    say: Callable[[str], None],
    stopper: Callable[[], AbstractContextManager[threading.Event]] = stop_on_signals,
    metrics: tuple[str, int] | None = None,
) -> None:
    """Run until told to stop, or with `settings.once` until all that is there is processed.

    Args:
        session: opens the Spark session; what can be wrong at start is checked meanwhile.
        domains: what to detect in.
        settings: how.
        site: the site facts.
        say: progress, one line each.
        stopper: gives the event that ends the application after the running batches.
        metrics: host and port at which Prometheus may ask; None for none.

    Raises:
        ConfigFault: a wrong site file, model or detector id; nothing can listen for Prometheus.
        RunFault: a query failed.
    """
    chosen = {d: tuple(i for i in settings.only if i in {x.id for x in of_domain(d, site)}) for d in domains}
    unknown = sorted(set(settings.only) - {i for ids in chosen.values() for i in ids})
    if unknown:
        known = ", ".join(x.id for d in domains for x in of_domain(d, site))
        raise ConfigFault(f"unknown detector {unknown[0]}", "--only", f"one of {known}")
    domains = [d for d in domains if not settings.only or chosen[d]]
    spark = _open(session, lambda: _check(domains, chosen, site, say))
    told, running = _Told(say), list[Detection]()
    with stopper() as stop, ExitStack() as ending:
        try:
            measured = ending.enter_context(served(metrics, settings.broker)) if metrics else None

            def report(progress: Progress) -> None:
                told(progress)
                if measured is not None:
                    measured.ended(progress)

            for part in _parts(domains, settings.once):
                for domain in part:
                    detection = Detection(spark, domain, replace(settings, only=chosen[domain]), site, report)
                    running.append(detection)
                    if measured is not None:
                        measured.begin(detection.standing, detection.interval_s)
                    detection.start()
                say(f"detecting in {', '.join(d.value for d in part)}")
                while not stop.wait(LOOK_S) and any(d.query.isActive for d in running):
                    for detection in running:
                        detection.check()
                for detection in running:
                    detection.check()
                if stop.is_set():
                    break
            if stop.is_set():
                say("stopping once the running batches have ended")
            _hush(spark)
        finally:
            # All at once: each waits for its own batch only.
            with ThreadPoolExecutor(len(domains)) as pool:
                list(pool.map(Detection.stop, running))
            for detection in running:
                detection.close()
            told.last_words()
            spark.stop()


def _parts(domains: Sequence[Domain], once: bool) -> list[list[Domain]]:
    """What runs at the same time: all; but what is to end looks for correlations once the alerts are all there."""
    if not once:
        return [list(domains)]
    parts = [[d for d in domains if d.observed], [d for d in domains if not d.observed]]
    return [part for part in parts if part]


def _hush(spark: SparkSession) -> None:
    """From now on, batches that are refused because the queries end are no faults to be told with their tracebacks."""
    logging.getLogger("py4j").setLevel(logging.CRITICAL)
    assert spark._jvm is not None
    log4j = spark._jvm.org.apache.logging.log4j
    for name in _REFUSING:
        log4j.core.config.Configurator.setLevel(name, log4j.Level.OFF)


def _check(
    domains: Sequence[Domain], chosen: Mapping[Domain, tuple[str, ...]], site: Site, say: Callable[[str], None]
) -> None:
    for domain in domains:
        for detector, reason in sorted(plan_of(domain, site, chosen[domain]).off.items()):
            say(f"off: {detector}: {reason}")


def _open(session: Callable[[], SparkSession], check: Callable[[], None]) -> SparkSession:
    """The session, opened while `check` runs: Java and the learned models both take seconds to load."""
    with ThreadPoolExecutor(1) as beside:
        opening = beside.submit(session)
        try:
            check()
        except BaseException:
            # Whatever Java has to say of itself, the fault that was found is what the user must read.
            with suppress(Exception):
                opening.result().stop()
            raise
        return opening.result()
