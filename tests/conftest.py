"""Fixtures that all tests share: one Kafka, one PostgreSQL and one Spark a run, started when first asked for."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from infra import postgres
from infra import spark as spark_settings
from infra.database import prepare
from infra.java import ensure_java
from infra.stack import StackState, temporary_stack
from jobs.settings import PREFIX, KafkaSettings, PostgresSettings, Settings, default_cache

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    """Tests see no GRIDWATCH_ variable of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(PREFIX):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The public data sets beside the repository; they are no part of it."""
    directory = REPOSITORY.parent / "shared" / "data"
    if not directory.is_dir():
        pytest.skip(f"public data sets are absent: {directory}")
    return directory


@pytest.fixture(scope="session")
def stack() -> Iterator[StackState]:
    """A running Kafka with our topics and a running PostgreSQL with our roles; shared: use localities of your own."""
    ensure_java(os.environ)
    with temporary_stack(default_cache(), os.environ) as state:
        yield state


@dataclass(frozen=True)
class Database:
    """A database without rows, as its owner and as each of the roles that the owner gives rights."""

    dsn: str
    landing_dsn: str
    console_dsn: str
    reader_dsn: str


@contextmanager
def new_database(stack: StackState) -> Iterator[Database]:
    """A new, empty database of the shared server, dropped afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    administrator = stack.dsn_of(postgres.ADMINISTRATOR, "postgres")
    with psycopg.connect(administrator, autocommit=True) as connection:
        statement = sql.SQL("CREATE DATABASE {} OWNER {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(postgres.OWNER)))
    with psycopg.connect(stack.dsn_of(postgres.OWNER, name), autocommit=True) as connection:
        prepare(connection)
    yield Database(*(stack.dsn_of(role, name) for role in postgres.ROLES))
    with psycopg.connect(administrator, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database(stack: StackState) -> Iterator[Database]:
    """A database of the test's own."""
    with new_database(stack) as own:
        yield own


@pytest.fixture
def settings(stack: StackState, database: Database, tmp_path: Path) -> Settings:
    """Settings for the shared broker, a new database and a run directory of the test's own."""
    return Settings(
        run_dir=tmp_path,
        kafka=KafkaSettings(bootstrap_servers=stack.bootstrap),
        postgres=PostgresSettings(dsn=SecretStr(database.dsn)),
    )


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator["SparkSession"]:
    """One Spark session on two cores with the Kafka and Avro connectors."""
    java = ensure_java(os.environ)
    jars = spark_settings.jars(java, default_cache(), print)
    os.environ.update(spark_settings.environment(java))
    place = spark_settings.SparkPlace(tmp_path_factory.mktemp("spark"))
    from pyspark import SparkConf
    from pyspark.sql import SparkSession

    configuration = SparkConf().setAll(list(spark_settings.settings(place, jars).items()))
    session = SparkSession.builder.appName("tests").config(conf=configuration).getOrCreate()
    yield session
    session.stop()
