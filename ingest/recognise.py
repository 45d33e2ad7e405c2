"""What a file is, by its content: its name counts for nothing."""

import gzip
import json
import re
import zlib
from enum import Enum
from pathlib import Path
from typing import Final

from schemas.errors import RunFault, UsageFault

#: Bytes and lines of a file that are looked at.
_HEAD: Final = 65_536
_LINES: Final = 20

_CAPTURES: Final = {
    b"\xd4\xc3\xb2\xa1": "pcap",
    b"\xa1\xb2\xc3\xd4": "pcap",
    b"\x4d\x3c\xb2\xa1": "pcap",  # nanoseconds
    b"\xa1\xb2\x3c\x4d": "pcap",
    b"\x34\xcd\xb2\xa1": "pcap",  # Kuznetsov's patched libpcap
    b"\xa1\xb2\xcd\x34": "pcap",
    b"\x0a\x0d\x0d\x0a": "pcapng",
}
_PARQUET: Final = b"PAR1"
_GZIP: Final = b"\x1f\x8b"
#: A line of candump with or without its time, of its log, or of a CAN logger (see `ingest.can`).
_CANDUMP: Final = re.compile(
    r"\s*(\(\d+\.\d+\)\s+)?[\w.:@-]{1,32}\s+([RT]X\s\S\s\S\s+)?[0-9A-Fa-f]{3,8}(#|\s+\[\d{1,2}\])"
    r"|\s*\d{1,10}\.\d{1,6}\s+([0-9A-Fa-f]{4}|[0-9A-Fa-f]{8})\s+\d{3}\s+\d(\s|$)",
    re.ASCII,
)
#: A syslog message that ends with a JSON object (see `ingest.table`).
_SYSLOG: Final = re.compile(r"<\d{1,3}>[^{]*\{")
_KNOWN: Final = "a pcap or pcapng capture, candump text, ODE JSON, CSV, JSON lines or Parquet"


class Kind(Enum):
    """The kinds of files that records are read from."""

    PCAP = "pcap"
    PCAPNG = "pcapng"
    CANDUMP = "candump"
    ODE = "ODE JSON"
    CSV = "CSV"
    JSONL = "JSON lines"
    PARQUET = "Parquet"


def recognise(path: Path) -> Kind:
    """The kind of a file, looked at through gzip where it is compressed.

    Raises:
        RunFault: the file cannot be read.
        UsageFault: its content is none of the kinds; says what was seen.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        raise RunFault(f"cannot read the file: {error.strerror}", str(path), "name a readable file") from error
    compressed = head.startswith(_GZIP)
    if compressed:
        head = _decompressed(path)
    kind = kind_of(head)
    if kind is Kind.PARQUET and compressed:
        raise UsageFault("Parquet inside gzip", str(path), "decompress it first: Parquet compresses its own pages")
    if kind is None:
        seen = "an empty file" if not head else f"content that starts with {head[:24]!r}"
        raise UsageFault(f"cannot tell what this is: {seen}", str(path), f"give {_KNOWN}")
    return kind


def kind_of(head: bytes) -> Kind | None:
    """The kind of a file that starts with these bytes; None where it is none that is known."""
    if head[:4] in _CAPTURES:
        return Kind(_CAPTURES[head[:4]])
    if head.startswith(_PARQUET):
        return Kind.PARQUET
    if b"\x00" in head:
        return None
    lines = [line for line in head.decode("utf-8-sig", "replace").splitlines()[:_LINES] if line.strip()]
    for line in lines:
        if _CANDUMP.match(line[:256]):
            return Kind.CANDUMP
        if _SYSLOG.match(line.lstrip()):
            return Kind.JSONL
        if line.lstrip().startswith("{"):
            return _json_kind(line, head)
    separated = bool(lines) and max(map(lines[0].count, ",;\t")) > 0
    return Kind.CSV if separated and lines[0].replace("\t", " ").isprintable() else None


def _json_kind(line: str, head: bytes) -> Kind:
    """ODE messages carry `metadata` and `payload`; they also come pretty-printed, or longer than the head."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return Kind.ODE if b'"metadata"' in head else Kind.JSONL
    return Kind.ODE if isinstance(message, dict) and "metadata" in message else Kind.JSONL


def _decompressed(path: Path) -> bytes:
    """The first bytes inside a gzip file, as many as are sound."""
    unpack = zlib.decompressobj(wbits=31)
    head = b""
    try:
        with path.open("rb") as stream:
            while len(head) < _HEAD and (chunk := stream.read(4096)) and not unpack.eof:
                head += unpack.decompress(chunk, _HEAD - len(head))
    except (OSError, zlib.error, gzip.BadGzipFile) as error:
        if not head:
            raise RunFault(f"damaged gzip: {error}", str(path), "fetch the file again") from error
    return head
