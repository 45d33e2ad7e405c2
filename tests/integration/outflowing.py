"""What the tests of the outflow share: receivers that keep what they were sent, and what was written down of it."""

import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from infra.stack import StackState
from jobs.outflow.run import Outflow, run
from jobs.outflow.webhook import Target, Webhook
from tests.conftest import Database
from tests.integration.console import rows

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
