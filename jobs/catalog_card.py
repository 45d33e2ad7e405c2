"""One threat or one detector in full, for people: where it comes from, what serves it, how that is tested, what it scored."""

import sys
from collections.abc import Iterator
from typing import Any

from detectors.catalog import DETECTORS
from detectors.detector import Detector
from detectors.profiles import EVERY
from detectors.profiles.threat import Threat
from ingest.lab.scenarios import EXPERIMENTS, SCENARIOS
from ingest.lab.scenarios.scenario import Scenario
from jobs.catalog import detectors_of
from jobs.evaluate.scores import scores
from schemas.errors import UsageFault, meant


def card(name: str) -> str:
    """A page of text on the threat or detector of that id.

    Raises:
        UsageFault: there is no such threat or detector.
    """
    threats = {threat.id.lower(): threat for threat in EVERY}
    detectors = {detector.id: detector for detector in DETECTORS}
    if name.lower() in threats:
        return "\n".join(_threat(threats[name.lower()])) + "\n"
    if name.lower() in detectors:
        return "\n".join(_detector(detectors[name.lower()])) + "\n"
    known = [*detectors, *(threat.id for threat in threats.values())]
    near = meant(name, known, "gridwatch catalog lists threats and detectors")
    raise UsageFault("no such threat or detector", name, near)


def says(detector: Detector) -> str:
    """What a detector fires on: the first paragraph of its file."""
    file = sys.modules[f"detectors.{detector.record.domain.value}.{detector.id}"]
    return " ".join((file.__doc__ or "").split("\n\n")[0].split())


def _threat(threat: Threat) -> Iterator[str]:
    technique = threat.technique
    yield f"{threat.id}  {threat.title}"
    yield f"  {threat.service}, severity {threat.severity.name.lower()}, against {threat.asset}"
    yield f"  ATT&CK for ICS: {technique.id} {technique.name} ({technique.fit.value})"
    yield f"  shows as: {threat.observable}"
    for reference in threat.references:
        mark = "" if reference.verified else " (unverified)"
        yield f"  source: {reference.source}, {reference.locator}{mark}"
    for step in threat.response:
        yield f"  respond: {step}"
    own = detectors_of(threat)
    if not own:
        yield f"no detector: {threat.gap}"
    for detector in own:
        yield f"detector {detector.id}: {says(detector)}"
        yield f"  tested by {_examples(detector)}"
    yield from _scenarios(threat.id)


def _detector(detector: Detector) -> Iterator[str]:
    threat = detector.threat
    yield f"{detector.id}  version {detector.version}, severity {detector.severity.name.lower()}"
    yield f"  serves {threat.id} {threat.title} ({threat.technique.id} {threat.technique.name})"
    yield f"  reads {detector.record.name}, topic telemetry.{detector.record.domain.value}"
    yield f"  fires on: {says(detector)}"
    if detector.needs:
        yield f"  needs of the site file: {', '.join(detector.needs)}"
    params = vars(detector.params())
    if params:
        yield "  parameters: " + ", ".join(f"{name} {value}" for name, value in params.items())
    for step in detector.runbook:
        yield f"  respond: {step}"
    yield f"  tested by {_examples(detector)}"
    yield from _scenarios(threat.id)


def _examples(detector: Detector) -> str:
    fires = sum(bool(example.fires) for example in detector.examples)
    quiet = len(detector.examples) - fires
    return f"{fires} examples that it fires on, {quiet} that it is quiet on (pytest tests/engine -k {detector.id})"


def _scenarios(threat: str) -> Iterator[str]:
    measured: dict[str, Any] = scores().get(threat, {}).get("by_scenario", {})
    for scenario in (*SCENARIOS, *EXPERIMENTS):
        if scenario.threat == threat:
            yield f"scenario {scenario.name}: {scenario.says}{_score(scenario, measured)}"


def _score(scenario: Scenario, measured: dict[str, Any]) -> str:
    one = measured.get(scenario.name)
    if one is None:
        return ""
    after = "" if one["after_s"] is None else f" after {one['after_s']:g} s"
    by = f" by {', '.join(one['by'])}" if one["by"] else ""
    return f"; found in {one['recall']:.0%} of the runs{after}{by}"
