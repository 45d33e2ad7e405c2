"""Processor time: of Spark's driver, which holds the executor here, with the Python workers below it; and how workers run."""

import os
from contextlib import suppress

import psutil

from infra.spark import WORKER


def as_worker() -> None:
    """Make this process run libraries as Spark's workers do; to be called before any of them is imported."""
    os.environ.update(WORKER)


def spark_seconds() -> float:
    """Seconds of processor time that Spark and its workers have used since they began."""
    drivers = [p for p in psutil.Process().children() if _is_driver(p)]
    return sum(_seconds(p) for driver in drivers for p in (driver, *driver.children(recursive=True)))


def _is_driver(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return "org.apache.spark.deploy.SparkSubmit" in process.cmdline()
    return False


def _seconds(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        # Those of children that have ended are the parent's to tell.
        took = process.cpu_times()
        return float(took.user + took.system + took.children_user + took.children_system)
    return 0.0
