"""Event to PostgreSQL under a steady load: publish, detect as in production, land; each in a process of its own."""

import multiprocessing
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from infra.stack import StackState
from ingest.publisher import Broker
from jobs.bench.live import publish
from jobs.bench.runs import DOMAIN, Place
from jobs.detect.query import Detection
from jobs.land.run import Landing, land
from jobs.signals import stop_on_signals
from schemas.errors import RunFault

_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Latency:
    """Seconds from a record's event time to its alert, by the database's clock.

    Attributes:
        alerts: how many were measured.
        landed: p50 and p99 until the row was inserted in PostgreSQL.
        detected: p50 and p99 until the detector published the alert.
    """

    alerts: int
    landed: tuple[float, float]
    detected: tuple[float, float]


def measure(
    place: Place, stack: StackState, folder: Path, rate: int, warm_up_s: float, seconds: float, seed: int
) -> Latency:
    """Run live traffic; alerts of the first `warm_up_s` are not counted.

    Args:
        place: the session and the broker; its topic must be empty.
        stack: holds the database.
        folder: of the state and the lake.
        rate: readings a second.
        warm_up_s: seconds before the measurement: the first batches compile and allocate.
        seconds: of the measurement.
        seed: of the traffic.

    Raises:
        RunFault: a process failed, or not all alerts landed.
    """
    detection = Detection(place.spark, DOMAIN, place.settings("latency", once=False), place.site)
    query = detection.start()
    landing = Landing(Broker(stack.bootstrap), stack.dsn, folder / "lake")
    try:
        with _running(_land, landing), _running(publish, stack.bootstrap, rate, warm_up_s + seconds, seed) as source:
            began = time.time()
            source.join()
            if source.exitcode:
                raise RunFault(
                    f"the source of live traffic ended with {source.exitcode}", "gridwatch bench", "see its traceback"
                )
            _settle(stack.dsn, query)
    finally:
        detection.stop()
        detection.close()
    return _figures(stack.dsn, began + warm_up_s)


def _land(what: Landing) -> None:
    with stop_on_signals() as stop:
        land(what, stop, lambda _line: None)


@contextmanager
def _running(target: Any, *arguments: Any) -> Iterator[BaseProcess]:
    process = _SPAWN.Process(target=target, args=arguments, daemon=True)
    process.start()
    try:
        yield process
    finally:
        if process.is_alive():
            process.terminate()
        process.join()


def _settle(dsn: str, query: Any) -> None:
    """Wait until every alert that detection has counted is in the database."""
    wait = threading.Event()
    deadline = time.monotonic() + 60
    with psycopg.connect(dsn, autocommit=True) as connection:
        before = -1
        while time.monotonic() < deadline:
            if query.exception() is not None:
                raise RunFault(f"detection failed: {query.exception()}", "gridwatch bench", "see its log")
            row = connection.execute("SELECT count(*) FROM alert").fetchone()
            now = row[0] if row else 0
            if now == before and now:
                return
            before = now
            wait.wait(3.0)
    raise RunFault(
        "alerts still come in a minute after the traffic has ended", "gridwatch bench", "use a faster machine"
    )


def _figures(dsn: str, since: float) -> Latency:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            'SELECT extract(epoch FROM landed - "time")::float8, extract(epoch FROM detected - "time")::float8 '
            "FROM alert WHERE \"time\" >= to_timestamp(%s) AND detector = 'register_rollback'",
            (since,),
        ).fetchall()
    if not rows:
        raise RunFault("no alert landed", "gridwatch bench", "report this as a bug")
    landed, detected = (np.percentile([row[i] for row in rows], [50, 99]) for i in (0, 1))
    return Latency(len(rows), (float(landed[0]), float(landed[1])), (float(detected[0]), float(detected[1])))
