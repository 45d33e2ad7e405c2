"""One Spark application with the queries of one or more domains: start, progress, faults, an orderly end."""

import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from detectors.catalog import of_domain
from detectors.site import Site
from jobs.detect.query import DetectSettings, Progress, plan_of, start
from schemas.errors import ConfigFault, RunFault
from schemas.types import Domain

#: Seconds between two lines of progress of a domain at least.
LINE_S = 5.0
#: Seconds between two looks at the queries.
LOOK_S = 0.5
#: How the text of a fault ends a Python traceback, in worker and driver.
_FAULT = re.compile(r"schemas\.errors\.(?:Run|Config)Fault: (?P<told>.+)")


class _Told:
    """Says what happens, a line a domain every few seconds."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._last: dict[Domain, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def __call__(self, progress: Progress) -> None:
        ledger = progress.ledger
        count = {
            k: sum(n for name, n in ledger.items() if name.startswith(f"{k}.")) for k in ("decoded", "dead", "alerts")
        }
        seen, now = count["decoded"] + count["dead"], time.monotonic()
        with self._lock:
            since, before = self._last.get(progress.domain, (0.0, -1))
            for note in progress.notes:
                self._say(f"{progress.domain.value}: {note}")
            if seen == before or now - since < LINE_S:
                return
            rate = f", {(seen - before) / (now - since):,.0f} records/s" if since else ""
            self._last[progress.domain] = now, seen
            self._say(
                f"{progress.domain.value}: batch {progress.batch}, {seen} records{rate}, "
                f"{count['alerts']} alerts, {count['dead']} dead letters"
            )


def run(
    session: Callable[[], SparkSession],
    domains: Sequence[Domain],
    settings: DetectSettings,
    site: Site,
    stop: threading.Event,
    say: Callable[[str], None],
) -> None:
    """Run until told to stop, or with `settings.once` until all that is there is processed.

    Args:
        session: opens the Spark session, after everything that can be wrong at start was checked.
        domains: what to detect in.
        settings: how.
        site: the site facts.
        stop: ends the application after the running batches.
        say: progress, one line each.

    Raises:
        ConfigFault: a wrong site file, model or detector id.
        RunFault: a query failed.
    """
    chosen = {d: tuple(i for i in settings.only if i in {x.id for x in of_domain(d)}) for d in domains}
    unknown = sorted(set(settings.only) - {i for ids in chosen.values() for i in ids})
    if unknown:
        known = ", ".join(x.id for d in domains for x in of_domain(d))
        raise ConfigFault(f"unknown detector {unknown[0]}", "--only", f"one of {known}")
    domains = [d for d in domains if not settings.only or chosen[d]]
    for domain in domains:
        for detector, reason in sorted(plan_of(domain, site, chosen[domain]).off.items()):
            say(f"off: {detector}: {reason}")
    spark = session()
    told = _Told(say)
    queries = [start(spark, d, replace(settings, only=chosen[d]), site, told) for d in domains]
    say(f"detecting in {', '.join(d.value for d in domains)}")
    try:
        while not stop.wait(LOOK_S) and any(q.isActive for q in queries):
            _raise(queries)
        _raise(queries)
    finally:
        for query in queries:
            query.stop()
        spark.stop()


def _raise(queries: Sequence[StreamingQuery]) -> None:
    for query in queries:
        failed = query.exception()
        if failed is not None:
            raise fault_of(str(failed), query.name or "detect") from failed


def fault_of(text: str, query: str) -> RunFault:
    """What a failed query's text says: our own fault where one is in it, else its first line."""
    found = _FAULT.findall(text)
    if found:
        return RunFault(found[-1].strip(), query, "mend it and start the job again; it takes up where it was")
    first = next((line for line in text.splitlines() if line.strip()), "unknown failure")
    return RunFault(first.strip()[:300], query, "run it with --debug, or read the log of the Spark application")
