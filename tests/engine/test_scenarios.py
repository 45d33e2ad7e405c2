"""Every scenario is found by a detector of its threat, and by no other alert than those that name the attack; quiet traffic is quiet.

`gridwatch evaluate` does the same on more seeds and longer, and writes the figures.
"""

import random

import pytest

from detectors.catalog import DETECTORS
from detectors.profiles import ALL as THREATS
from ingest.lab.scenarios import QUIET, SCENARIOS
from ingest.lab.scenarios.scenario import Quiet, Scenario
from jobs.scenarios import false_alarms, judge
from schemas.wire import encode

START = 1_767_571_200_000_000  # 2026-01-05, a Monday


def test_names_are_unique_and_threats_are_known() -> None:
    assert len({s.name for s in SCENARIOS}) == len(SCENARIOS)
    assert len({q.name for q in QUIET}) == len(QUIET)
    assert {s.threat for s in SCENARIOS} <= {t.id for t in THREATS}
    assert {s.quiet.name for s in SCENARIOS} <= {q.name for q in QUIET}
    assert {s.threat for s in SCENARIOS} <= {d.threat.id for d in DETECTORS}, "a scenario that no detector serves"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_a_scenario_is_found(scenario: Scenario) -> None:
    injected = scenario.build(4242, START)
    times = [record.fields["time"] for record in injected.records]
    assert times == sorted(times)
    for record in injected.records[:50]:
        encode(record.schema, record.fields)
    verdict = judge(scenario, injected)
    assert verdict.found, f"nothing of {scenario.threat}; others: {set(verdict.others)}"
    assert not verdict.unexplained


@pytest.mark.parametrize("quiet", QUIET, ids=lambda q: q.name)
def test_quiet_traffic_is_quiet(quiet: Quiet) -> None:
    records = quiet.build(random.Random(f"4242 {quiet.name}"), START, 7200.0)
    assert records
    assert not false_alarms(quiet, records)


def test_a_seed_gives_the_same_traffic() -> None:
    for scenario in SCENARIOS[:3]:
        assert scenario.build(7, START) == scenario.build(7, START)
