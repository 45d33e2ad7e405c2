"""Incidents flow out to a real HTTP server, a real Kafka and real sockets: in order, with repeats at most, never with a loss."""

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from infra.stack import StackState
from ingest.publisher import Broker
from jobs.command.root import run as command
from jobs.outflow.changes import Changes
from jobs.outflow.message import Message
from jobs.outflow.run import Outflow, run
from jobs.outflow.syslog import Syslog
from jobs.outflow.topic import Topic
from jobs.outflow.webhook import Target, Webhook, signature
from jobs.settings import PREFIX
from jobs.triage.lifecycle import Action, Change, Verdict, apply
from schemas.topics import INCIDENTS
from tests.conftest import Database
from tests.integration.console import alert, landed, rows

SECRET = "a secret of both"
Answer = Callable[[int, dict[str, str], bytes], int]


class Server:
    """A webhook that keeps what it was sent; `answer` (number, headers, body) says the status."""

    def __init__(self, answer: Answer = lambda *_: 200) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answer = answer
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = dict(self.headers.items())
                number = len(outer.got)
                outer.got.append((headers, body))
                status = outer.answer(number, headers, body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def uids(self) -> list[str]:
        return [headers["X-Gridwatch-Uid"] for headers, _ in self.got]


@contextmanager
def serving(answer: Answer = lambda *_: 200) -> Iterator[Server]:
    server = Server(answer)
    try:
        yield server
    finally:
        server.close()


def webhook(database: Database, server: Server, **more: Any) -> Outflow:
    receiver = Webhook(Target(server.url, "application/json", SECRET, "Bearer x"))
    return Outflow(database.console_dsn, receiver, "ocsf", until_end=True, first_wait_s=0.05, **more)


def flow(what: Outflow) -> list[str]:
    said: list[str] = []
    run(what, threading.Event(), said.append)
    return said


def standing(database: Database) -> set[str]:
    """The uid of each incident as it stands."""
    return {f"{i}-{v}-{a}" for i, v, a in rows(database.dsn, "SELECT incident_id, version, alerts FROM incident")}


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


@contextmanager
def own_topic(stack: StackState) -> Iterator[str]:
    name = f"test-{secrets.token_hex(4)}-incidents"
    admin = AdminClient({"bootstrap.servers": stack.bootstrap})
    admin.create_topics([NewTopic(name, 3, 1)])[name].result(30)
    yield name
    admin.delete_topics([name])[name].result(30)


def read(stack: StackState, topic: str) -> list[Any]:
    """All messages of a topic."""
    consumer = Consumer({"bootstrap.servers": stack.bootstrap, "group.id": secrets.token_hex(4)})
    found: list[Any] = []
    partitions = consumer.list_topics(topic, 10).topics[topic].partitions
    for number in partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), 10)
        consumer.assign([TopicPartition(topic, number, low)])
        for _ in range(high - low):
            message = consumer.poll(10)
            assert message is not None and message.error() is None
            found.append(message)
    consumer.close()
    return found


def test_kafka_gets_each_state_under_the_id_of_its_incident(database: Database, stack: StackState) -> None:
    landed(database.landing_dsn, *[alert(n, dedup=f"key {n}") for n in range(6)])
    with own_topic(stack) as topic:

        def flow_there() -> None:
            receiver = Topic(Broker(stack.bootstrap), "application/json", topic)
            flow(Outflow(database.console_dsn, receiver, "ocsf", until_end=True))

        flow_there()
        with psycopg.connect(database.console_dsn) as connection:
            apply(connection, f"{3:032x}", None, Change(Action.ACKNOWLEDGE, "anna"))
        flow_there()
        flow_there()
        got = read(stack, topic)
        assert len(got) == 7
        own = [m for m in got if m.key() == f"{3:032x}".encode()]
        assert [json.loads(m.value())["status"] for m in own] == ["New", "In Progress"]
        for m in got:
            event = json.loads(m.value())
            headers = dict(m.headers())
            assert headers["uid"].decode() == event["metadata"]["uid"]
            assert m.key().decode() == event["metadata"]["correlation_uid"]


def test_what_kafka_has_and_nobody_wrote_down_comes_again(database: Database, stack: StackState) -> None:
    """As if it was killed after the acknowledgement of Kafka."""
    landed(database.landing_dsn, *[alert(n, dedup=f"key {n}") for n in range(3)])
    with own_topic(stack) as topic:

        class Killed(BaseException):
            pass

        class Dying(Topic):
            def send(self, messages: Any) -> Any:
                super().send(messages)
                raise Killed

        with pytest.raises(Killed):
            flow(Outflow(database.console_dsn, Dying(Broker(stack.bootstrap), "", topic), "ocsf", until_end=True))
        flow(Outflow(database.console_dsn, Topic(Broker(stack.bootstrap), "", topic), "ocsf", until_end=True))
        uids = [dict(m.headers())["uid"].decode() for m in read(stack, topic)]
        assert len(uids) == 6 and set(uids) == standing(database)


class Syslogs:
    """A syslog receiver on loopback that counts octets; one that `closes_first` resets its first connection."""

    def __init__(self, closes_first: bool = False) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.got: list[str] = []
        self._closes_first = closes_first
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        number = 0
        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            number += 1
            if number == 1 and self._closes_first:
                # Unread octets: a reset.
                stream.recv(10)
                stream.close()
                continue
            threading.Thread(target=self._serve, args=(stream,), daemon=True).start()

    def _serve(self, stream: socket.socket) -> None:
        with stream, stream.makefile("rb") as file:
            while True:
                count = b""
                while (octet := file.read(1)) not in (b" ", b""):
                    count += octet
                if not octet:
                    return
                self.got.append(file.read(int(count)).decode())

    def wait_for(self, number: int) -> list[str]:
        until = threading.Event()
        for _ in range(200):
            if len(self.got) >= number:
                break
            until.wait(0.05)
        return self.got


@pytest.mark.parametrize("closes_first", [False, True])
def test_syslog_over_tcp_counts_octets(database: Database, closes_first: bool) -> None:
    landed(
        database.landing_dsn, *[alert(n, dedup=f"key {n}", entity=f"Umspännwerk {n}\n<1>1 forged") for n in range(5)]
    )
    receiver = Syslogs(closes_first)
    sender = Syslog(receiver.address, settle_s=3.0 if closes_first else 0.2)
    flow(Outflow(database.console_dsn, sender, "cef", host="box", until_end=True, first_wait_s=0.05))
    got = receiver.wait_for(5)
    assert len(got) == 5
    assert all(line.startswith("<") and " box gridwatch - incident - CEF:0|Gridwatch|" in line for line in got)
    assert all("\n" not in line and "Umspännwerk" in line for line in got)
    ids = {name for line in got for name in re.findall(r"externalId=(\w+)", line)}
    assert ids == {f"{n:032x}" for n in range(5)}
    receiver.listener.close()


def test_syslog_over_udp(database: Database) -> None:
    landed(database.landing_dsn, *[alert(n, dedup=f"key {n}") for n in range(3)])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        sender = Syslog(f"udp://127.0.0.1:{receiver.getsockname()[1]}")
        flow(Outflow(database.console_dsn, sender, "cef", host="box", until_end=True))
        assert [b"CEF:0" in receiver.recv(65_535) for _ in range(3)] == [True] * 3


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
