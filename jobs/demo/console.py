"""The console of the demo: open while the demo runs, and left running where it is asked for."""

import json
import os
import secrets
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from infra import ports, process
from infra.process import Process
from infra.stack import Stack
from jobs.console import users
from jobs.console.users import Role

#: Who is logged in with the token that the demo prints.
NAME: Final = "demo"
PREFERRED_PORT: Final = 8080


def token(directory: Path) -> str:
    """A user of the demo, who may everything; gives the token."""
    return users.add(directory / "users.yaml", NAME, Role.ADMIN)


def port() -> int:
    """Where the console listens."""
    return ports.choose(PREFERRED_PORT)


def surroundings(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without settings that would lead past the demo's own database and console."""
    return {n: v for n, v in environ.items() if not n.startswith(("GRIDWATCH_POSTGRES__", "GRIDWATCH_CONSOLE__"))}


def leave_running(directory: Path, number: int) -> None:
    """Start the console of a demo that has ended, in a session of its own; `stop` ends it.

    Raises:
        RunFault: it does not start.
    """
    command = [sys.executable, "-m", "jobs.command", "console", "--port", str(number)]
    environment = {**surroundings(os.environ), "GRIDWATCH_RUN_DIR": str(directory)}
    log = directory / "log" / "console-kept.log"
    own = process.start("the console", command, log, cwd=Path.cwd(), environment=environment)
    draft = directory / f"console.{secrets.token_hex(4)}"
    draft.write_text(json.dumps(asdict(own)))
    draft.replace(_file(directory))
    process.await_ready(own, lambda: ports.is_open(ports.LOOPBACK, number), 60.0)


def stop(directory: Path, stack: Stack) -> bool:
    """Stop what a demo left running; False where nothing was."""
    stopped = False
    if _file(directory).exists():
        own = Process(**json.loads(_file(directory).read_text()))
        stopped = own.stop(signal.SIGINT)
        _file(directory).unlink()
    return stack.down() or stopped


def _file(directory: Path) -> Path:
    return directory / "console.json"
