"""Diagnostic services misused on a CAN bus itself: keys tried, control units changed while the vehicle moves, services tried out.

Reads requests and negative answers in the first frame of each message, on the identifiers of ISO 15765-4: 0x7DF to 0x7EF, 0x18DAxxyy and
0x18DBxxyy. The speed is that of `diagnostics.speed` of the site file, of J1939 (CCVS, parameter group 65,265) or of an answer of
on-board diagnosis (0x0D), not older than `fresh_s`. Fires as `diagnostic_misuse` does, and where more than `asked_max` requests for
SecurityAccess go out within `asked_s`, whatever the answers; identifiers that are tried count by the refusals (`vain_max`).

Blind spot: makers' own diagnostic identifiers; tickets and testers, which no frame tells; a vehicle whose speed is not known; a tester with
the key at standstill. Source: threat ITS-21 of the catalogue; ISO 14229-1; ISO 15765-4; ITU-T X.1374 clauses 7.6 and 7.8.
"""

from dataclasses import dataclass
from typing import Any

import polars as pl

from detectors.can_bus import BUS, frames, merged
from detectors.can_diagnosis import (
    ASKED,
    ECU,
    REFUSED,
    REQUEST,
    SERVICE_ASKED,
    SERVICE_REFUSED,
    SUBFUNCTION,
    TRIED,
    speed,
)
from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.diagnostics import changes, named
from detectors.memory import CountWithin, Derived, DistinctWithin, Last, Recent, TimeSince
from detectors.profiles import its_vehicle
from detectors.profiles.threat import Severity
from detectors.reasons import reasons
from detectors.site import Site
from schemas.records import CAN_FRAME


@dataclass(frozen=True)
class Params:
    refused_min: int = 3  # keys that a control unit refused in the window
    refused_s: float = 600.0
    asked_max: int = 12  # requests for SecurityAccess to one control unit in the window
    asked_s: float = 60.0
    speed_ms: float = 2.0  # above which nothing is changed
    fresh_s: float = 5.0  # of the speed
    tried_min: int = 8  # different services that a control unit refused in the window
    tried_s: float = 60.0
    vain_max: int = 40  # requests that it refused in that window because there is no such thing


def build(p: Params, site: Site) -> Firing:
    told, name = speed(site.diagnostics.speed)
    known_speed = Derived(f"speed {name}", told)
    known = Derived(f"speed known {name}", told.is_not_null())
    # One key a vehicle: the speed may stand on another bus than the request.
    last, since = Last(("vehicle",), known_speed, known), TimeSince(("vehicle",), known)
    key = (*BUS, "extended", ECU)
    refused = CountWithin(key, seconds=p.refused_s, at_most=10 * p.refused_min, where=REFUSED)
    asked = CountWithin(key, seconds=p.asked_s, at_most=10 * p.asked_max, where=ASKED)
    tried = DistinctWithin(key, seconds=p.tried_s, at_most=10 * p.tried_min, value=SERVICE_REFUSED, where=TRIED)
    vain = CountWithin(key, seconds=p.tried_s, at_most=10 * p.vain_max, where=TRIED)
    moving = (last.col > p.speed_ms) & (since.col <= p.fresh_s)
    fires, why = reasons(
        (
            REQUEST.expr & changes(SERVICE_ASKED, SUBFUNCTION) & moving,
            pl.format("{} at {} m/s", named(SERVICE_ASKED), last.col.round(1)),
        ),
        (REFUSED.col & (refused.col >= p.refused_min), pl.format("{} keys refused", refused.col)),
        (ASKED.col & (asked.col > p.asked_max), pl.format("{} requests for SecurityAccess", asked.col)),
        (TRIED.col & (vain.col > p.vain_max), pl.format("{} requests refused, there is no such thing", vain.col)),
        (TRIED.col & (tried.col >= p.tried_min), pl.format("{} services tried that there are not", tried.col)),
    )
    return Firing(
        when=fires,
        memories=(last, since, refused, asked, tried, vain),
        values={"why": why},
        trail=(
            Recent(key, seconds=p.refused_s, at_most=20, where=REFUSED),
            Recent(key, seconds=p.tried_s, at_most=50, where=TRIED),
        ),
    )


def _says(start: float, *messages: bytes, can_id: int = 0x7E0, **fields: Any) -> list[dict[str, object]]:
    return [f for i, m in enumerate(messages) for f in frames([start + i], can_id, m.ljust(8, b"\xaa"), **fields)]


_SEED, _KEY = b"\x02\x27\x01", b"\x06\x27\x02\x12\x34\x56\x78"
_WRONG = b"\x03\x7f\x27\x35"
_CCVS = frames([0.1 * i for i in range(200)], 0x18FEF100, bytes((255, 0, 60, 255, 255, 255, 255, 255)), extended=True)
_SPEED = {"can_id": 0x1A0, "first": 0, "big_endian": True, "factor_ms": 0.01}
_DOWNLOAD = b"\x10\x0b\x34\x00\x44\x00\x01\x00"
_MOVING = frames([0.1 * i for i in range(200)], 0x1A0, b"\x05\xdc\x00\x00\x00\x00\x00\x00")

DETECTOR = Detector(
    id="can_diagnostics",
    version=1,
    threat=its_vehicle.ITS_21,
    record=CAN_FRAME,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("bus", "channel"),
    dedup=("vehicle", "channel"),
    episode_s=600.0,
    says="diagnosis on {channel} of {vehicle}: {why}; identifier {can_id}",
    observed="{why}",
    expected="diagnosis of a standing vehicle, with the right key",
    runbook=(
        "Close diagnostic routing at the gateway while the vehicle moves.",
        "Look for a device at the diagnostic connector; ask the workshop system who worked at the vehicle.",
        "Compare the software's hash with the approved one.",
    ),
    tolerance="a late frame counts at the clock of its control unit",
    examples=(
        fires_on("four wrong keys", merged(_says(0, *(_KEY,) * 4), _says(0.5, *(_WRONG,) * 4, can_id=0x7E8))),
        fires_on(
            "a programming session of a truck at 60 km/h",
            merged(_CCVS, _says(9, b"\x02\x10\x02", can_id=0x18DA00F9, extended=True)),
        ),
        fires_on(
            "a download of a car at 15 m/s",
            merged(_MOVING, _says(9, _DOWNLOAD)),
            site={"diagnostics": {"speed": _SPEED}},
        ),
        fires_on("keys are asked for, answers are on another bus", _says(0, *(_SEED, _KEY) * 8)),
        fires_on(
            "services tried one by one", _says(0, *(bytes((3, 0x7F, s, 0x11)) for s in range(0x10, 0x20)), can_id=0x7E8)
        ),
        fires_on("identifiers tried one by one", _says(0, *(b"\x03\x7f\x22\x31",) * 50, can_id=0x7E8)),
        quiet_on(
            "a workshop flashes a standing car, one wrong key",
            merged(
                _says(
                    0, b"\x02\x10\x03", _SEED, _KEY, _SEED, _KEY, b"\x02\x10\x02", b"\x10\x0b\x34\x00\x44\x00\x01\x00"
                ),
                _says(2.5, _WRONG, can_id=0x7E8),
            ),
        ),
        quiet_on(
            "a dongle reads speed and fault memory while driving",
            merged(_CCVS, _says(2, *(b"\x02\x01\x0d", b"\x03\x19\x02\xff", b"\x02\x3e\x80") * 4, can_id=0x7DF)),
        ),
        quiet_on("a programming session long after the vehicle moved", merged(_CCVS, _says(60, b"\x02\x10\x02"))),
        quiet_on("frames without data", frames([0.1 * i for i in range(20)], 0x7E0, b"")),
    ),
)
