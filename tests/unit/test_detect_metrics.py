"""What Prometheus is told of detection, on a registry of its own and a clock that stands where the test sets it."""

from collections.abc import Collection, Mapping

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from jobs.detect.metrics import APART_S, LOOKS, DetectMetrics, Looks
from jobs.detect.progress import Progress
from schemas.types import Domain

TOPIC = Domain.METER.topic


class Bench:
    """Metrics of a broker and a clock that do as they are told."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.ends: Mapping[tuple[str, int], int] | None = {(TOPIC, 0): 40, (TOPIC, 1): 10}
        self.registry = CollectorRegistry()
        self.metrics = DetectMetrics(self.registry, self._asked, lambda: self.now)
        self.topics: list[str] = []

    def _asked(self, topics: Collection[str]) -> Mapping[tuple[str, int], int] | None:
        self.topics = list(topics)
        return self.ends

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"gridwatch_detect_{name}", labels)

    def lag(self, partition: int) -> float | None:
        return self.value("lag_records", domain="meter", topic=TOPIC, partition=str(partition))

    def delay(self) -> float | None:
        return self.value("delay_seconds", domain="meter", topic=TOPIC)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def progress(batch: int, reached: Mapping[int, int], seconds: float = 0.0, **ledger: int) -> Progress:
    names = {"readings": "decoded.meter_reading", "broken": "dead.broken body", "rollbacks": "alerts.register_rollback"}
    return Progress(Domain.METER, batch, {names[k]: n for k, n in ledger.items()}, [], seconds, reached, 4096)


def test_a_batch_is_told(bench: Bench) -> None:
    bench.metrics.begin(progress(-1, {}), 0.0)
    assert bench.value("batch", domain="meter") == -1
    assert bench.value("batch_ended_timestamp_seconds", domain="meter") == 1_000
    assert bench.value("batch_seconds_count", domain="meter") == 0
    bench.now = 1_004.0
    bench.metrics.ended(progress(0, {0: 30, 1: 10}, 2.0, readings=38, broken=2, rollbacks=3))
    told = {
        "batch": 0, "batch_ended_timestamp_seconds": 1_004, "last_batch_seconds": 2.0, "batch_seconds_sum": 2.0,
        "batch_seconds_count": 1, "interval_seconds": 0.0, "state_bytes": 4096, "records_total": 40,
    }  # fmt: skip
    assert {name: bench.value(name, domain="meter") for name in told} == told
    assert bench.value("refused_total", domain="meter", reason="broken body") == 2
    assert bench.value("alerts_total", domain="meter", detector="register_rollback") == 3
    assert bench.topics == [TOPIC]


def test_counters_go_on_after_a_restart(bench: Bench) -> None:
    bench.metrics.begin(progress(7, {0: 30, 1: 10}, readings=40), 0.0)
    assert bench.value("records_total", domain="meter") == 40
    assert bench.value("batch", domain="meter") == 7
    assert bench.lag(0) == 10


def test_lag_is_what_no_batch_has_finished(bench: Bench) -> None:
    bench.metrics.begin(progress(-1, {}), 0.0)
    assert bench.lag(0) is None, "where the first batch will begin, nobody knows yet"
    bench.metrics.ended(progress(0, {0: 30, 1: 10}))
    assert (bench.lag(0), bench.lag(1)) == (10, 0)
    bench.ends = {(TOPIC, 0): 50, (TOPIC, 1): 10, (TOPIC, 2): 4}
    assert (bench.lag(0), bench.lag(2)) == (20, 4), "it grows while a batch runs, and in new partitions"
    assert bench.value("published_total", domain="meter", topic=TOPIC, partition="0") == 50
    bench.metrics.ended(progress(1, {0: 60, 1: 10, 2: 4}))
    assert bench.lag(0) == 0, "the broker was asked before the batch ended"


def test_delay_is_the_age_of_what_waits(bench: Bench) -> None:
    bench.metrics.begin(progress(0, {0: 40, 1: 10}), 0.0)
    assert bench.delay() == 0
    bench.now, bench.ends = 1_010.0, {(TOPIC, 0): 140, (TOPIC, 1): 10}
    assert bench.delay() == 10, "not later than the look before"
    bench.now, bench.ends = 1_020.0, {(TOPIC, 0): 240, (TOPIC, 1): 10}
    assert bench.delay() == 20
    bench.metrics.ended(progress(1, {0: 90, 1: 10}))
    assert bench.delay() == pytest.approx(15), "between two looks, as if they came evenly"
    bench.metrics.ended(progress(2, {0: 240, 1: 10}))
    assert bench.delay() == 0
    bench.now = 9_000.0
    assert bench.delay() == 0
    bench.now, bench.ends = 9_010.0, {(TOPIC, 0): 241, (TOPIC, 1): 10}
    assert bench.delay() == 10, "after a silence, from the last look at which nothing waited"


def test_what_waited_before_counts_from_the_first_look(bench: Bench) -> None:
    bench.metrics.begin(progress(0, {0: 5, 1: 10}), 0.0)
    assert bench.delay() == 0
    bench.now = 1_100.0
    assert bench.delay() == 100, "of one that came before the first look, nobody knows when"


def test_looks_are_bounded() -> None:
    looks = Looks()
    for number in range(3 * LOOKS):
        looks.see(number, APART_S * number)
    assert looks.waits_since(2 * LOOKS) == APART_S * 2 * LOOKS
    assert looks.waits_since(0) == APART_S * 2 * LOOKS


def test_who_asks_often_shortens_nothing() -> None:
    looks = Looks()
    for number in range(20 * LOOKS):
        looks.see(number, number / 10)
    assert looks.waits_since(0) == 0 and looks.waits_since(10 * LOOKS) == pytest.approx(LOOKS, abs=APART_S)


def test_a_broker_that_does_not_answer_takes_only_what_it_would_tell(bench: Bench) -> None:
    bench.metrics.begin(progress(3, {0: 30, 1: 10}, readings=40), 0.0)
    assert bench.value("broker_up") == 1
    bench.ends = None
    assert bench.value("broker_up") == 0
    assert bench.lag(0) is None and bench.delay() is None
    assert bench.value("records_total", domain="meter") == 40


def test_names_and_help_are_as_prometheus_wants_them(bench: Bench) -> None:
    bench.metrics.begin(progress(3, {0: 30, 1: 10}, readings=40, broken=1, rollbacks=1), 0.0)
    families = list(text_string_to_metric_families(generate_latest(bench.registry).decode()))
    assert len(families) >= 12
    for family in families:
        assert family.name.startswith("gridwatch_detect_")
        assert family.documentation.endswith(".") and len(family.documentation) > 20
        assert family.samples, family.name
