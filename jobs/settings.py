"""Every setting of the product, read in one place: `gridwatch.toml`, then the environment, which wins.

`GRIDWATCH_KAFKA__BOOTSTRAP_SERVERS=broker:9093` sets `bootstrap_servers` in `[kafka]`. An unknown key is a fault,
so that a misspelt setting is never ignored.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from infra.spark import BUCKETS
from schemas.errors import ConfigFault, meant

PREFIX: Final = "GRIDWATCH_"
NESTED: Final = "__"
FILE: Final = "gridwatch.toml"

#: Variables with our prefix that are not settings: the file to read, the interpreter of `make setup`, what the notebook shows.
NOT_SETTINGS: Final = frozenset({"GRIDWATCH_SETTINGS", "GRIDWATCH_PYTHON", "GRIDWATCH_INCIDENT"})


class Section(BaseModel):
    """A table of the settings file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class KafkaSettings(Section):
    """The broker. Without `bootstrap_servers` the embedded one is used."""

    bootstrap_servers: str | None = Field(default=None, description="host:port,host:port; empty: the embedded broker")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_ca_file: Path | None = Field(default=None, description="PEM file of the authorities to trust")
    partitions: PositiveInt = Field(default=8, description="of each topic keyed by locality, when we create it")
    replication: PositiveInt = Field(default=1, description="copies of each partition, when we create it")


class PostgresSettings(Section):
    """The database. Without `dsn` the embedded one is used."""

    dsn: SecretStr | None = Field(default=None, description="postgresql://user:password@host/db?sslmode=verify-full")


class GrafanaSettings(Section):
    """Grafana, for annotations and `gridwatch grafana push`; without `url` no annotations are written."""

    url: str | None = None
    token: SecretStr | None = Field(default=None, description="of a service account of the role Admin")
    ca_file: Path | None = None
    datasource: SecretStr | None = Field(
        default=None, description="PostgreSQL as Grafana reaches it; empty: the data source that is there"
    )
    prometheus: str | None = Field(
        default=None, pattern="^https?://", description="Prometheus as Grafana reaches it; empty: none"
    )
    alert_webhook: SecretStr | None = Field(default=None, description="address that gets Grafana's alerts")
    alert_email: str | None = Field(default=None, description="who gets them; several separated by semicolons")


class ConsoleSettings(Section):
    """The triage service of `gridwatch console`."""

    host: str = Field(default="127.0.0.1", description="address to listen on; beyond loopback it needs TLS")
    port: int = Field(default=8080, ge=0, le=65535)
    url: str | None = Field(default=None, description="how people reach it, for links; default: http(s)://host:port")
    users: Path | None = Field(default=None, description="who may use it; default: users.yaml in the run directory")
    tls_cert_file: Path | None = Field(default=None, description="PEM file of its certificate and those above it")
    tls_key_file: Path | None = Field(default=None, description="PEM file of the certificate's key")
    tls_elsewhere: bool = Field(default=False, description="what stands before it does TLS")
    trusted_proxies: list[str] = Field(
        default_factory=list, description="addresses of proxies that log people in (OIDC) and say so in headers"
    )
    user_header: str = Field(default="X-Forwarded-User", description="header in which such a proxy names the person")
    roles_header: str = Field(default="X-Forwarded-Groups", description="and the groups, separated by commas")
    groups: dict[str, Literal["viewer", "operator", "admin"]] = Field(
        default_factory=dict, description="role of each group; who is in none may nothing"
    )


class OutflowSettings(Section):
    """Incidents for other systems, of `gridwatch outflow`."""

    webhook_secret: SecretStr | None = Field(default=None, description="signs each request to a webhook")
    authorization: SecretStr | None = Field(default=None, description="header Authorization of each request")
    ca_file: Path | None = Field(default=None, description="PEM file of the authorities to trust")


class SparkSettings(Section):
    """How detection runs."""

    master: str = Field(default="local[2]", description="local[N], spark://host:port, k8s://..., yarn")
    buckets: PositiveInt = Field(
        default=BUCKETS, description="locality buckets of a domain, about two a core; see gridwatch state rebucket"
    )
    driver_memory: str = Field(default="4g", pattern=r"^\d+[mg]$")
    trigger_s: float = Field(
        default=0.0, ge=0, description="seconds between micro-batches; 0: as soon as the last one ended"
    )
    max_offsets_per_trigger: PositiveInt = Field(default=1_000_000, description="records of a micro-batch at most")
    metrics: str | None = Field(default=None, description="host:port at which detection answers Prometheus")
    log_level: Literal["ERROR", "WARN", "INFO", "DEBUG"] = "WARN"
    conf: dict[str, str] = Field(default_factory=dict, description="further Spark properties; they win over ours")


class StoreSettings(Section):
    """Where state and Parquet files go: directories or URIs of any file system that Spark and Arrow reach.

    Empty: below the run directory.
    """

    state: str | None = None
    checkpoints: str | None = None
    lake: str | None = None
    roll_mb: PositiveInt = Field(default=128, description="size at which a Parquet file is closed, MiB")
    roll_s: PositiveFloat = Field(default=60.0, description="age at which a Parquet file is closed, seconds")


class EmbeddedSettings(Section):
    """The embedded stack of `gridwatch up`."""

    kafka_port: int = Field(default=9092, ge=1024, le=65535)
    postgres_port: int = Field(default=5432, ge=1024, le=65535)
    kafka_heap_mb: int = Field(default=512, ge=128)


def default_cache() -> Path:
    """The user's cache directory for what is fetched once (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "gridwatch"


class Settings(BaseSettings):
    """All settings; see `load`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=NESTED, extra="forbid", frozen=True, env_ignore_empty=True
    )

    run_dir: Path = Field(default=Path("var"), description="logs, embedded data, and what has no place of its own")
    cache_dir: Path = Field(default_factory=default_cache, description="what is fetched once")
    site: Path | None = Field(default=None, description="the site file: who may do what, and the point maps")
    suppressions: Path | None = Field(default=None, description="alerts that nobody is to work on: docs/incidents.md")
    kafka: KafkaSettings = KafkaSettings()
    postgres: PostgresSettings = PostgresSettings()
    grafana: GrafanaSettings = GrafanaSettings()
    console: ConsoleSettings = ConsoleSettings()
    outflow: OutflowSettings = OutflowSettings()
    spark: SparkSettings = SparkSettings()
    store: StoreSettings = StoreSettings()
    embedded: EmbeddedSettings = EmbeddedSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, whose content arrives as the initial values."""
        return env_settings, init_settings

    @property
    def users_file(self) -> Path:
        """Who may use the console."""
        return self.console.users or self.run_dir / "users.yaml"

    @property
    def state_uri(self) -> str:
        """Where the detectors' state lies."""
        return self.store.state or str(self.run_dir.absolute() / "state")

    @property
    def checkpoint_uri(self) -> str:
        """Where Spark's offsets lie."""
        return self.store.checkpoints or str(self.run_dir.absolute() / "checkpoints")

    @property
    def lake_uri(self) -> str:
        """Where the Parquet files lie."""
        return self.store.lake or str(self.run_dir.absolute() / "lake")


def load(file: Path | None = None) -> Settings:
    """Read and check the settings.

    Args:
        file: the settings file; None for the one that GRIDWATCH_SETTINGS names, else a `gridwatch.toml` here.

    Raises:
        ConfigFault: the file is missing or no TOML, a key is unknown or a value is wrong; all wrong keys are named.
    """
    source, content = _read(file)
    _refuse_unknown_variables(os.environ)
    try:
        return Settings(**content)
    except ValidationError as error:
        problems = [_explain(problem) for problem in error.errors()]
        raise ConfigFault(
            "; ".join(problems), _blame(error, source), "correct it; README lists the settings"
        ) from error


def _read(file: Path | None) -> tuple[str, dict[str, Any]]:
    named = os.environ.get("GRIDWATCH_SETTINGS")
    chosen = file or (Path(named) if named else None)
    path = chosen or Path(FILE)
    if not path.exists():
        if chosen is None:
            return "environment", {}
        raise ConfigFault("the settings file does not exist", str(path), "check --settings and GRIDWATCH_SETTINGS")
    try:
        return str(path), tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigFault(f"the settings file cannot be read: {error}", str(path), "it must be valid TOML") from error


def keys() -> list[str]:
    """Every setting as its dotted key, such as `kafka.partitions`."""
    found = []
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Section):
            found += [f"{name}.{key}" for key in section.model_fields]
        else:
            found.append(name)
    return found


def variable(key: str) -> str:
    """The environment variable of a dotted key."""
    return PREFIX + key.replace(".", NESTED).upper()


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    known = {variable(key) for key in keys()} | {variable(name) for name in Settings.model_fields} | NOT_SETTINGS
    for name in sorted(environ):
        # Spark properties are a free mapping: GRIDWATCH_SPARK__CONF is JSON, and nothing below it is checked here.
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            remedy = meant(name.upper(), known, "remove it; README lists the settings")
            raise ConfigFault("unknown setting", f"environment variable {name}", remedy)


def _explain(problem: Any) -> str:
    key = ".".join(map(str, problem["loc"]))
    if problem["type"] == "extra_forbidden":
        return ", ".join(filter(None, (f"{key}: unknown setting", meant(key, keys()))))
    # The value itself is not repeated: it may be a secret.
    return f"{key}: {problem['msg'][0].lower()}{problem['msg'][1:]}"


def _blame(error: ValidationError, source: str) -> str:
    places = []
    for problem in error.errors():
        name = variable(".".join(map(str, problem["loc"][:2])))
        places.append(f"environment variable {name}" if name in os.environ else source)
    return ", ".join(dict.fromkeys(places))
