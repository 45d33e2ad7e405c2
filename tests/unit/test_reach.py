"""A broker that is not there, or that cannot be asked, is told in seconds."""

from pathlib import Path

import pytest

from infra.ports import choose
from infra.reach import topics_of
from jobs.command.root import run
from jobs.connections import postgres_dsn
from jobs.session import place_of
from jobs.settings import load
from schemas.errors import ConfigFault, RunFault


def test_nobody_answers() -> None:
    with pytest.raises(RunFault, match="Kafka does not answer"):
        topics_of({"bootstrap.servers": f"127.0.0.1:{choose(40_000)}"}, patience=0.5)


def test_authorities_that_are_none(tmp_path: Path) -> None:
    authorities = tmp_path / "ca.pem"
    authorities.write_text("no certificate")
    client = {"bootstrap.servers": "127.0.0.1:1", "security.protocol": "SSL", "ssl.ca.location": str(authorities)}
    with pytest.raises(ConfigFault, match=r"cannot be used.*ssl\.ca\.location"):
        topics_of(client)


@pytest.mark.parametrize("words", [["detect"], ["land"], ["archive"], ["topics"], ["ingest", "meter", "-"]])
def test_authorities_that_are_missing(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRIDWATCH_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("GRIDWATCH_KAFKA__SSL_CA_FILE", "/nonexistent/ca.pem")
    monkeypatch.setenv("GRIDWATCH_POSTGRES__DSN", "postgresql://nobody@127.0.0.1:1/none")
    assert run(words) == 3
    assert capsys.readouterr().err.splitlines() == [
        "gridwatch: no such file: /nonexistent/ca.pem (kafka.ssl_ca_file): name a PEM file"
    ]


@pytest.mark.parametrize("dsn", ["postgres//nope", "host"])
def test_a_connection_string_that_is_none_is_told_without_repeating_it(
    dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRIDWATCH_POSTGRES__DSN", dsn)
    with pytest.raises(ConfigFault) as fault:
        postgres_dsn(load())
    assert fault.value.where == "postgres.dsn"
    assert dsn not in fault.value.what
    assert run(["doctor"]) != 0
    assert "postgres.dsn" in capsys.readouterr().out


@pytest.mark.parametrize("master", ["yarrn", "spark:/host", "local[x]", ""])
def test_a_master_that_is_none(master: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigFault, match=r"spark\.master"):
        place_of(load(), "test", master or " ")


@pytest.mark.parametrize(
    "master", ["local", "local[*]", "local[2,4]", "spark://host:7077", "k8s://https://host", "yarn"]
)
def test_masters(master: str) -> None:
    assert place_of(load(), "test", master).master.startswith(master.partition("]")[0].replace("[2,4", "[2"))
