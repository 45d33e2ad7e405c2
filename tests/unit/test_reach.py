"""A broker that is not there, or that cannot be asked, is told in seconds."""

from pathlib import Path

import pytest

from infra.ports import choose
from infra.reach import topics_of
from jobs.command.root import run
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
