"""The catalogue for people and tools: which detectors serve a threat, and what is accepted as a gap."""

from collections.abc import Iterable
from typing import Any, Final

from detectors.catalog import DETECTORS
from detectors.detector import Detector
from detectors.profiles import ALL, CORRELATIONS
from detectors.profiles.drift import DRIFT
from detectors.profiles.threat import Threat
from jobs.evaluate.report import order
from jobs.evaluate.scores import scores

#: Versions that ATT&CK Navigator asks for: of the data, of the Navigator, of the layer format.
VERSIONS: Final = {"attack": "18", "navigator": "5.1.0", "layer": "4.5"}


#: The threats, and behind them what is seen in several alerts together.
THREATS: Final = (*ALL, *CORRELATIONS)


def detectors_of(threat: Threat) -> list[Detector]:
    """The detectors that serve a threat, in the catalogue's order."""
    return [detector for detector in DETECTORS if detector.threat.id == threat.id]


def content() -> dict[str, list[dict[str, Any]]]:
    """The whole catalogue for programs: the threats, what is seen in several alerts together, and configuration drift.

    `accepted_gap` is null where a detector serves a threat; `scores` are those of the last evaluation.
    """
    return {"threats": threats(ALL), "correlations": threats(CORRELATIONS), "drift": threats((DRIFT,))}


def threats(which: Iterable[Threat] = THREATS) -> list[dict[str, Any]]:
    """Threats with their detectors and scores, by id."""
    scored = scores()
    return [
        {
            "id": threat.id,
            "title": threat.title,
            "domain": threat.domain,
            "service": threat.service,
            "asset": threat.asset,
            "severity": threat.severity.name.lower(),
            "technique": threat.technique.id,
            "detectors": [detector.id for detector in detectors_of(threat)],
            "accepted_gap": threat.gap or None,
            "scores": scored.get(threat.id, {}),
        }
        for threat in sorted(which, key=order)
    ]


def navigator() -> dict[str, Any]:
    """A layer of ATT&CK Navigator: a technique's score is the number of detectors, its comment the threats behind it."""
    techniques: dict[str, list[tuple[Threat, list[str]]]] = {}
    for threat in sorted(THREATS, key=order):
        own = detectors_of(threat)
        for id_ in sorted({threat.technique.id, *(d.threat.technique.id for d in own)}):
            names = [d.id for d in own if d.threat.technique.id == id_]
            techniques.setdefault(id_, []).append((threat, names))
    scores = {id_: sum(len(names) for _, names in served) for id_, served in techniques.items()}
    return {
        "name": "Gridwatch",
        "versions": VERSIONS,
        "domain": "ics-attack",
        "description": "Threats of the profiles and the detectors that serve them",
        "gradient": {"colors": ["#ffffff", "#66b1ff"], "minValue": 0, "maxValue": max(scores.values())},
        "techniques": [
            {
                "techniqueID": id_,
                "score": scores[id_],
                "comment": "; ".join(f"{t.id} {t.title} ({', '.join(names) or 'no detector'})" for t, names in served),
            }
            for id_, served in sorted(techniques.items())
        ],
    }


def markdown() -> str:
    """A page: a table of the threats with their detectors."""
    served = sum(bool(detectors_of(threat)) for threat in ALL)
    alone = sum(len(detectors_of(threat)) for threat in ALL)
    together = sum(len(detectors_of(threat)) for threat in CORRELATIONS)
    lines = [
        "# Threats and detectors",
        "",
        f"{alone} detectors serve {served} of {len(ALL)} threats, {together} more look at alerts"
        " together. Written by `gridwatch catalog --markdown FILE`.",
        "",
        "| threat | service | severity | ATT&CK | what | detectors | recall |",
        "|---|---|---|---|---|---|---|",
    ]
    scored = scores()
    for threat in sorted(THREATS, key=order):
        names = ", ".join(f"`{detector.id}`" for detector in detectors_of(threat)) or f"none: {threat.gap}"
        recall = f"{scored[threat.id]['recall']:.2f}" if threat.id in scored else ""
        cells = (
            threat.id,
            threat.service,
            threat.severity.name.lower(),
            threat.technique.id,
            threat.title,
            names,
            recall,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
