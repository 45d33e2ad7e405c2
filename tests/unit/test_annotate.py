"""Annotations, against a stub of Grafana's HTTP API.

The stub below is no Grafana: it keeps annotations as Grafana's API documents them and knows one token. It proves what we
send and how we bear refusals, not how Grafana shows it.
"""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from infra.grafana.annotate import MAX_TEXT, Annotator
from infra.grafana.client import Grafana, connect
from schemas.errors import ConfigFault

TOKEN = "stub-token"


class Stub(ThreadingHTTPServer):
    """A stub of Grafana below the path /ops: POST and GET of annotations."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.annotations: list[dict[str, Any]] = []
        self.let_in = threading.Event()
        self.let_in.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/ops"


class _Handler(BaseHTTPRequestHandler):
    server: Stub

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.let_in.wait(10)
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer(401, {"message": "Invalid API key"})
        elif self.path != "/ops/api/annotations" or not body.get("text"):
            self._answer(400, {"message": "bad request"})
        else:
            self.server.annotations.append(body)
            self._answer(200, {"message": "Annotation added", "id": len(self.server.annotations)})

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def stub() -> Iterator[Stub]:
    server = Stub()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.let_in.set()
    server.shutdown()
    thread.join()
    server.server_close()


def alert(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "time": datetime(2026, 3, 2, 12, 0, number, 250_000, tzinfo=UTC),
        "severity_id": 5,
        "domain": "substation",
        "detector": "rogue_master",
        "technique": "T0848",
        "title": f"alert {number}",
        "observed": "function 3",
        **fields,
    }


def test_an_alert_becomes_an_annotation(stub: Stub) -> None:
    annotator = Annotator(connect(Grafana(stub.url, TOKEN)), print, rate=1000)
    annotator([alert(1), alert(2, title="x" * 5000)])
    annotator.close()
    first, second = stub.annotations
    assert first["time"] == 1_772_452_801_250
    assert first["tags"] == ["gridwatch", "critical", "substation", "rogue_master", "T0848"]
    assert first["text"] == "alert 1\nfunction 3"
    assert len(second["text"]) == MAX_TEXT
    assert (annotator.sent, annotator.left_out) == (2, 0)


def test_a_storm_never_waits_and_what_is_too_much_is_counted(stub: Stub) -> None:
    stub.let_in.clear()
    annotator = Annotator(connect(Grafana(stub.url, TOKEN)), print, rate=1000, waiting=10)
    annotator([alert(n % 60) for n in range(500)])
    stub.let_in.set()
    annotator.close()
    assert annotator.sent == len(stub.annotations) >= 10
    assert annotator.sent + annotator.left_out == 500


def test_a_refusal_is_said_once_and_stops_nothing(stub: Stub) -> None:
    said: list[str] = []
    annotator = Annotator(connect(Grafana(stub.url, TOKEN + "x")), said.append, rate=1000)
    annotator([alert(1), alert(2), alert(3)])
    annotator.close()
    assert len(said) == 1 and "Unauthorized" in said[0] and TOKEN not in said[0]
    assert (annotator.sent, annotator.left_out) == (0, 3)


def test_nobody_there_is_a_refusal_too() -> None:
    said: list[str] = []
    annotator = Annotator(connect(Grafana("http://127.0.0.1:9", TOKEN)), said.append, rate=1000)
    annotator([alert(1)])
    annotator.close()
    assert annotator.left_out == 1 and len(said) == 1
    assert annotator.line() == "annotations: sent 0, left out 1"


def test_the_address_is_checked_and_the_token_not_shown() -> None:
    with pytest.raises(ConfigFault):
        connect(Grafana("grafana:3000", TOKEN))
    assert TOKEN not in repr(Grafana("http://g", TOKEN))
