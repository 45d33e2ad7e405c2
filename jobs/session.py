"""Starting a Spark session with the product's settings."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra import spark
from infra.java import require_java
from infra.progress import Say, quiet
from jobs.settings import Settings
from schemas.errors import ConfigFault, RunFault

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


#: What Spark takes for a master.
_MASTER: Final = re.compile(r"local(\[(\d+|\*)(,\s*\d+)?\])?|local-cluster\[.+\]|spark://.+|k8s://.+|yarn")
#: Settings that say nothing to a cluster.
_OF_THIS_MACHINE: Final = (
    "spark.master",
    "spark.local.dir",
    "spark.sql.warehouse.dir",
    "spark.driver.host",
    "spark.driver.bindAddress",
)


def open_session(
    place: spark.SparkPlace, cache: Path, say: Say = quiet, extra: Mapping[str, str] | None = None
) -> "SparkSession":
    """A Spark session; the first call in a process starts the driver.

    Under `spark-submit` the driver runs already: its master, jars and properties stay, ours fill in what is not set.

    Args:
        place: where it runs.
        cache: where fetched jars are kept.
        say: is told when connectors are fetched.
        extra: further Spark settings; they win.

    Raises:
        RunFault: Java is missing, the connectors cannot be fetched, or Spark does not start.
        ConfigFault: it was submitted without the bounds that keep hostile bytes from taking all memory.
    """
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        return _submitted(place, extra)
    java = require_java(os.environ)
    jars = spark.jars(java, cache, say)
    # PYSPARK_PYTHON is left as the user set it: on a cluster the workers' Python is elsewhere.
    for key, value in spark.environment(java).items():
        os.environ.setdefault(key, value)
    from py4j.protocol import Py4JError  # type: ignore[import-untyped]
    from pyspark import SparkConf
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    pairs = list(spark.settings(place, jars, extra).items())
    try:
        return SparkSession.builder.appName("gridwatch").config(conf=SparkConf().setAll(pairs)).getOrCreate()
    except (PySparkException, Py4JError) as failed:
        raise RunFault(
            f"Spark does not start: {str(failed).splitlines()[0]}",
            place.master,
            "read what Java says above; check spark.master, spark.driver_memory and spark.conf",
        ) from failed


def place_of(settings: Settings, name: str, master: str | None = None) -> spark.SparkPlace:
    """Where an application runs, as the settings' `spark` table says.

    Args:
        settings: of this call.
        name: of the application; names its directory.
        master: wins over the settings.

    Raises:
        ConfigFault: it is no master.
    """
    chosen = master or settings.spark.master
    if not _MASTER.fullmatch(chosen):
        raise ConfigFault(
            f"no Spark master: {chosen}",
            "spark.master, --master",
            "give local[N], spark://HOST:PORT, k8s://..., or yarn",
        )
    # Local mode gives up at the first failed task: a worker that was killed is worth another try, as on a cluster.
    chosen = re.sub(r"^local\[(\d+|\*)\]$", r"local[\1,4]", chosen)
    return spark.SparkPlace(
        directory=Path(settings.run_dir) / "spark" / name,
        master=chosen,
        buckets=settings.spark.buckets,
        driver_memory=settings.spark.driver_memory,
        log_level=settings.spark.log_level,
    )


def session_of(
    settings: Settings, name: str, say: Say = quiet, master: str | None = None, extra: Mapping[str, str] | None = None
) -> "SparkSession":
    """The session of an application, as the settings' `spark` table says.

    Args:
        settings: of this call.
        name: of the application.
        say: is told when connectors are fetched.
        master: wins over the settings.
        extra: Spark properties that the settings' own override.

    Raises:
        RunFault, ConfigFault: as `open_session`.
    """
    place = place_of(settings, name, master)
    return open_session(place, settings.cache_dir, say, {**(extra or {}), **settings.spark.conf})


def write_properties(place: spark.SparkPlace, cache: Path, file: Path, say: Say = quiet) -> None:
    """Write the properties file that `spark-submit --properties-file` needs for our jobs, client mode.

    Raises:
        RunFault: Java is missing, the connectors cannot be fetched, or the file cannot be written.
    """
    properties = spark.settings(place, spark.jars(require_java(os.environ), cache, say))
    lines = [f"{key} {value}\n" for key, value in sorted(properties.items()) if key not in _OF_THIS_MACHINE]
    try:
        file.write_text("".join(lines))
    except OSError as wrong:
        raise RunFault(f"cannot write: {wrong.strerror}", str(file), "name a file in a writable folder") from wrong


def _submitted(place: spark.SparkPlace, extra: Mapping[str, str] | None) -> "SparkSession":
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    SparkContext._ensure_initialized()  # else the properties of the submission are not known yet
    conf = SparkConf()
    for side in ("driver", "executor"):
        key = f"spark.{side}.extraJavaOptions"
        if not all(limit in (conf.get(key) or "") for limit in spark.AVRO_LIMITS):
            raise ConfigFault(
                "the limits of the Avro decoder are not set",
                key,
                "submit with --properties-file FILE, written by `gridwatch detect --properties FILE`",
            )
    # A wheel is a zip; Spark would send it to the workers and not let them import from it.
    SparkContext.PACKAGE_EXTENSIONS = (*SparkContext.PACKAGE_EXTENSIONS, ".whl")
    for key, value in spark.settings(place, (), extra).items():
        if key != "spark.jars" and key not in _OF_THIS_MACHINE:
            conf.setIfMissing(key, value)
    return SparkSession.builder.appName("gridwatch").config(conf=conf).getOrCreate()
