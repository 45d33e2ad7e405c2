"""The detection command killed, interrupted and given a harmed state. Ten kills of each: see `detect_kills`."""

import random
import signal
from pathlib import Path

import pytest

from infra.stack import StackState
from jobs.detect.checkpoint import Checkpoint
from schemas.types import Domain
from tests.integration.detect_kills import PATIENCE_S, Job, check, disturb
from tests.integration.detecting import Topics, expected, traffic

ONE = (Domain.SUBSTATION,)


@pytest.mark.timeout(600)
def test_killed_and_started_again(stack: StackState, tmp_path: Path) -> None:
    own = Topics(stack.bootstrap)
    records = traffic("killed", domains=ONE)
    own.publish(records)
    own.send(Domain.SUBSTATION.topic, [b"bad", None, b""])
    job = Job(own, tmp_path, ONE, batch=len(records) // 16)
    disturb(job, random.Random(5), drivers=2, workers=2)
    check(job, "killed", expected(records), bad=3)


@pytest.mark.timeout(600)
def test_interrupted_it_ends_in_order_and_a_harmed_state_is_one_line(stack: StackState, tmp_path: Path) -> None:
    own = Topics(stack.bootstrap)
    records = traffic("interrupted", domains=ONE)
    own.publish(records[: len(records) // 2])
    job = Job(own, tmp_path, ONE, batch=200)
    process = job.start()
    try:
        assert job.advance(process, 2), job.log()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0, job.log()
    finally:
        process.kill()
        process.wait()
    checkpoint = Checkpoint(str(tmp_path / "run" / "checkpoints" / "substation"))
    store = job.store(Domain.SUBSTATION)
    assert checkpoint.committed() == store.latest().batch >= 1

    own.publish(records[len(records) // 2 :])
    for file in store.latest().buckets.values():
        path = Path(store.where, file.path)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    process = job.start("--once")
    try:
        assert process.wait(PATIENCE_S) == 4, job.log()
    finally:
        process.kill()
        process.wait()
    last = job.log().splitlines()[-1]
    assert last.startswith("gridwatch: a state file is damaged: ")
    assert str(tmp_path) in last
