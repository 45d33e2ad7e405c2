"""What Prometheus is told by a real detection on a real broker is what was published and found."""

import os
import signal
import subprocess
import urllib.request
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from infra.ports import LOOPBACK, choose
from infra.stack import StackState
from ingest.publisher import Broker
from jobs.detect.metrics import served
from jobs.detect.progress import Progress
from jobs.detect.query import Detection, DetectSettings
from jobs.state_store import StateStore
from schemas.errors import ConfigFault
from schemas.types import TELEMETRY_DOMAINS, Domain
from tests.integration.detecting import Topics, site, traffic
from tests.integration.test_docs import environment

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scraped(port: int) -> Samples:
    """Every sample that the endpoint gives, by name and labels."""
    with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=30) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        return {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families for s in f.samples}


def of(samples: Samples, name: str, domain: Domain, label: str) -> dict[str, float]:
    """Samples of a metric of a domain, by another label."""
    return {
        dict(labels)[label]: value
        for (full, labels), value in samples.items()
        if full == f"gridwatch_detect_{name}" and dict(labels)["domain"] == domain.value
    }


def one(samples: Samples, name: str, domain: Domain) -> float:
    return samples[f"gridwatch_detect_{name}", (("domain", domain.value),)]


@pytest.mark.parametrize("domain", [Domain.METER, Domain.SUBSTATION])
def test_the_figures_are_those_of_what_was_published(
    domain: Domain, spark: "SparkSession", stack: StackState, tmp_path: Path
) -> None:
    own = Topics(stack.bootstrap)
    own.publish(traffic("told", domains=[domain]))
    own.send(domain.topic, [b"\xc3", None])
    published = own.produced(domain)
    broker, port = Broker(stack.bootstrap), choose(19_108)
    settings = DetectSettings(
        broker, str(tmp_path / "state"), str(tmp_path / "checkpoint"), once=True, begin=own.began_us, max_offsets=400
    )
    with served((LOOPBACK, port), broker) as metrics:
        detection = Detection(spark, domain, settings, site(), metrics.ended)
        metrics.begin(detection.standing, detection.interval_s)
        try:
            detection.start()
            detection.finish()
        finally:
            detection.close()
        told = scraped(port)
        assert told["gridwatch_detect_broker_up", ()] == 1
        assert one(told, "records_total", domain) == published
        assert sum(of(told, "refused_total", domain, "reason").values()) == 2
        written = Counter(a["detector"] for a in own.alerts("told"))
        assert of(told, "alerts_total", domain, "detector") == written and written
        lag = of(told, "lag_records", domain, "partition")
        assert lag and set(lag.values()) == {0} == set(of(told, "delay_seconds", domain, "topic").values())
        ends = of(told, "published_total", domain, "partition")
        assert sum(ends.values()) - sum(n for (topic, _), n in own.ends.items() if topic == domain.topic) == published
        last = int(one(told, "batch", domain))
        assert one(told, "batch_seconds_count", domain) == last + 1 > 1
        assert 0 < one(told, "last_batch_seconds", domain) <= one(told, "batch_seconds_sum", domain)
        files = StateStore(settings.state_uri, domain.value).manifest(last).buckets.values()
        assert one(told, "state_bytes", domain) == sum(file.size for file in files) > 0

        # Nothing reads these.
        own.send(domain.topic, [b"\xc3"] * 5)
        told = scraped(port)
        assert sum(of(told, "lag_records", domain, "partition").values()) == 5
        assert of(told, "delay_seconds", domain, "topic")[domain.topic] > 0


def test_a_port_that_is_taken_says_so(stack: StackState) -> None:
    broker, port = Broker(stack.bootstrap), choose(19_108)
    taken = f"metrics {LOOPBACK}:{port}"
    with served((LOOPBACK, port), broker), pytest.raises(ConfigFault, match=taken), served((LOOPBACK, port), broker):
        pass


def test_without_a_broker_the_rest_is_told() -> None:
    port = choose(19_108)
    with served((LOOPBACK, port), Broker(f"{LOOPBACK}:1")) as metrics:
        metrics.begin(Progress(Domain.METER, 3, {"decoded.meter_reading": 7}, reached={0: 7}), 0.0)
        told = scraped(port)
    assert told["gridwatch_detect_broker_up", ()] == 0
    assert one(told, "records_total", Domain.METER) == 7


def test_the_command_as_the_documents_say(stack: StackState, tmp_path: Path) -> None:
    """`gridwatch detect --metrics 127.0.0.1:9108`, on a port that is free."""
    port = choose(19_108)
    command = ["gridwatch", "detect", "--metrics", f"{LOOPBACK}:{port}"]
    place = environment({"GRIDWATCH_KAFKA__BOOTSTRAP_SERVERS": stack.bootstrap})
    with subprocess.Popen(
        command, cwd=tmp_path, env=place, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as job:
        assert job.stderr is not None
        lines = []
        for line in job.stderr:
            lines.append(line)
            if line.startswith("detecting in"):
                told = scraped(port)
                break
        os.killpg(job.pid, signal.SIGINT)
        lines += job.stderr.readlines()
    assert job.returncode == 0, "".join(lines)
    begun = {dict(labels)["domain"] for (name, labels), _ in told.items() if name == "gridwatch_detect_batch"}
    assert begun == {domain.value for domain in (*TELEMETRY_DOMAINS, Domain.CORRELATION)}, "".join(lines)
