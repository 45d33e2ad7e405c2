"""Starting a Spark session with our settings."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from infra import spark
from infra.java import require_java
from infra.progress import Say, quiet
from jobs.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def open_session(settings: Settings, name: str, say: Say = quiet) -> "SparkSession":
    """The session of an application; the first call in a process starts the driver.

    Args:
        settings: the `spark` table decides master, buckets and memory.
        name: of the application.
        say: is told when connectors are fetched.

    Raises:
        RunFault: Java is missing or the connectors could not be fetched.
    """
    java = require_java(os.environ)
    jars = spark.jars(java, settings.cache_dir, say)
    # PYSPARK_PYTHON is left as the user set it: on a cluster the workers' Python is elsewhere.
    for key, value in spark.environment(java).items():
        os.environ.setdefault(key, value)
    place = spark.SparkPlace(
        directory=Path(settings.run_dir) / "spark" / name,
        master=settings.spark.master,
        buckets=settings.spark.buckets,
        driver_memory=settings.spark.driver_memory,
        log_level=settings.spark.log_level,
    )
    from pyspark import SparkConf
    from pyspark.sql import SparkSession

    pairs = list(spark.settings(place, jars, settings.spark.conf).items())
    return SparkSession.builder.appName(f"gridwatch-{name}").config(conf=SparkConf().setAll(pairs)).getOrCreate()
