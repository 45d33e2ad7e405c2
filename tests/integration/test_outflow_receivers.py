"""Incidents flow out to a real Kafka and to real sockets of syslog."""

import json
import re
import socket
from typing import Any

import psycopg
import pytest

from infra.stack import StackState
from ingest.publisher import Broker
from jobs.outflow.run import Outflow
from jobs.outflow.syslog import Syslog
from jobs.outflow.topic import Topic
from jobs.triage.lifecycle import Action, Change, apply
from tests.conftest import Database
from tests.integration.console import alert, landed
from tests.integration.landing import own_topic
from tests.integration.outflowing import Syslogs, flow, read, standing


def test_kafka_gets_each_state_under_the_id_of_its_incident(database: Database, stack: StackState) -> None:
    landed(database.landing_dsn, *[alert(n, dedup=f"key {n}") for n in range(6)])
    with own_topic(stack.bootstrap, "incidents") as topic:

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
    with own_topic(stack.bootstrap, "incidents") as topic:

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
