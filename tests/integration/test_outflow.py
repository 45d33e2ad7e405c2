"""Incidents flow out to a real HTTP server, and a process that is killed: in order, with repeats at most, never with a loss."""

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from infra.stack import StackState
from jobs.command.root import run as command
from jobs.outflow.changes import Changes
from jobs.outflow.message import Message
from jobs.outflow.webhook import signature
from jobs.settings import PREFIX
from jobs.triage.lifecycle import Action, Change, Verdict, apply
from schemas.topics import INCIDENTS
from tests.conftest import Database
from tests.integration.console import alert, landed, rows
from tests.integration.outflowing import SECRET, Syslogs, flow, read, serving, standing, webhook


def test_each_state_is_posted_once_signed_and_in_order(database: Database) -> None:
    with serving() as server:
        flow(webhook(database, server))
        assert server.got == []
        landed(database.landing_dsn, *[alert(n, dedup=f"key {n % 3}") for n in range(9)])
        flow(webhook(database, server))
        assert set(server.uids) == standing(database) and len(server.uids) == 3
        headers, body = server.got[0]
        assert headers["X-Gridwatch-Signature"] == signature(SECRET, headers["X-Gridwatch-Timestamp"], body)
        assert headers["Authorization"] == "Bearer x" and headers["Content-Type"] == "application/json"
        event = json.loads(body)
        assert event["metadata"]["uid"] == headers["X-Gridwatch-Uid"] and len(event["finding_info_list"]) == 3
        # Started again: nothing is sent again.
        flow(webhook(database, server))
        assert len(server.got) == 3
        # Steps of its life, and further alerts.
        one = event["metadata"]["correlation_uid"]
        with psycopg.connect(database.console_dsn) as connection:
            apply(connection, one, None, Change(Action.ACKNOWLEDGE, "anna"))
        flow(webhook(database, server))
        with psycopg.connect(database.console_dsn) as connection:
            apply(connection, one, None, Change(Action.CLOSE, "anna", verdict=Verdict.BENIGN))
        flow(webhook(database, server))
        landed(database.landing_dsn, alert(20, dedup="key 0"), alert(21, dedup="key 1"), alert(22, dedup="key 2"))
        flow(webhook(database, server))
        states = [json.loads(b) for _, b in server.got]
        own = [(s["activity_id"], s["status"], s["count"]) for s in states if s["metadata"]["correlation_uid"] == one]
        assert own == [(1, "New", 3), (2, "In Progress", 3), (3, "Closed", 3), (2, "New", 4)]
        assert len(set(server.uids)) == len(server.uids) == 8


def test_a_failing_receiver_is_tried_again(database: Database) -> None:
    landed(database.landing_dsn, *[alert(n, dedup=f"key {n}") for n in range(4)])
    with serving(lambda number, *_: 503 if number in (0, 2, 3) else 200) as server:
        said = flow(webhook(database, server))
        assert set(server.uids) == standing(database) and len(server.uids) == 7
        assert sum("trying again" in line for line in said) == 3
    # There is nobody any more.
    landed(database.landing_dsn, alert(9, dedup="later"))
    with pytest.raises(Exception, match="takes nothing"):
        flow(webhook(database, server))
    with serving() as again:
        # Another address is another position, unless it has the same name.
        flow(webhook(database, again, name=f"ocsf {server.url}"))
        assert len(again.got) == 1


def test_a_refused_incident_holds_up_no_other(database: Database) -> None:
    landed(database.landing_dsn, *[alert(n, dedup=f"key {n}") for n in range(5)])
    bad = f"{2:032x}"
    with serving(lambda _, headers, __: 422 if bad in headers["X-Gridwatch-Uid"] else 200) as server:
        what = webhook(database, server)
        with pytest.raises(Exception, match="1 incidents were refused"):
            flow(what)
        assert len(server.got) == 5
        assert len(rows(database.dsn, "SELECT * FROM outflow")) == 4
        # Its time has come, and the receiver has been mended.
        server.answer = lambda *_: 200
        what.aside = {bad: (0.0, 1.0)}
        flow(what)
        assert len(server.got) == 6 and bad in server.uids[-1] and not what.aside


def test_killed_between_sending_and_writing_down(database: Database) -> None:
    """The receiver kills the sender before it answers, several times: what was not acknowledged comes again, all of it comes."""
    landed(database.landing_dsn, *[alert(n, dedup=f"key {n}") for n in range(12)])
    process: list[subprocess.Popen[bytes]] = []

    def answer(number: int, *_: Any) -> int:
        if number in (0, 3, 7):
            process[-1].kill()
        return 200

    with serving(answer) as server:
        for _ in range(4):
            process.append(start(database, "--webhook", server.url, "--once"))
            process[-1].wait(60)
        assert [p.returncode for p in process] == [-signal.SIGKILL] * 3 + [0]
        assert set(server.uids) == standing(database)
        repeated = len(server.uids) - len(set(server.uids))
        assert repeated == 3, "one for each kill, and what was acknowledged before is not sent again"


def start(database: Database, *words: str) -> "subprocess.Popen[bytes]":
    environment = os.environ | {f"{PREFIX}POSTGRES__DSN": database.console_dsn}
    line = [sys.executable, "-m", "jobs.command", "outflow", *words]
    return subprocess.Popen(line, env=environment, stderr=subprocess.DEVNULL)


def test_what_is_committed_late_is_found(database: Database) -> None:
    """A transaction writes before a look and commits after it; without the margin the look that compares all finds it."""
    landed(database.landing_dsn, alert(1, dedup="one"), alert(2, dedup="two"))
    for margin, whole_s in ((None, 3600.0), (0, 0.0)):
        more: dict[str, Any] = {"whole_s": whole_s}
        if margin is not None:
            more["margin"] = timedelta(seconds=margin)
        changes = Changes(database.console_dsn, f"test {margin}", **more)
        assert changes.lock()
        seen = taken(changes)
        assert len(seen) == 2
        with psycopg.connect(database.console_dsn) as slow, slow.transaction():
            apply(slow, f"{1:032x}", None, Change(Action.COMMENT, "anna", comment="slow"))
            with psycopg.connect(database.console_dsn) as quick:
                apply(quick, f"{2:032x}", None, Change(Action.COMMENT, "ben", comment="quick"))
            assert taken(changes) == [f"{2:032x}"]
        assert taken(changes) == [f"{1:032x}"]
        assert taken(changes) == []
        changes.close()


def taken(changes: Changes) -> list[str]:
    found = []
    for page in changes.look():
        for incident, _ in page:
            found.append(incident["incident_id"])
            message = Message(incident["incident_id"], incident["version"], incident["alerts"], "", b"")
            changes.sent([message])
    return found


def test_more_than_a_page_in_the_order_of_change(database: Database) -> None:
    landed(database.landing_dsn, *[alert(n, dedup=f"key {n}", detector=f"d{n % 20}") for n in range(450)])
    changes = Changes(database.console_dsn, "test")
    found = taken(changes)
    assert len(found) == len(set(found)) == 450 == len(rows(database.dsn, "SELECT * FROM outflow"))
    changes.close()


def test_a_second_one_stands_by(database: Database) -> None:
    one, other = Changes(database.console_dsn, "x"), Changes(database.console_dsn, "x")
    elsewhere = Changes(database.console_dsn, "y")
    assert one.lock() and not other.lock() and elsewhere.lock()
    elsewhere.close()
    one.close()
    # The server lets go of a lock a moment after its connection has left.
    until = time.monotonic() + 10
    while not other.lock():
        assert time.monotonic() < until
        threading.Event().wait(0.02)
    other.close()


def test_the_command(
    database: Database,
    stack: StackState,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Any,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"{PREFIX}POSTGRES__DSN", database.console_dsn)
    monkeypatch.setenv(f"{PREFIX}KAFKA__BOOTSTRAP_SERVERS", stack.bootstrap)
    monkeypatch.setenv(f"{PREFIX}OUTFLOW__WEBHOOK_SECRET", SECRET)
    own = secrets.token_hex(16)
    landed(database.landing_dsn, alert(1, alert_id=own))
    assert command(["outflow", "--kafka", "--once"]) == 0
    assert [m for m in read(stack, INCIDENTS) if m.key() == own.encode()]
    receiver = Syslogs()
    assert command(["outflow", "--syslog", receiver.address, "--once"]) == 0
    assert own in receiver.wait_for(1)[0]
    with serving() as server:
        assert command(["outflow", "--webhook", server.url, "--format", "stix", "--once"]) == 0
        (headers, body) = server.got[0]
        assert json.loads(body)["type"] == "bundle"
        assert headers["X-Gridwatch-Signature"] == signature(SECRET, headers["X-Gridwatch-Timestamp"], body)
    assert "outflow: sent 1" in capsys.readouterr().err
    for words, says in (
        ([], "not one receiver"),
        (["--kafka", "--syslog", "x:1"], "not one receiver"),
        (["--webhook", "ftp://x"], "https://host/path"),
        (["--webhook", "https://a:b@x/"], "outflow.authorization"),
        (["--syslog", "x"], "host:port"),
        (["--syslog", "x:1", "--format", "ocsf"], "syslog carries lines"),
        (["--kafka", "--format", "ocfs"], "did you mean ocsf"),
    ):
        assert command(["outflow", *words]) == 2, words
        assert says in capsys.readouterr().err
