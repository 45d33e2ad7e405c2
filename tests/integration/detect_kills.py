"""Kill detection at random moments and start it again. The long run is a command of its own:

python -m tests.integration.detect_kills --kills 10
"""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
import yaml

from infra.stack import temporary_stack
from jobs.settings import default_cache
from jobs.state_store import StateStore
from schemas.types import TELEMETRY_DOMAINS, Domain
from tests.conftest import REPOSITORY
from tests.integration.detecting import Topics, counts, expected, site_facts, traffic

PATIENCE_S = 240


@dataclass
class Job:
    """The detection command with a run directory of its own.

    Args:
        own: the broker from a moment on.
        folder: run directory.
        domains: one, or all.
        batch: records a micro-batch.
    """

    own: Topics
    folder: Path
    domains: Sequence[Domain]
    batch: int = 100

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start it; what it says goes to a log."""
        site = self.folder / "site.yaml"
        site.write_text(yaml.safe_dump(site_facts()))
        domain = self.domains[0].value if len(self.domains) == 1 else "all"
        begin = datetime.fromtimestamp(self.own.began_us / 1e6, UTC).isoformat()
        command = [sys.executable, "-m", "jobs.command", "detect", "--domain", domain, "--site", str(site)]
        environment = {
            "GRIDWATCH_RUN_DIR": str(self.folder / "run"),
            "GRIDWATCH_KAFKA__BOOTSTRAP_SERVERS": self.own.bootstrap,
            "GRIDWATCH_SPARK__MAX_OFFSETS_PER_TRIGGER": str(self.batch),
            "GRIDWATCH_SPARK__DRIVER_MEMORY": "1g",
            "GRIDWATCH_SPARK__BUCKETS": "4",
        }
        with (self.folder / "detect.log").open("a") as log:
            return subprocess.Popen(
                [*command, "--from", begin, *arguments],
                cwd=REPOSITORY,
                env=os.environ | environment,
                stdout=log,
                stderr=log,
                text=True,
            )

    def store(self, domain: Domain) -> StateStore:
        """State of a domain."""
        return StateStore(str(self.folder / "run" / "state"), domain.value)

    def batches(self) -> int:
        """Batches done, over all domains."""
        return sum(self.store(d).latest().batch + 1 for d in self.domains)

    def advance(self, process: "subprocess.Popen[str]", batches: int) -> bool:
        """Wait until so many batches are done; False where it ended before."""
        aim, deadline = self.batches() + batches, time.monotonic() + PATIENCE_S
        while self.batches() < aim:
            assert time.monotonic() < deadline, self.log()
            try:
                process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
            return False
        return True

    def log(self) -> str:
        """The end of what it said."""
        return (self.folder / "detect.log").read_text()[-4000:]


def kill_a_worker(process: "subprocess.Popen[str]", rng: random.Random) -> bool:
    """Kill one of the Python workers of the job; False where there is none at the moment."""
    workers, family = [], list[psutil.Process]()
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
    for child in family:
        # A process that ends while we look is no worker any more.
        with contextlib.suppress(psutil.NoSuchProcess):
            both = [child, *child.parents()[:1]]
            if len(both) == 2 and all("pyspark.daemon" in " ".join(p.cmdline()) for p in both):
                workers.append(child)
    with contextlib.suppress(psutil.NoSuchProcess):
        if workers:
            rng.choice(sorted(workers, key=lambda w: w.pid)).send_signal(signal.SIGKILL)
            return True
    return False


def disturb(job: Job, rng: random.Random, drivers: int, workers: int) -> None:
    """Run over all records, killing workers and drivers at random moments."""
    killed_drivers = killed_workers = 0
    while True:
        process = job.start("--once")
        try:
            while killed_workers < workers * (killed_drivers + 1) / (drivers + 1):
                if not job.advance(process, rng.randint(1, 2)):
                    break
                _linger(process, rng)
                killed_workers += kill_a_worker(process, rng)
            if killed_drivers < drivers and job.advance(process, 1):
                _linger(process, rng)
                process.kill()
                killed_drivers += 1
            code = process.wait(PATIENCE_S)
        finally:
            process.kill()
            process.wait()
        if code == 0:
            break
        assert code == -signal.SIGKILL, job.log()
    assert (killed_drivers, killed_workers) == (drivers, workers), "it was done before it could be killed"


def check(job: Job, mark: str, wanted: set[str], bad: int) -> None:
    """The alerts of an undisturbed run, and every record accounted for once."""
    assert {a["alert_id"] for a in job.own.alerts(mark) if a["domain"] != Domain.CORRELATION.value} == wanted
    dead = 0
    for domain in job.domains:
        ledger = job.store(domain).latest().ledger
        dead += counts(ledger, "dead").total()
        assert counts(ledger, "decoded").total() + counts(ledger, "dead").total() == job.own.produced(domain)
    assert dead == bad
    assert len({(x["topic"], x["partition"], x["offset"]) for x in job.own.letters()}) == bad


def _linger(process: "subprocess.Popen[str]", rng: random.Random) -> None:
    """Let a random time go by."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(rng.uniform(0.0, 0.6))


def main() -> None:
    """The long run."""
    options = argparse.ArgumentParser(description="Kill detection at random moments; it must not show.")
    options.add_argument("--kills", type=int, default=10, help="of the driver, and as many of workers")
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    rng = random.Random(chosen.seed)
    with temporary_stack(default_cache(), os.environ) as stack, tempfile.TemporaryDirectory() as folder:
        own = Topics(stack.bootstrap)
        records = traffic("kills", copies=2 + chosen.kills)
        own.publish(records)
        for domain in TELEMETRY_DOMAINS:
            own.send(domain.topic, [b"bad", None])
        job = Job(own, Path(folder), TELEMETRY_DOMAINS, batch=len(records) // (6 * chosen.kills) + 1)
        disturb(job, rng, chosen.kills, chosen.kills)
        check(job, "kills", expected(records), bad=2 * len(TELEMETRY_DOMAINS))
    print(
        f"{chosen.kills} drivers and {chosen.kills} workers killed: same alerts, none lost, every record accounted for"
    )


if __name__ == "__main__":
    main()
