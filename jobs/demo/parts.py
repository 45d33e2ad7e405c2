"""The processes of the demo: started as anybody would start them, by `gridwatch` commands; stopped in order."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

#: Seconds that a part gets to end in order after a Ctrl-C, before it is killed.
PATIENCE_S = 45.0


@dataclass
class Part:
    """One process.

    Attributes:
        name: what it is, also the name of its log file.
        process: the running process.
        log: the file with what it prints.
    """

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def state(self) -> str:
        """running, done, or how it failed."""
        code = self.process.poll()
        return "running" if code is None else "done" if code == 0 else f"failed ({code})"

    def last_line(self) -> str:
        """The last line that it printed."""
        with contextlib.suppress(OSError):
            lines = self.log.read_text(errors="replace").strip().splitlines()
            return lines[-1] if lines else ""
        return ""


@dataclass
class Parts:
    """All processes that the demo started; leaving the context stops every one that still runs, newest first.

    Args:
        directory: where logs go.
        environment: of every process.
    """

    directory: Path
    environment: Mapping[str, str]
    parts: list[Part] = field(default_factory=list)

    def __enter__(self) -> "Parts":
        self.directory.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        for part in reversed(self.parts):
            self.stop(part, patience_s=10.0)

    def start(self, name: str, arguments: Sequence[str], feeds: Part | None = None, piped: bool = False) -> Part:
        """Start a `gridwatch` command.

        Args:
            name: of the part.
            arguments: behind `gridwatch`.
            feeds: a part started with `piped`, whose output is this one's input.
            piped: True where another part reads the output.
        """
        log = self.directory / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "jobs.command", *arguments],
                stdin=feeds.process.stdout if feeds is not None else subprocess.DEVNULL,
                stdout=subprocess.PIPE if piped else output,
                stderr=output,
                env=dict(self.environment),
                # A Ctrl-C on the terminal reaches the demo alone, which then stops its parts in order.
                start_new_session=True,
            )
        if feeds is not None and feeds.process.stdout is not None:
            feeds.process.stdout.close()
        part = Part(name, process, log)
        self.parts.append(part)
        return part

    def stop(self, part: Part, patience_s: float = PATIENCE_S) -> None:
        """Ask a part to end as Ctrl-C would; kill it and its children when it does not."""
        if part.process.poll() is not None:
            return
        for number, seconds in ((signal.SIGINT, patience_s), (signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0)):
            with contextlib.suppress(ProcessLookupError):
                if number is signal.SIGINT:
                    part.process.send_signal(number)
                else:
                    os.killpg(part.process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                part.process.wait(seconds)
                return

    def failed(self) -> list[Part]:
        """Parts that ended with a fault."""
        return [p for p in self.parts if p.process.poll() not in (None, 0)]
