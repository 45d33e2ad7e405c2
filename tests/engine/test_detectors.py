"""Every detector of the catalogue: its contract, its examples, and the same alerts wherever the stream is cut."""

import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import detectors
from detectors.catalog import DETECTORS, LIFETIMES
from detectors.detector import Detector, Example, Row
from detectors.engine import State
from detectors.local import frame, make_engine
from detectors.plan import parameters
from detectors.profiles import ALL as THREATS
from detectors.profiles import CORRELATIONS
from detectors.profiles.drift import DRIFT
from detectors.site import Site, parse_site
from schemas.records import ALERT
from schemas.types import Schema
from tests.engine.examples import records_of

CASES = [pytest.param(d, e, id=f"{d.id}: {e.says}") for d in DETECTORS for e in d.examples]


def run(
    detector: Detector, site: Site, records: list[tuple[Schema, dict[str, Any]]], cuts: list[int]
) -> list[pl.DataFrame]:
    """Run records through the engine in batches that end at `cuts`; gives alerts a batch."""
    engine = make_engine(detector.record.domain, [detector], site)
    state: State = {}
    alerts = []
    for low, high in zip([0, *cuts], [*cuts, len(records)], strict=True):
        part = list(enumerate(records))[low:high]
        batch = {}
        for schema in {s.name: s for _, (s, _) in part}.values():
            own = [(i, r) for i, (s, r) in part if s is schema]
            batch[schema.name] = frame(schema, [r for _, r in own], [i for i, _ in own])
        outcome = engine.step(state, batch)
        state = outcome.state
        if len(outcome.alerts):
            alerts.append(outcome.alerts)
    return alerts


def ids(alerts: list[pl.DataFrame]) -> set[str]:
    """Alert ids of all batches."""
    return {i for a in alerts for i in a["alert_id"]}


def test_catalogue_is_consistent() -> None:
    assert len({d.id for d in DETECTORS}) == len(DETECTORS)
    served = {d.threat.id for d in DETECTORS}
    # Correlations are no threats of the catalogue: they have ids of their own, no gap, and are not counted among the 67.
    assert len(THREATS) == 67 and not {t.id for t in THREATS} & {t.id for t in CORRELATIONS}
    assert {d.threat.id for d in DETECTORS if d.record is ALERT} == {t.id for t in CORRELATIONS}
    assert served <= {t.id for t in (*THREATS, *CORRELATIONS, DRIFT)}
    for threat in THREATS:
        assert bool(threat.gap) != (threat.id in served), (
            f"{threat.id}: a detector or an accepted gap, not both, not neither"
        )


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda d: d.id)
def test_contract(detector: Detector) -> None:
    folder = Path(detectors.__file__).parent / detector.record.domain.value
    assert (folder / f"{detector.id}.py").exists(), "id is the name of the file"
    assert any(e.fires for e in detector.examples) and any(not e.fires for e in detector.examples)
    assert detector.runbook and detector.says and detector.observed and detector.expected and detector.tolerance
    assert detector.threat is DRIFT or detector.threat.technique.id.startswith("T0")
    assert detector.record.name in LIFETIMES
    assert parameters(detector, Site()) == detector.params()


@pytest.mark.parametrize(("detector", "example"), CASES)
def test_examples(detector: Detector, example: Example) -> None:
    alerts = run(detector, parse_site(dict(example.site), "example"), records_of(detector, example), [])
    got = pl.concat(alerts) if alerts else pl.DataFrame()
    assert len(got) == example.fires
    if len(got):
        for column in ("title", "observed", "expected"):
            assert not got[column].str.contains("unknown").any(), got[column].to_list()


@pytest.mark.parametrize(("detector", "example"), CASES)
def test_same_alerts_wherever_cut(detector: Detector, example: Example) -> None:
    rng = random.Random(7)
    site, records = parse_site(dict(example.site), "example"), records_of(detector, example)
    whole = ids(run(detector, site, records, []))
    for _ in range(2):
        cuts = (
            sorted(rng.sample(range(1, len(records)), k=min(len(records) - 1, rng.randint(1, 6))))
            if len(records) > 1
            else []
        )
        assert ids(run(detector, site, records, cuts)) == whole
    assert ids(run(detector, site, records, list(range(1, len(records)))[:60])) == whole


def test_row_detectors_remember_nothing() -> None:
    for detector in DETECTORS:
        if isinstance(detector.kind, Row):
            assert not detector.kind.build(detector.params(), Site()).memories
