"""The same job on a Spark cluster: a standalone master and two workers as processes, the code from one wheel."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pyspark
import pytest
import yaml

from infra import ports
from infra.java import ensure_java
from infra.stack import StackState
from jobs.state_store import StateStore
from schemas.types import Domain
from tests.conftest import REPOSITORY
from tests.integration.detecting import Topics, counts, expected, site_facts, traffic

SPARK = Path(pyspark.__file__).parent
PACKAGES = ("schemas", "ingest", "detectors", "jobs", "infra")
PATIENCE_S = 400


@pytest.fixture
def environment(stack: StackState, tmp_path: Path) -> dict[str, str]:
    """What every process of the cluster is started with: Java, Python, loopback; and the settings of the job."""
    return os.environ | {
        "JAVA_HOME": str(ensure_java(os.environ).home),
        "SPARK_HOME": str(SPARK),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "GRIDWATCH_RUN_DIR": str(tmp_path / "run"),
        "GRIDWATCH_KAFKA__BOOTSTRAP_SERVERS": stack.bootstrap,
    }


def build_wheel(folder: Path) -> Path:
    """The product as one file, built from a copy that marks its dead letters: so it shows whose code the workers ran."""
    source = folder / "source"
    for package in PACKAGES:
        shutil.copytree(REPOSITORY / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source / name)
    worker = source / "jobs" / "detect" / "worker.py"
    text = worker.read_text()
    assert 'f"detect {work.domain}"' in text
    worker.write_text(text.replace('f"detect {work.domain}"', 'f"wheel {work.domain}"'))
    program = f"from setuptools import build_meta; build_meta.build_wheel({str(folder)!r})"
    subprocess.run([sys.executable, "-c", program], cwd=source, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@contextmanager
def cluster(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """A master and two workers of one core each; gives the master's address."""
    port = ports.choose(0)
    master = f"spark://127.0.0.1:{port}"
    common = ["--host", "127.0.0.1", "--webui-port", "0"]
    commands = [["org.apache.spark.deploy.master.Master", *common, "--port", str(port)]]
    for number in range(2):
        work = ["--cores", "1", "--memory", "1g", "--work-dir", str(folder / f"worker-{number}"), master]
        commands.append(["org.apache.spark.deploy.worker.Worker", *common, *work])
    with ExitStack() as stack:
        for number, command in enumerate(commands):
            log = stack.enter_context((folder / f"process-{number}.log").open("w"))
            process = stack.enter_context(
                subprocess.Popen([SPARK / "bin" / "spark-class", *command], env=environment, stdout=log, stderr=log)
            )
            stack.callback(process.terminate)
        yield master


@pytest.mark.timeout(600)
def test_on_a_cluster(stack: StackState, tmp_path: Path, environment: dict[str, str]) -> None:
    own = Topics(stack.bootstrap)
    # The domain whose model has to be read out of the wheel.
    records = traffic("cluster", domains=[Domain.METER])
    own.publish(records)
    own.send(Domain.METER.topic, [b"bad"])

    wheel = build_wheel(tmp_path)
    main, site, properties = (tmp_path / name for name in ("main.py", "site.yaml", "spark.conf"))
    shutil.copy(REPOSITORY / "jobs" / "detect" / "main.py", main)
    site.write_text(yaml.safe_dump(site_facts()))
    write = [sys.executable, "-m", "jobs.command", "detect", "--properties", str(properties)]
    subprocess.run(write, cwd=REPOSITORY, env=environment, check=True)
    begin = datetime.fromtimestamp(own.began_us / 1e6, UTC).isoformat()
    with cluster(tmp_path, environment) as master:
        submit = [str(SPARK / "bin" / "spark-submit"), "--master", master, "--properties-file", str(properties)]
        for setting in (
            "spark.driver.host=127.0.0.1",
            "spark.driver.memory=1g",
            "spark.executor.memory=512m",
            "spark.executor.cores=1",
            # Not before both workers are there.
            "spark.scheduler.minRegisteredResourcesRatio=1.0",
            "spark.cores.max=2",
        ):
            submit += ["--conf", setting]
        submit += [
            "--py-files",
            str(wheel),
            str(main),
            "--domain",
            "meter",
            "--once",
            "--site",
            str(site),
            "--from",
            begin,
        ]
        done = subprocess.run(
            submit, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        assert done.returncode == 0, done.stderr[-4000:]

    alerts = own.alerts("cluster")
    assert sorted(a["alert_id"] for a in alerts) == sorted(expected(records))
    assert [letter["stage"] for letter in own.letters()] == ["wheel meter"]
    ledger = StateStore(str(tmp_path / "run" / "state"), "meter").latest().ledger
    assert counts(ledger, "decoded").total() + counts(ledger, "dead").total() == own.produced(Domain.METER)
    for number in range(2):
        assert list((tmp_path / f"worker-{number}").glob("app-*/*")), "a worker ran nothing"
