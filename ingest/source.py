"""What a source yields: records of the contract, and what it had to refuse.

A source is any iterator of items. It yields lazily, holds a bounded number of records, and never raises for bad input:
what it cannot read it yields as `Refused`. It raises a `Fault` only where it cannot go on at all.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from schemas.records.deadletter import KEPT_BYTES
from schemas.types import Schema


class Record(NamedTuple):
    """One record.

    Args:
        schema: its type.
        fields: field name -> value; nullable fields may be absent; times are microseconds since 1970 UTC (int).
    """

    schema: Schema
    fields: dict[str, Any]


class Refused(NamedTuple):
    """One piece of input that is no record.

    Args:
        reason: one of a few fixed words of the source, e.g. "malformed"; counted by.
        detail: what exactly, one line.
        content: the offending bytes; only the first 1,024 are kept.
        capture: name of the file it was read from.
        frame: frame or line number in that file, counted from 1.
        time: time in the capture, microseconds since 1970; None where the input has none.
        length: length of the whole offending input in bytes; None where `content` is all of it.
    """

    reason: str
    detail: str
    content: bytes = b""
    capture: str | None = None
    frame: int | None = None
    time: int | None = None
    length: int | None = None


Item = Record | Refused
Source = Iterator[Item]

#: Longest detail (characters) that a dead letter carries.
MAX_DETAIL = 500


def capture_name(path: Path) -> str:
    """The name of a file as records carry it; bytes of the name that are not UTF-8 are replaced."""
    return _valid(path.name)


def _valid(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def deadletter(refused: Refused, stage: str, now: int) -> dict[str, Any]:
    """The fields of the `deadletter` record of a refusal.

    Args:
        stage: the source that refused it, e.g. "ingest tap".
        now: microseconds since 1970; stands in where the input carries no time.
    """
    return {
        "time": now if refused.time is None else refused.time,
        "stage": stage,
        "reason": refused.reason,
        "detail": _valid(" ".join(refused.detail.split())[:MAX_DETAIL]),
        "capture": None if refused.capture is None else _valid(refused.capture),
        "frame": refused.frame,
        "length": len(refused.content) if refused.length is None else refused.length,
        "content": refused.content[:KEPT_BYTES],
    }
