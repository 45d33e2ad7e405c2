"""Starting a Spark session with the product's settings."""

import os
from collections.abc import Mapping
from pathlib import Path

from pyspark.sql import SparkSession

from infra import spark
from infra.java import require_java
from infra.progress import Say, quiet


def open_session(
    place: spark.SparkPlace, cache: Path, say: Say = quiet, extra: Mapping[str, str] | None = None
) -> SparkSession:
    """A Spark session; connectors are fetched once into the cache.

    Args:
        place: where it runs.
        cache: where fetched jars are kept.
        say: progress.
        extra: further Spark settings; they win.

    Raises:
        RunFault: no Java, or the connectors cannot be fetched.
    """
    java = require_java(os.environ)
    # A driver in this process reads these when its JVM starts.
    os.environ.update(spark.environment(java))
    builder = SparkSession.builder.appName("gridwatch")
    for key, value in spark.settings(place, spark.jars(java, cache, say), extra).items():
        builder = builder.config(key, value)
    return builder.getOrCreate()
