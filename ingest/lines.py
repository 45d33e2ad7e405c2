"""Numbered lines of a text file or stream, plain or gzip, in bounded memory."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, cast

from ingest.source import Refused
from schemas.errors import RunFault
from schemas.records.deadletter import KEPT_BYTES
from schemas.types import MAX_MESSAGE

#: Longest line (bytes) that a source looks at.
MAX_LINE: Final = MAX_MESSAGE

_GZIP = b"\x1f\x8b"


class Line(NamedTuple):
    """A line without its end; `number` is counted from 1."""

    number: int
    text: str


def read_lines(stream: BinaryIO, capture: str | None) -> Iterator[Line | Refused]:
    """The lines of a stream; blank lines are passed over, they carry nothing.

    Args:
        stream: binary, blocking; a pipe is read as its lines come.
        capture: name of the file for what is refused.

    Yields:
        Lines, and `Refused` for a line that is longer than `MAX_LINE` ("oversized") or is not UTF-8 ("not text"),
        and where the compressed stream is damaged ("damaged gzip"; nothing after it can be read).
    """
    number = 0
    while True:
        number += 1
        try:
            raw, length = _bounded_line(stream)
        except (EOFError, gzip.BadGzipFile, zlib.error) as damaged:
            yield Refused("damaged gzip", str(damaged), capture=capture, frame=number)
            return
        if not raw:
            return
        if length > MAX_LINE:
            detail = f"{length} bytes, the bound is {MAX_LINE}"
            yield Refused("oversized", detail, raw[:KEPT_BYTES], capture, number, length=length)
            continue
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as wrong:
            yield Refused("not text", f"byte {wrong.start} is not UTF-8", raw, capture, number)
            continue
        if text and not text.isspace():
            yield Line(number, text)


def _bounded_line(stream: BinaryIO) -> tuple[bytes, int]:
    """The next line, cut after `MAX_LINE` bytes, and its whole length."""
    raw = stream.readline(MAX_LINE + 1)
    length = len(raw)
    rest = raw
    while len(rest) > MAX_LINE and not rest.endswith(b"\n"):
        rest = stream.readline(MAX_LINE + 1)
        length += len(rest)
    return raw, length


def uncompressed(stream: BinaryIO) -> BinaryIO:
    """The stream itself, or what it decompresses to where it starts as gzip."""
    peek = getattr(stream, "peek", None)
    if peek is not None and peek(2)[:2] == _GZIP:
        return cast(BinaryIO, gzip.GzipFile(fileobj=stream, mode="rb"))
    return stream


def open_text(path: Path) -> BinaryIO:
    """Open a text file for `read_lines`; gzip is recognised by content.

    Raises:
        RunFault: it cannot be opened.
    """
    try:
        return uncompressed(cast(BinaryIO, path.open("rb")))
    except OSError as wrong:
        raise RunFault(f"cannot read the file: {wrong.strerror}", str(path), "name a readable file") from wrong
