"""Spark's settings for this product, as plain values: nothing here imports pyspark."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra import ivy
from infra.java import Java
from infra.ports import LOOPBACK
from infra.progress import Say
from schemas.types import MAX_BYTES, MAX_ITEMS

VERSION: Final = "4.2.0"
SCALA: Final = "2.13"
CONNECTORS: Final = (
    ivy.Artifact("org.apache.spark", f"spark-sql-kafka-0-10_{SCALA}", VERSION),
    ivy.Artifact("org.apache.spark", f"spark-avro_{SCALA}", VERSION),
)

#: What the connectors depend on and every Spark has: a second copy would shadow it.
BUNDLED: Final = ("org.apache.hadoop", "org.scala-lang", "org.slf4j", "com.google.code.findbugs")

#: Environment of a worker. It runs one task on one core: its libraries must not start threads of their own. What Polars
#: and Arrow free they keep for some seconds, and what NumPy frees (glibc's malloc) for good, up to 256 MiB a worker: on a virtual
#: machine, memory that was given back and is asked for again costs more than the work on it.
WORKER: Final[Mapping[str, str]] = {
    "POLARS_MAX_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "_RJEM_MALLOC_CONF": "dirty_decay_ms:10000,muzzy_decay_ms:10000",
    "MIMALLOC_PURGE_DELAY": "10000",
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(256 * 2**20),
}

#: Locality buckets where nothing else is said: two a core of `local[2]`. Each costs some 20 ms of processor time a batch, so more
#: of them pay only where there are cores to share them.
BUCKETS: Final = 4

#: Avro decoders allocate what the bytes ask for; these bound it before they do.
AVRO_LIMITS: Final = (
    f"-Dorg.apache.avro.limits.string.maxLength={MAX_BYTES}",
    f"-Dorg.apache.avro.limits.bytes.maxLength={MAX_BYTES}",
    f"-Dorg.apache.avro.limits.collectionItems.maxLength={MAX_ITEMS}",
)

LOGGING: Final = """\
rootLogger.level = {level}
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.target = SYSTEM_ERR
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{{ISO8601}} %p %c{{1}}: %m%n
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
logger.shell.name = org.apache.hadoop.util.Shell
logger.shell.level = error
logger.utils.name = org.apache.spark.util.Utils
logger.utils.level = error
logger.conf.name = org.apache.spark.SparkConf
logger.conf.level = error
logger.pools.name = org.apache.spark.scheduler.FairSchedulableBuilder
logger.pools.level = error
logger.jobs.name = org.apache.spark.scheduler.DAGScheduler
logger.jobs.level = error
logger.trigger.name = org.apache.spark.sql.execution.streaming.runtime.ProcessingTimeExecutor
logger.trigger.level = error
logger.kafka.name = org.apache.kafka.clients
logger.kafka.level = error
"""


@dataclass(frozen=True)
class SparkPlace:
    """Where a Spark application runs and keeps its files.

    Args:
        directory: scratch files, warehouse and log settings of this application.
        master: `local[2]`, `spark://host:port`, ...
        buckets: locality buckets, the shuffle partitions of a detection query.
        driver_memory: Java heap of the driver, such as `1g`; read only when this process starts the driver.
        log_level: of Spark itself.
    """

    directory: Path
    master: str = "local[2]"
    buckets: int = BUCKETS
    driver_memory: str = "4g"
    log_level: str = "WARN"

    @property
    def is_local(self) -> bool:
        """Whether executors run inside the driver's process."""
        return self.master.startswith("local")


def fetched_directory(cache: Path) -> Path:
    """Where the fetched connectors lie in a cache."""
    return cache / f"spark-{VERSION}"


def jars(java: Java, cache: Path, say: Say) -> list[Path]:
    """The Kafka and Avro connectors with what they depend on, fetched once into the cache.

    Raises:
        RunFault: they could not be fetched.
    """
    return ivy.fetch(
        CONNECTORS, fetched_directory(cache), java=java, cache=cache / "ivy", say=say, excluded_groups=BUNDLED
    )


def environment(java: Java) -> dict[str, str]:
    """Variables that the process needs before it starts a driver: Java, Python, threads and memory of the libraries."""
    return {"JAVA_HOME": str(java.home), "PYSPARK_PYTHON": sys.executable, **WORKER}


def settings(place: SparkPlace, jar_files: Sequence[Path], extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The configuration of a Spark application.

    Args:
        place: where it runs.
        jar_files: the connectors, from `jars`; sent along to executors.
        extra: further settings; they win.

    Returns:
        keys and values for `SparkConf` or `spark-submit --conf`.
    """
    directory = place.directory.absolute()
    directory.mkdir(parents=True, exist_ok=True)
    log_settings = directory / "log4j2.properties"
    log_settings.write_text(LOGGING.format(level=place.log_level.lower()))
    # Plans with whole schemas in them overflow the usual stack where Spark searches their text for secrets.
    limits = " ".join((*AVRO_LIMITS, "-Xss8m"))
    values = {
        "spark.master": place.master,
        "spark.jars": ",".join(map(str, jar_files)),
        "spark.driver.memory": place.driver_memory,
        "spark.driver.extraJavaOptions": f"{limits} -Dlog4j2.configurationFile={log_settings.as_uri()}",
        "spark.executor.extraJavaOptions": limits,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": place.log_level,
        "spark.local.dir": str(directory / "scratch"),
        "spark.sql.warehouse.dir": str(directory / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(place.buckets),
        # Buckets are partitions: merging small ones would put several buckets on one core.
        "spark.sql.adaptive.enabled": "false",
        # A byte limit below the largest int makes Spark sum up all column sizes again for every row.
        "spark.sql.execution.arrow.maxBytesPerBatch": str(2**31 - 1),
        # Of the largest messages (256 KiB) so many are 512 MiB; Spark's Arrow writer fails where a column exceeds 2 GiB.
        "spark.sql.execution.arrow.maxRecordsPerBatch": "2048",
        "spark.sql.streaming.metricsEnabled": "true",
    }
    if place.is_local:
        values |= {"spark.driver.host": LOOPBACK, "spark.driver.bindAddress": LOOPBACK}
    values |= {f"spark.executorEnv.{name}": value for name, value in WORKER.items()}
    return values | dict(extra or {})
