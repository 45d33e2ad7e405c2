"""The loop that sends incidents to one receiver: look what it has not got, send, write down what it acknowledged."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

import psycopg

from jobs.outflow.changes import Changes
from jobs.outflow.message import Answer, Message, Receiver, message
from schemas.errors import RunFault

#: Seconds between looks.
EVERY_S: Final = 1.0
#: Seconds to wait after a failure, doubled each time.
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 60.0
#: Failures one after the other that end a run that is to end.
PATIENCE: Final = 5

Say = Callable[[str], None]


@dataclass
class Outflow:
    """What is to be done.

    Args:
        dsn: of PostgreSQL.
        receiver: where incidents go.
        form: the format.
        name: under which the position is kept; None for the receiver's own with the format.
        host: who sends it, where it goes by syslog.
        until_end: stop when all has been sent.
        every_s: seconds between looks.
        first_wait_s: seconds to wait after the first failure.
    """

    dsn: str
    receiver: Receiver
    form: str
    name: str | None = None
    host: str | None = None
    until_end: bool = False
    every_s: float = EVERY_S
    first_wait_s: float = FIRST_WAIT_S
    #: Refused incidents: when they are tried again, and after how long the next time.
    aside: dict[str, tuple[float, float]] = field(default_factory=dict)
    sent: int = 0

    @property
    def position(self) -> str:
        """The name of the position."""
        return self.name or f"{self.form} {self.receiver.name}"


def run(what: Outflow, stop: threading.Event, say: Say) -> None:
    """Send until stopped, or until all is sent.

    A message counts as sent when the receiver has acknowledged it, and is written down after that: a process that is killed
    between the two sends it again, and loses none.

    Raises:
        RunFault: of a run that is to end: PostgreSQL or the receiver does not answer, or has refused something.
    """
    failures, standing_by = 0, False
    try:
        while not stop.is_set():
            try:
                changes = Changes(what.dsn, what.position)
                try:
                    if changes.lock():
                        say(f"sending incidents to {what.receiver.name} as {what.form}")
                        failures, standing_by = 0, False
                        _serve(what, changes, stop, say)
                        return
                    if what.until_end:
                        raise RunFault("another process sends to it", what.position, "stop that one, or wait")
                    if not standing_by:
                        say(f"standing by: another process sends to {what.receiver.name}")
                        standing_by = True
                finally:
                    changes.close()
                stop.wait(what.every_s)
            except psycopg.OperationalError as wrong:
                failures += 1
                said = str(wrong).splitlines()[0]
                if what.until_end and failures >= PATIENCE:
                    raise RunFault(f"PostgreSQL does not answer: {said}", "postgres.dsn", "gridwatch status") from wrong
                say(f"PostgreSQL does not answer, trying again: {said}")
                stop.wait(_wait(what, failures))
    finally:
        what.receiver.close()


def _serve(what: Outflow, changes: Changes, stop: threading.Event, say: Say) -> None:
    failures = 0
    while not stop.is_set():
        answer = _pass(what, changes, stop, say)
        if answer.failure is None:
            failures = 0
            if what.until_end:
                break
            stop.wait(what.every_s)
            continue
        failures += 1
        if what.until_end and failures >= PATIENCE:
            raise RunFault(f"it takes nothing: {answer.failure}", what.receiver.name, "see to it, then start again")
        wait = max(_wait(what, failures), answer.wait_s or 0.0)
        say(f"{what.receiver.name} takes nothing, trying again in {wait:.0f} s: {answer.failure}")
        stop.wait(wait)
    if what.until_end and what.aside:
        raise RunFault(
            f"{len(what.aside)} incidents were refused, first {next(iter(what.aside))[:80]}",
            what.receiver.name,
            "what it said stands above",
        )


def _pass(what: Outflow, changes: Changes, stop: threading.Event, say: Say) -> Answer:
    """One look; what was acknowledged is written down batch by batch."""
    now = monotonic()
    waiting = [name for name, (due, _) in what.aside.items() if due > now]
    # One whose time has come may have been changed long ago.
    for page in changes.look(waiting, whole=len(waiting) < len(what.aside)):
        messages = [message(what.form, incident, alerts, what.host) for incident, alerts in page]
        for first in range(0, len(messages), what.receiver.batch):
            if stop.is_set():
                return Answer()
            answer = what.receiver.send(messages[first : first + what.receiver.batch])
            changes.sent(answer.taken)
            what.sent += len(answer.taken)
            for taken in answer.taken:
                what.aside.pop(taken.incident_id, None)
            for refused, said in answer.refused:
                _put_aside(what, refused, said, say)
            if answer.failure is not None:
                return answer
    return Answer()


def _put_aside(what: Outflow, refused: Message, said: str, say: Say) -> None:
    """A refused incident holds up no other; it is tried again later, as it stands then."""
    _, before = what.aside.get(refused.incident_id, (0.0, what.first_wait_s * 30))
    again = min(2 * before, 3600.0)
    what.aside[refused.incident_id] = (monotonic() + again, again)
    say(f"{what.receiver.name} refuses incident {refused.incident_id}, trying again in {again:.0f} s: {said}")


def _wait(what: Outflow, failures: int) -> float:
    longest: float = min(what.first_wait_s * 2.0 ** min(failures - 1, 20), LONGEST_WAIT_S)
    return longest
