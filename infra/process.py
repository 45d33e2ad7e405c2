"""Server processes that outlive the command that started them, and are stopped only if they are still the same."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from schemas.errors import RunFault

#: Seconds by which two readings of one process's start time may differ (clock steps, rounding).
SAME_START: Final = 2.0


@dataclass(frozen=True)
class Process:
    """A process that was started: enough to find it again and to know that it is no other one.

    Args:
        name: what it is.
        pid: its id.
        started: its start, seconds since 1970.
        log: the file with what it prints.
    """

    name: str
    pid: int
    started: float
    log: str

    def find(self) -> psutil.Process | None:
        """The live process, or None when it has ended (even if its id now belongs to another)."""
        try:
            found = psutil.Process(self.pid)
            if abs(found.create_time() - self.started) > SAME_START or found.status() == psutil.STATUS_ZOMBIE:
                return None
        except psutil.NoSuchProcess:
            return None
        return found

    def stop(self, signal: int, patience: float = 30.0) -> bool:
        """Ask it to end with a signal, kill it after `patience` seconds; False when it was not running."""
        found = self.find()
        if found is None:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            found.send_signal(signal)
            try:
                found.wait(patience)
            except psutil.TimeoutExpired:
                found.kill()
                found.wait(patience)
        return True


def start(
    name: str,
    command: Sequence[str | Path],
    log: Path,
    *,
    cwd: Path,
    environment: Mapping[str, str],
    user: int | None = None,
) -> Process:
    """Start a server in a session of its own, so that a Ctrl-C on the terminal does not reach it.

    Args:
        name: what it is.
        command: program and arguments.
        log: file to which its output is appended.
        cwd: its working directory.
        environment: its whole environment.
        user: numeric user and group to run as; None for ours.

    Raises:
        RunFault: the program cannot be started.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        try:
            child = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=dict(environment),
                start_new_session=True,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )
        except OSError as error:
            raise RunFault(f"cannot start {name}: {error.strerror}", str(command[0]), "see gridwatch doctor") from error
    return Process(name, child.pid, psutil.Process(child.pid).create_time(), str(log))


def await_ready(process: Process, ready: Callable[[], bool], patience: float) -> None:
    """Wait until a server answers.

    Args:
        process: the server.
        ready: asks it; may take a moment of its own.
        patience: seconds to wait at most.

    Raises:
        RunFault: it ended, or does not answer in time; the fault quotes the end of its log.
    """
    deadline = time.monotonic() + patience
    while not ready():
        found = process.find()
        if found is None:
            raise RunFault(
                f"{process.name} ended while starting: {_last_line(process.log)}", process.log, "read its log"
            )
        if time.monotonic() > deadline:
            raise RunFault(f"{process.name} does not answer after {patience:.0f} s", process.log, "read its log")
        # The awaited event here is its end: nothing else wakes us before the next question.
        with contextlib.suppress(psutil.TimeoutExpired):
            found.wait(0.1)


def _last_line(log: str) -> str:
    lines = [line for line in Path(log).read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it printed nothing"
