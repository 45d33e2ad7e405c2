"""The embedded stack: real servers, started once, found again, and stopped without touching others."""

import os
import stat
from pathlib import Path

import psycopg
import pytest
from confluent_kafka.admin import AdminClient, ConfigResource

from infra import postgres
from infra.stack import Stack, StackState
from jobs.command.root import run
from jobs.settings import default_cache
from schemas import topics
from schemas.errors import RunFault


def test_topics_are_there(stack: StackState) -> None:
    admin = AdminClient({"bootstrap.servers": stack.bootstrap})
    found = admin.list_topics(timeout=30).topics
    partitions = {name: len(topic.partitions) for name, topic in found.items() if not name.startswith("__")}
    wanted = dict.fromkeys((*topics.TELEMETRY, topics.DEADLETTER), 8) | {topics.ALERTS: 1}
    assert {name: partitions[name] for name in wanted} == wanted
    resource = ConfigResource(ConfigResource.Type.TOPIC, topics.SCHEMAS)
    settings = admin.describe_configs([resource])[resource].result(30)
    assert settings["cleanup.policy"].value == "compact"


def test_a_misspelt_topic_is_not_made(stack: StackState) -> None:
    admin = AdminClient({"bootstrap.servers": stack.bootstrap})
    admin.list_topics("telemetry.metre", timeout=30)
    assert "telemetry.metre" not in admin.list_topics(timeout=30).topics


def test_the_reader_is_read_only_by_default(stack: StackState) -> None:
    with psycopg.connect(stack.reader_dsn) as reader:
        assert reader.execute("SHOW default_transaction_read_only").fetchone() == ("on",)
        assert reader.execute("SHOW timezone").fetchone() == ("UTC",)


def test_up_status_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    run_dir = tmp_path / "var"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRIDWATCH_RUN_DIR", str(run_dir))
    stack = Stack(run_dir, default_cache(), os.environ)
    request.addfinalizer(stack.down)

    assert run(["status"]) == 0
    assert capsys.readouterr().out == "down\n"
    assert run(["up"]) == 0
    first = stack.load()
    assert first is not None
    assert stat.S_IMODE(stack.state_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(stack.passwords_file.stat().st_mode) == 0o600
    capsys.readouterr()

    # Up again changes nothing; what it prints holds no password.
    assert run(["up"]) == 0
    assert stack.load() == first
    printed = capsys.readouterr().out
    assert not any(password in printed for password in first.passwords.values())
    assert run(["status"]) == 0
    assert capsys.readouterr().out.count("answers") == 2
    assert run(["doctor"]) == 0
    with pytest.raises(RunFault, match="is up"):
        stack.remove()

    # A server that died is told, and replaced by the next up; the data is as it was.
    with psycopg.connect(first.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (x int)")
    server = first.postgres.find()
    assert server is not None
    server.kill()
    server.wait(30)
    capsys.readouterr()
    assert run(["status"]) == 4
    assert "PostgreSQL does not answer" in capsys.readouterr().err
    assert run(["up"]) == 0
    second = stack.load()
    assert second is not None
    assert second.kafka == first.kafka
    with psycopg.connect(second.dsn) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)

    assert run(["down", "--remove-data"]) == 0
    assert second.kafka.find() is None
    assert second.postgres.find() is None
    assert not (run_dir / "kafka").exists()
    assert not stack.state_file.exists()
    assert run(["down"]) == 0


def test_a_damaged_state_file_is_told(tmp_path: Path) -> None:
    stack = Stack(tmp_path, default_cache(), os.environ)
    for text in ("{", "[]", '{"version": 1}', '{"version": 99}'):
        stack.state_file.write_text(text)
        with pytest.raises(RunFault, match=r"state file|another version"):
            stack.load()


def test_where_an_unprivileged_server_cannot_go_its_data_is_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    place = postgres.PostgresPlace(tmp_path / "closed" / "postgres", tmp_path / "log", 1)
    if os.geteuid() == 0:
        user = 65534
        directory = postgres.data_directory(place, user)
        assert directory.parent == postgres.REACHABLE
        assert directory.stat().st_uid == user
    else:
        directory = postgres.data_directory(place, None)
        assert directory == place.directory
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    postgres.remove(place)
    assert not directory.exists()
