"""Settings come from the file, then the environment; every error names the key and the remedy."""

from pathlib import Path

import pytest

from jobs.connections import kafka_client, kafka_spark_options, postgres_dsn
from jobs.settings import keys, load, variable
from schemas.errors import ConfigFault


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(text: str) -> Path:
    path = Path("gridwatch.toml")
    path.write_text(text)
    return path


def test_defaults_need_no_file() -> None:
    settings = load()
    assert settings.kafka.partitions == 8
    assert settings.lake_uri == str(Path.cwd() / "var" / "lake")


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write('[kafka]\nbootstrap_servers = "file:9092"\npartitions = 3\n[spark.conf]\n"spark.ui.enabled" = "true"\n')
    monkeypatch.setenv("GRIDWATCH_KAFKA__BOOTSTRAP_SERVERS", "environment:9092")
    settings = load()
    assert (settings.kafka.bootstrap_servers, settings.kafka.partitions) == ("environment:9092", 3)
    assert settings.spark.conf == {"spark.ui.enabled": "true"}


def test_the_file_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    write("").rename("other.toml")
    Path("other.toml").write_text('run_dir = "elsewhere"')
    assert load(Path("other.toml")).run_dir == Path("elsewhere")
    monkeypatch.setenv("GRIDWATCH_SETTINGS", "other.toml")
    assert load().run_dir == Path("elsewhere")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[kafka]\npartition = 3", "kafka.partition: unknown setting, did you mean kafka.partitions?"),
        ("[kafka]\npartitions = 0\n[spark]\nbuckets = 'x'", "kafka.partitions"),
        ("[spark]\nmaster = 3\nbuckets = -1", "spark.buckets"),
        ("no toml", "cannot be read"),
        ("colour = 'red'", "colour: unknown setting"),
    ],
)
def test_a_wrong_file_is_told(text: str, told: str) -> None:
    write(text)
    with pytest.raises(ConfigFault) as caught:
        load()
    assert told in str(caught.value)
    assert "gridwatch.toml" in caught.value.where


def test_all_wrong_keys_are_told_at_once() -> None:
    write("[kafka]\npartitions = 0\nreplication = 0")
    with pytest.raises(ConfigFault, match=r"kafka\.partitions.*kafka\.replication"):
        load()


def test_a_missing_named_file_is_told() -> None:
    with pytest.raises(ConfigFault, match="does not exist"):
        load(Path("absent.toml"))


def test_an_unknown_variable_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDWATCH_KAFKA__PARTITON", "3")
    with pytest.raises(ConfigFault, match="did you mean GRIDWATCH_KAFKA__PARTITIONS"):
        load()


def test_a_wrong_variable_is_blamed_and_its_secret_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDWATCH_KAFKA__SASL_MECHANISM", "hunter2")
    with pytest.raises(ConfigFault) as caught:
        load()
    assert caught.value.where == "environment variable GRIDWATCH_KAFKA__SASL_MECHANISM"
    assert "hunter2" not in str(caught.value)


def test_every_key_has_a_variable() -> None:
    assert variable("kafka.bootstrap_servers") == "GRIDWATCH_KAFKA__BOOTSTRAP_SERVERS"
    assert {"run_dir", "spark.buckets", "postgres.dsn"} <= set(keys())


def test_secrets_do_not_show() -> None:
    write('[postgres]\ndsn = "postgresql://u:hunter2@h/d"\n[kafka]\nsasl_password = "hunter2"')
    settings = load()
    assert "hunter2" not in repr(settings)
    assert postgres_dsn(settings) == "postgresql://u:hunter2@h/d"


def test_without_a_broker_the_remedy_is_named() -> None:
    with pytest.raises(ConfigFault, match="gridwatch up"):
        kafka_client(load())


def test_sasl_over_tls_in_both_clients_words(tmp_path: Path) -> None:
    authorities = tmp_path / "ca.pem"
    authorities.touch()
    write(
        '[kafka]\nbootstrap_servers = "b:9093"\nsecurity_protocol = "SASL_SSL"\nsasl_mechanism = "SCRAM-SHA-512"\n'
        'sasl_username = "grid"\nsasl_password = "a\\"b\\\\c"\nssl_ca_file = "' + f'{authorities}"\n'
    )
    settings = load()
    assert kafka_client(settings) == {
        "bootstrap.servers": "b:9093",
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(authorities),
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "grid",
        "sasl.password": 'a"b\\c',
    }
    options = kafka_spark_options(settings)
    assert options["kafka.security.protocol"] == "SASL_SSL"
    assert options["kafka.ssl.truststore.location"] == str(authorities)
    assert 'password="a\\"b\\\\c";' in options["kafka.sasl.jaas.config"]


def test_incomplete_sasl_is_refused() -> None:
    write('[kafka]\nbootstrap_servers = "b:9093"\nsecurity_protocol = "SASL_SSL"')
    with pytest.raises(ConfigFault, match="sasl_password"):
        kafka_client(load())
