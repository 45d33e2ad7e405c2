"""Starting a Spark session with the product's settings."""

import os
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from infra import spark
from infra.java import require_java
from infra.progress import Say, quiet
from jobs.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def open_session(
    place: spark.SparkPlace, cache: Path, say: Say = quiet, extra: Mapping[str, str] | None = None
) -> "SparkSession":
    """A Spark session; the first call in a process starts the driver.

    Args:
        place: where it runs.
        cache: where fetched jars are kept.
        say: is told when connectors are fetched.
        extra: further Spark settings; they win.

    Raises:
        RunFault: Java is missing, or the connectors cannot be fetched.
    """
    java = require_java(os.environ)
    jars = spark.jars(java, cache, say)
    # PYSPARK_PYTHON is left as the user set it: on a cluster the workers' Python is elsewhere.
    for key, value in spark.environment(java).items():
        os.environ.setdefault(key, value)
    from pyspark import SparkConf
    from pyspark.sql import SparkSession

    pairs = list(spark.settings(place, jars, extra).items())
    interrupt = signal.getsignal(signal.SIGINT)
    session = SparkSession.builder.appName("gridwatch").config(conf=SparkConf().setAll(pairs)).getOrCreate()
    if threading.current_thread() is threading.main_thread():
        # Spark puts a handler of its own in place that cancels jobs; we end in order.
        signal.signal(signal.SIGINT, interrupt)
    return session


def session_of(settings: Settings, name: str, say: Say = quiet) -> "SparkSession":
    """The session of an application, as the settings' `spark` table says.

    Raises:
        RunFault: as `open_session`.
    """
    place = spark.SparkPlace(
        directory=Path(settings.run_dir) / "spark" / name,
        master=settings.spark.master,
        buckets=settings.spark.buckets,
        driver_memory=settings.spark.driver_memory,
        log_level=settings.spark.log_level,
    )
    return open_session(place, settings.cache_dir, say, settings.spark.conf)
