"""Playing a script: what is to be said, each at its second, in real time or at once."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from ingest.lab.attacks import Truth, TruthFile

T = TypeVar("T")


@dataclass(frozen=True)
class Line(Generic[T]):
    """Something to be said `at_s` seconds after the start."""

    at_s: float
    what: T


Script = Iterator[Line[T] | Truth]


def now_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


def play(
    script: Script[T],
    say: Callable[[T], None],
    truth: TruthFile,
    real_time: bool = True,
    idle: Callable[[], None] | None = None,
) -> int:
    """Say the lines of a script, each when it is due.

    Args:
        script: lines by time; truth between them is written to the truth file.
        say: takes each line.
        truth: the truth file.
        real_time: False says all at once.
        idle: called before a wait, e.g. to flush.

    Returns:
        How many lines were said.
    """
    start = time.monotonic()
    said = 0
    for line in script:
        if isinstance(line, Truth):
            truth.write(line)
            continue
        if real_time:
            wait = start + line.at_s - time.monotonic()
            # Lines within 20 ms go together: waking up for each would cost more than the lines.
            if wait > 0.02:
                if idle is not None:
                    idle()
                time.sleep(wait)
        say(line.what)
        said += 1
    if idle is not None:
        idle()
    return said
