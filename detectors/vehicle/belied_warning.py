"""A station warns that it is slowed down, and drives on faster than that.

Looks at the first awareness messages after a warning of a slow-down (traffic condition, end of queue, emergency braking) by the same
station: within `after_s` it claims more than `times` the speed of the event. Blind spot: a warning without a speed of the event, or with
one below `speed_min_ms`; a sender that falsifies its own speed too. Source: threat ITS-12 of the catalogue; ETSI TS 103 759, DENM:
CamSpeedIncWithLocalSlowDown.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.grouping import TIME
from detectors.memory import Derived, LastOf, seconds_since
from detectors.memory.recent import REFERENCE
from detectors.profiles import its_messages
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CAM, DENM


@dataclass(frozen=True)
class Params:
    after_s: float = 1.0
    times: float = 2.0
    speed_min_ms: float = 10 / 3.6  # of the event


BY = ("station",)
#: Traffic condition, end of queue, dangerous situation (emergency brake light), told at first hand.
SLOWS = Derived(
    "warns of a slow-down of its own",
    pl.col("cause_code").is_in([1, 27, 99])
    & (pl.col("station") == pl.col("originator"))
    & pl.col("termination").is_null()
    & (pl.col("station_type").fill_null(0) != 15),
)
SPEED, CAUSE, TOLD, WARNING = (
    LastOf(DENM, BY, value, SLOWS) for value in ("event_speed_ms", "cause_code", TIME, REFERENCE)
)


def build(p: Params, site: Site) -> Firing:
    since = seconds_since(TOLD)
    faster = pl.col("speed_ms") > p.times * SPEED.col
    belied = faster & (SPEED.col > p.speed_min_ms) & since.is_between(0.0, p.after_s) & pl.col("speed_ms").is_not_nan()
    # Who warned of nothing, or gives no speed, belies nothing.
    return Firing(
        when=belied.fill_null(False),
        memories=(SPEED, CAUSE, TOLD),
        values={"event": SPEED.col, "cause": CAUSE.col, "since": since},
        trail=(WARNING,),
    )


def _denm(time: float, speed: float | None, **fields: object) -> dict[str, object]:
    own = {"station": "A1", "originator": "A1", "cause_code": 99, "sub_cause_code": 1, "station_type": 5}
    return {"record": "denm", "time": time, "receiver": "R1", **own, "event_speed_ms": speed, **fields}


def _cams(begin: float, *speeds: float, station: str = "A1") -> list[dict[str, object]]:
    own = {"receiver": "R1", "station": station, "latitude": 48.0, "longitude": 11.0}
    return [{**own, "time": begin + 0.2 * i, "speed_ms": speed} for i, speed in enumerate(speeds)]


DETECTOR = Detector(
    id="belied_warning",
    version=1,
    threat=its_messages.ITS_12,
    record=CAM,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("station", "station", source="station", destination="receiver"),
    dedup=("station",),
    episode_s=60.0,
    says="station {station} warned of a slow-down (cause {cause}) to {event} m/s and drives {speed_ms} m/s {since} s later",
    observed="{speed_ms} m/s {since} s after the warning",
    expected="about the {event} m/s of its own warning",
    runbook=(
        "Hold the warning in the centre until a second source or three vehicles confirm it.",
        "Send a misbehaviour report with the warning and the awareness message as evidence.",
        "If it is already shown on signs, withdraw it.",
    ),
    tolerance="a message is judged by what its sender warned of last before it arrived",
    examples=(
        fires_on(
            "an emergency braking from 9 m/s at 25 m/s", [*_cams(0.0, 25.0), _denm(0.1, 9.0), *_cams(0.2, 25.0, 25.0)]
        ),
        quiet_on("a car that brakes", [*_cams(0.0, 25.0), _denm(0.1, 24.0), *_cams(0.2, 23.0, 21.0, 19.0)]),
        quiet_on(
            "another station, a warning without speed",
            [_denm(0.1, 9.0), *_cams(0.2, 25.0, station="B1"), _denm(0.5, None), *_cams(0.6, 25.0)],
        ),
        quiet_on(
            "a roadside unit's warning, and the road is free again later",
            [_denm(0.0, 9.0, station_type=15), *_cams(0.2, 25.0), _denm(1.0, 9.0), *_cams(9.0, 25.0)],
        ),
    ),
)
