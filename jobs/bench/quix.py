"""Running the QuixStreams program beside, as many processes as we use cores."""

import selectors
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Final

from infra.spark import WORKER
from ingest.publisher import Broker
from schemas.errors import ConfigFault, RunFault

#: Seconds in which the processes must have joined their group and read their first records.
START_S: Final = 90.0


@dataclass(frozen=True)
class Rate:
    """What the processes did together between the first report of the last one to start and the end."""

    records: int
    seconds: float
    processes: int

    @property
    def rate(self) -> float:
        """Records a second of all processes together."""
        return self.records / self.seconds


def require_quix() -> None:
    """Check that the library is there.

    Raises:
        ConfigFault: it is not.
    """
    if find_spec("quixstreams") is None:
        raise ConfigFault(
            "quixstreams is not installed", "gridwatch bench", "install the extra: pip install '.[bench]'"
        )


def measure(broker: Broker, folder: Path, processes: int, records: int, environ: dict[str, str]) -> Rate:
    """Run the program until it has read `records` records in all.

    Args:
        broker: holds the topic.
        folder: of the state stores and logs.
        processes: how many.
        records: to read after all processes have begun.
        environ: the processes' environment.

    Raises:
        RunFault: a process ended, or none began.
    """
    with ExitStack() as stack:
        logs = [stack.enter_context((folder / f"quix-{i}.log").open("w+")) for i in range(processes)]
        running = []
        for number, log in enumerate(logs):
            words = [sys.executable, "-m", "jobs.bench.quix_program", broker.bootstrap, f"quix-{folder.name}"]
            process = subprocess.Popen(
                [*words, str(folder / f"quix-state-{number}")],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**environ, **WORKER},
            )
            stack.callback(_end, process)
            running.append(process)
        return _watch(running, logs, records)


def _watch(running: list[subprocess.Popen[str]], logs: Sequence[IO[str]], records: int) -> Rate:
    """Read the reports of all processes."""
    seen: dict[int, tuple[float, int]] = {}
    begin: tuple[float, int] | None = None
    deadline = time.monotonic() + START_S
    with selectors.DefaultSelector() as selector:
        for number, process in enumerate(running):
            assert process.stdout is not None
            selector.register(process.stdout, selectors.EVENT_READ, number)
        while True:
            left = deadline - time.monotonic()
            if begin is None and left <= 0:
                raise _fault("did not begin to read", logs)
            ready = selector.select(max(left, 0.0) if begin is None else START_S)
            if begin is not None and not ready:
                raise _fault("stopped reading", logs)
            for key, _ in ready:
                line = key.fileobj.readline()  # type: ignore[union-attr]
                if not line:
                    raise _fault("ended", logs)
                at, count = str(line).split()
                seen[int(key.data)] = (float(at), int(count))
            if len(seen) < len(running):
                continue
            total = sum(count for _, count in seen.values())
            latest = max(at for at, _ in seen.values())
            if begin is None:
                begin = latest, total
            elif total - begin[1] >= records:
                return Rate(total - begin[1], latest - begin[0], len(running))


def _fault(what: str, logs: Sequence[IO[str]]) -> RunFault:
    said = ""
    for log in logs:
        log.seek(0)
        said = said or " ".join(log.read()[-300:].split())
    return RunFault(f"the QuixStreams program {what}", "jobs.bench.quix_program", said or "it said nothing")


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
