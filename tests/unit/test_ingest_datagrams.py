"""Records of any type by UDP: JSON and syslog datagrams, and what is refused."""

import json
import socket

import pytest

from ingest.source import Item, Record, Refused
from ingest.table import listen_table
from schemas.errors import RunFault
from schemas.records import HEADEND_COMMAND
from schemas.wire import encode

COMMAND = {
    "record": "headend_command",
    "time": "2026-03-02T12:00:00Z",
    "headend": "H1",
    "operator": "eve",
    "host": "10.0.0.5",
    "meter": "M1",
    "command": "read",
}
LINE = json.dumps(COMMAND)


def received(*datagrams: bytes) -> list[Item]:
    """What a listener makes of datagrams."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:

        def send(host: str, port: int) -> None:
            for datagram in datagrams:
                sender.sendto(datagram, (host, port))

        source = listen_table("127.0.0.1", 0, ready=send)
        items = [next(source) for _ in datagrams]
        source.close()  # type: ignore[attr-defined]
    return items


@pytest.mark.parametrize(
    "text",
    [
        LINE,
        f"{LINE}\n",
        json.dumps(COMMAND, indent=2),
        f"<134>1 2026-03-02T12:00:00Z gateway exporter 412 - - {LINE}",
        f'<134>1 2026-03-02T12:00:00Z gateway exporter 412 ID47 [origin ip="10.0.0.1"] \ufeff{LINE}',
        f"<134>Mar  2 12:00:00 gateway exporter[412]: {LINE}",
    ],
)
def test_a_datagram_is_a_record(text: str) -> None:
    (item,) = received(text.encode())
    assert isinstance(item, Record)
    assert item.schema is HEADEND_COMMAND
    assert (item.fields["operator"], item.fields["capture"], item.fields["frames"]) == ("eve", None, None)
    encode(item.schema, item.fields)


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (b"\xff\xfe", "not text"),
        (b"", "malformed"),
        (b"<134>Mar  2 12:00:00 gateway sshd: no JSON", "malformed"),
        (b"[1]", "malformed"),
        (b"{" * 60_000, "malformed"),
        (b"{}", "unknown record"),
        (json.dumps({**COMMAND, "record": "none"}).encode(), "unknown record"),
        (json.dumps({**COMMAND, "command": "explode"}).encode(), "range"),
        (json.dumps({**COMMAND, "shoe_size": 43}).encode(), "unknown field"),
        (json.dumps({**COMMAND, "meter": None}).encode(), "missing"),
        (json.dumps({**COMMAND, "time": 7}).encode(), "type"),
    ],
)
def test_anything_else_is_refused_and_the_next_one_is_read(datagram: bytes, reason: str) -> None:
    refused, good = received(datagram, LINE.encode())
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.content) == (reason, datagram)
    assert "127.0.0.1" in refused.detail
    assert isinstance(good, Record)


def test_a_port_in_use_is_a_fault() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(RunFault, match="cannot listen"):
            next(listen_table("127.0.0.1", taken.getsockname()[1]))
