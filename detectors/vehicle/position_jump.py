"""A station's position jumps farther than any vehicle drives in the time.

Compares consecutive positions of one station: distance above vmax * dt plus both position confidences. Blind spot: a
false position that moves at a possible speed; a gap longer than `gap_max_s`, as behind a tunnel. Source: threat
ITS-03 of the catalogue; F2MD PositionConsistency; ETSI TS 103 759, Position-ChangeTooLarge.
"""

from dataclasses import dataclass

from detectors import plausibility as check
from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Last
from detectors.memory.recent import REFERENCE
from detectors.profiles import its_awareness
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CAM


@dataclass(frozen=True)
class Params:
    v_max_ms: float = 70.0
    gap_max_s: float = 3.1  # longer gaps are not judged
    confidence_m: float = 10.0  # of a position that tells none, and the least that is believed
    confidence_max_m: float = 50.0  # the most that is believed: no licence to jump


def build(p: Params, site: Site) -> Firing:
    claimed = check.radius(p.confidence_m, p.confidence_max_m)
    jump, step = check.position_change(p.v_max_ms, p.gap_max_s, claimed), check.Before(check.PLACED)
    return Firing(
        when=jump.fails,
        memories=(jump.shared, step.distance, step.gap),
        values={"distance": step.distance.col, "gap": step.gap.col, "allowed": step.distance.col / jump.off},
        trail=(Last(check.BY, REFERENCE, check.PLACED),),
    )


def _drive(steps_m: list[float], hz: float = 10.0, **fields: object) -> list[dict[str, object]]:
    north, out = 0.0, []
    for i, step in enumerate(steps_m):
        north += step
        out.append(
            {
                "time": i / hz,
                "station": "A1",
                "message_count": i,
                "latitude": 48.0 + north / 111_195,
                "longitude": 11.0,
                **fields,
            }
        )
    return out


DETECTOR = Detector(
    id="position_jump",
    version=1,
    threat=its_awareness.ITS_03,
    record=CAM,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("station", "station", source="station", destination="receiver"),
    dedup=("station",),
    episode_s=60.0,
    says="station {station} jumped {distance} m in {gap} s",
    observed="{distance} m in {gap} s",
    expected="at most {allowed} m, confidences included",
    runbook=(
        "Exclude the station from queue and collision functions until it was consistent for ten seconds.",
        "Send a misbehaviour report with the two messages as evidence.",
        "Jumps of many stations at once point to a disturbance of satellite navigation.",
    ),
    tolerance="a late message is passed over",
    examples=(
        fires_on("an offset of 60 m in one message", _drive([1.4] * 10 + [60.0] + [1.4] * 10)),
        fires_on("two positions at the same time", _drive([0.0, 80.0], hz=1e6)),
        quiet_on("a fast car at 10 Hz and at 1 Hz", [*_drive([6.0] * 30), *_drive([60.0] * 5, hz=1.0, station="B1")]),
        quiet_on(
            "noise within the confidence, a position that is unavailable, a tunnel",
            [
                *_drive([1.4, 9.0, -6.0, 8.0, -7.0, 1.4]),
                {"time": 0.7, "station": "A1", "latitude": 90.0000001, "longitude": 180.0000001},
                {"time": 6.0, "station": "A1", "latitude": 48.004, "longitude": 11.0},
            ],
        ),
    ),
)
