"""Where Kafka and PostgreSQL are: as set, else the embedded ones when they run."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import psycopg
from psycopg.conninfo import conninfo_to_dict

from infra.postgres import OWNER
from infra.reach import topics_of
from infra.stack import Stack, StackState
from ingest.publisher import Broker
from jobs.settings import Settings
from schemas.errors import ConfigFault


def embedded_stack(settings: Settings) -> Stack:
    """The embedded stack of the run directory, running or not."""
    return Stack(
        directory=settings.run_dir,
        cache=settings.cache_dir,
        environ=os.environ,
        partitions=settings.kafka.partitions,
        kafka_port=settings.embedded.kafka_port,
        postgres_port=settings.embedded.postgres_port,
        heap_mb=settings.embedded.kafka_heap_mb,
    )


def bootstrap_servers(settings: Settings) -> str:
    """Kafka's address.

    Raises:
        ConfigFault: none is set and the embedded stack is down.
    """
    return settings.kafka.bootstrap_servers or _running(settings, "Kafka", "kafka.bootstrap_servers").bootstrap


def kafka_client(settings: Settings) -> dict[str, Any]:
    """The connection in librdkafka's words: address and security.

    Raises:
        ConfigFault: no broker is set and the embedded stack is down, or the security settings are incomplete or wrong.
    """
    kafka = settings.kafka
    client: dict[str, Any] = {"bootstrap.servers": bootstrap_servers(settings)}
    if kafka.security_protocol != "PLAINTEXT":
        client["security.protocol"] = kafka.security_protocol
    if kafka.ssl_ca_file is not None:
        if not kafka.ssl_ca_file.is_file():
            raise ConfigFault(f"no such file: {kafka.ssl_ca_file}", "kafka.ssl_ca_file", "name a PEM file")
        client["ssl.ca.location"] = str(kafka.ssl_ca_file)
    if kafka.security_protocol.startswith("SASL"):
        mechanism, username, password = _sasl(settings)
        client |= {"sasl.mechanism": mechanism, "sasl.username": username, "sasl.password": password}
    return client


def broker(settings: Settings) -> Broker:
    """The connection as our publishers and readers take it.

    Raises:
        ConfigFault: as `kafka_client`.
    """
    client = kafka_client(settings)
    return Broker(client.pop("bootstrap.servers"), client)


def reached_broker(settings: Settings) -> Broker:
    """The connection, once the broker has answered.

    Raises:
        ConfigFault: as `kafka_client`.
        RunFault: it does not answer.
    """
    found = broker(settings)
    topics_of({"bootstrap.servers": found.bootstrap, **found.security})
    return found


def lake_directory(settings: Settings) -> Path:
    """The lake, for those who need a mounted file system.

    Raises:
        ConfigFault: it is a URI of another kind.
    """
    parts = urlsplit(settings.lake_uri)
    if parts.scheme not in ("", "file"):
        remedy = "name a directory; mount the store where it is to be an object store"
        raise ConfigFault(f"files cannot be renamed atomically on {parts.scheme}", "store.lake", remedy)
    return Path(url2pathname(parts.path)) if parts.scheme else Path(settings.lake_uri)


def kafka_spark_options(settings: Settings) -> dict[str, str]:
    """The connection as options of Spark's Kafka source and sink.

    Raises:
        ConfigFault: as `kafka_client`.
    """
    kafka = settings.kafka
    options = {"kafka.bootstrap.servers": bootstrap_servers(settings)}
    if kafka.security_protocol != "PLAINTEXT":
        options["kafka.security.protocol"] = kafka.security_protocol
    if kafka.ssl_ca_file is not None:
        options |= {"kafka.ssl.truststore.type": "PEM", "kafka.ssl.truststore.location": str(kafka.ssl_ca_file)}
    if kafka.security_protocol.startswith("SASL"):
        mechanism, username, password = _sasl(settings)
        login = "plain.PlainLoginModule" if mechanism == "PLAIN" else "scram.ScramLoginModule"
        options |= {
            "kafka.sasl.mechanism": mechanism,
            "kafka.sasl.jaas.config": f"org.apache.kafka.common.security.{login} required "
            f"username={_quoted(username)} password={_quoted(password)};",
        }
    return options


def postgres_dsn(settings: Settings, role: str = OWNER) -> str:
    """The connection string.

    Args:
        settings: their `postgres.dsn` is taken as it is, whatever its role.
        role: of the embedded server.

    Raises:
        ConfigFault: none is set and the embedded stack is down, or it is none.
    """
    if settings.postgres.dsn is not None:
        dsn = settings.postgres.dsn.get_secret_value()
        try:
            conninfo_to_dict(dsn)
        except psycopg.ProgrammingError:
            # Without what the library says: it repeats the string, password and all.
            remedy = "give postgresql://user:password@host:5432/database, or key=value pairs"
            raise ConfigFault("this is no connection string", "postgres.dsn", remedy) from None
        return dsn
    return _running(settings, "PostgreSQL", "postgres.dsn").dsn_of(role)


def _running(settings: Settings, what: str, key: str) -> StackState:
    state = embedded_stack(settings).load()
    if state is None:
        raise ConfigFault(f"no {what}", key, "start the embedded one (gridwatch up) or set its address")
    return state


def _sasl(settings: Settings) -> tuple[str, str, str]:
    kafka = settings.kafka
    if kafka.sasl_mechanism is None or kafka.sasl_username is None or kafka.sasl_password is None:
        raise ConfigFault(
            f"{kafka.security_protocol} needs a mechanism, a user name and a password",
            "kafka.sasl_mechanism, kafka.sasl_username, kafka.sasl_password",
            "set all three",
        )
    return kafka.sasl_mechanism, kafka.sasl_username, kafka.sasl_password.get_secret_value()


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
