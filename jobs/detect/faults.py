"""What Spark says when a query fails, as one of our faults: the one that a worker or the driver raised, if there is one."""

import re
from typing import Final

from schemas import errors
from schemas.errors import Fault, RunFault

_OURS: Final = re.compile(r"schemas\.errors\.(\w+Fault): (.+) \(([^()]*(?:\([^()]*\)[^()]*)*)\): (.+)")
_LOST: Final = ("Some data may have been lost", "FAIL_ON_DATA_LOSS", "KAFKA_DATA_LOSS", "data may have been lost")


def fault_of(failed: Exception, where: str) -> Fault:
    """The fault behind a failed query.

    Args:
        failed: what Spark raised.
        where: which query.
    """
    text = str(failed)
    if ours := _OURS.search(text):
        kind = getattr(errors, ours[1], RunFault)
        if isinstance(kind, type) and issubclass(kind, Fault):
            return kind(ours[2], ours[3], ours[4])
    if any(sign in text for sign in _LOST):
        return RunFault(
            "records were removed from the topic before they were read, or the topic was created anew",
            where,
            "keep records longer; to go on regardless, start anew with an empty checkpoint and state folder",
        )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # Of a Python traceback the last line says it; of a Java stack trace the first.
    traceback = [i for i, line in enumerate(lines) if line.startswith("Traceback")]
    said = lines[0] if lines else type(failed).__name__
    if traceback:
        after = (
            line for line in lines[traceback[-1] + 1 :] if re.match(r"[A-Za-z_][\w.]*(Error|Exception|Fault)\b", line)
        )
        said = next(after, said)
    return RunFault(f"the query failed: {said[:400]}", where, "read the log above it; run with --debug for all of it")
