"""The period of a report: from when until when, in whole slots of the sums that the landing step keeps."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.errors import UsageFault

#: Length of a slot of the sums (infra/sql/rollup.sql).
SLOT: Final = timedelta(minutes=5)
_UNITS: Final = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(frozen=True)
class Period:
    """From `begins` on and before `ends`."""

    begins: datetime
    ends: datetime


def period(since: str, until: str | None, now: datetime) -> Period:
    """The period that is meant, widened to whole slots, so that all figures of a report are of the same time.

    Args:
        since: a span before the end, such as 24h, 7d, 90min or 4w, or a moment in ISO 8601, UTC where it names no zone.
        until: a moment; None for now.
        now: the time.

    Raises:
        UsageFault: it is neither, or ends before it begins.
    """
    ends = now if until is None else _moment(until, "--until")
    span = re.fullmatch(r"(\d{1,6})(min|h|d|w)", since.strip())
    try:
        begins = ends - int(span[1]) * _UNITS[span[2]] if span else _moment(since, "--since")
        begins, ends = _floor(begins), _floor(ends + SLOT - timedelta(microseconds=1))
    except OverflowError as wrong:
        raise UsageFault("further than there is time", "--since", "a span such as 24h or 7d") from wrong
    if begins >= ends:
        raise UsageFault("the period ends before it begins", "--since", "a span such as 24h, or an earlier moment")
    return Period(begins, ends)


def _moment(text: str, where: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as wrong:
        remedy = "a span such as 24h, 7d, 90min or 4w, or a moment such as 2026-03-02T08:00"
        raise UsageFault(f"not a time: {text[:40]!r}", where, remedy) from wrong
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _floor(moment: datetime) -> datetime:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + (moment - epoch) // SLOT * SLOT
