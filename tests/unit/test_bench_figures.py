"""The benchmark's arithmetic: what each detector adds, ratios pass by pass, and the table's verdicts."""

import polars as pl

from detectors.catalog import of_domain
from detectors.site import Site
from jobs.bench import steps
from jobs.bench.aging import aged
from jobs.bench.fleet import Fleet
from jobs.bench.run import _ratios
from jobs.bench.runs import DOMAIN, Pass
from jobs.bench.table import lines

START = 1_767_225_600_000_000


def test_every_stateful_detector_of_readings_is_weighed_and_one_more() -> None:
    costs = steps.measure(Fleet(100, START, seed=1), batches=4, size=100, site=Site())
    names = {d.id for d in steps.stateful(of_domain(DOMAIN))}
    assert {"register_rollback", "mass_silence"} <= names
    assert set(costs.detector_us) == names | {steps.FURTHER}
    assert costs.engine_us > 0


def test_ratios_are_of_pairs() -> None:
    fast = [Pass(100, seconds, (100.0, 300.0), cpu_us=1.0) for seconds in (1.0, 2.0, 4.0)]
    slow = [Pass(100, 2 * p.seconds, (25.0,), cpu_us=4.0) for p in fast]
    assert _ratios(slow, fast) == {"whole_ratio": 0.5, "warm_ratio": 0.125, "cpu_ratio": 0.25}


def test_the_table_judges_by_the_targets() -> None:
    query = {"whole": 100, "warm": 200, "cpu_us": 5.0}
    rate = {"read_and_decode": query, "detect": query, "whole_ratio": 0.31, "warm_ratio": 0.29, "cpu_ratio": 0.4}
    latency = {
        "records_a_second": 5000,
        "alerts": 9,
        "event_to_postgresql_p50_s": 0.9,
        "event_to_postgresql_p99_s": 2.1,
        "event_to_detected_p50_s": 0.5,
        "event_to_detected_p99_s": 1.0,
    }
    found = lines({"rate": rate, "latency": latency})
    assert [line.holds for line in found] == [None, None, True, False, None, None, True, False]


def test_an_aged_state_has_seen_a_day_where_it_has_seen_anything() -> None:
    count = "ewma(power, 0.1, 24)|meter.count"
    table = pl.DataFrame({"meter": ["M1", "M2", "M3"], count: [2, 0, 500], "last(x)|meter.value": [1.0, 2.0, 3.0]})
    after = aged({"meter_reading|meter": table})["meter_reading|meter"]
    assert after[count].to_list() == [96, None, 500]
    assert after.drop(count).equals(table.drop(count))
