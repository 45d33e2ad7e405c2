"""The numbers of an IEC 60870-5-104 connection do not run: somebody puts APDUs into it, or one side does not listen.

An I-frame's send number follows the one before it of the same connection and direction (modulo 32768); a few may be
lost on the way to the tap. A number that goes back, stands still in another APDU or leaps is a break, and so is one
more than `outstanding_max` ahead of what the other side acknowledged. Fires from `breaks_min` breaks in the window on:
a new connection over the same ports is one break, an APDU that is put in is two. Blind spot: an attacker who took the
connection over, numbers and all; where the tap loses many frames, numbers leap. Source: threat SG-23 of the catalogue;
IEC 60870-5-104 clauses 5.1 and 5.5 (k, w).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.iec104 import FROM_HIGHER, FROM_LOWER, LINK, said
from detectors.memory import CountWithin, Derived, Last, Recent, TimeSince
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    breaks_min: int = 3  # in the window
    window_s: float = 600.0
    lost_max: int = 1000  # numbers that may be missing: the tap lost them
    outstanding_max: int = 32  # I-frames not acknowledged; k is 12 by default, w 8


WAY = ("source", "source_port", "destination", "destination_port")
NUMBERED = Derived("numbered", said((pl.col("format") == "I") & pl.col("send_number").is_not_null()))


def _ahead(number: pl.Expr, reference: pl.Expr) -> pl.Expr:
    return (number.cast(pl.Int64) - reference.cast(pl.Int64)) % 32_768


def build(p: Params, site: Site) -> Firing:
    before = Last(WAY, "send_number", NUMBERED)
    since = TimeSince(WAY, NUMBERED)
    by_low, by_high = Last((LINK,), "receive_number", FROM_LOWER), Last((LINK,), "receive_number", FROM_HIGHER)
    step = _ahead(pl.col("send_number"), before.col)
    # The objects of one APDU have one number and one time.
    follows = (step.is_between(1, p.lost_max + 1)) | ((step == 0) & (since.col == 0.0))
    acknowledged = pl.when(FROM_LOWER.expr).then(by_high.col).otherwise(by_low.col)
    outstanding = _ahead(pl.col("send_number"), acknowledged)
    # Half of the numbers stand for "behind": a number behind what was acknowledged is no outstanding one.
    deaf = outstanding.is_between(p.outstanding_max, 16_384).fill_null(False)
    broken = Derived(
        f"break of the numbers, {p.lost_max}, {p.outstanding_max}",
        NUMBERED.expr & (~follows.fill_null(True) | deaf),
        (before, since, by_low, by_high),
    )
    breaks = CountWithin(WAY, seconds=p.window_s, at_most=1000, where=broken)
    what = (
        pl.when(deaf)
        .then(pl.format("{} I-frames are not acknowledged", outstanding))
        .otherwise(pl.format("send number {} after {}", "send_number", before.col))
    )
    return Firing(
        when=broken.col & (breaks.col >= p.breaks_min),
        memories=(breaks,),
        values={"what": what, "breaks": breaks.col, "minutes": pl.lit(p.window_s / 60)},
        trail=(Recent(WAY, seconds=p.window_s, at_most=50, where=broken),),
    )


def _frame(time: float, number: int, answer: bool = False, **fields: object) -> dict[str, object]:
    ends = ("10.0.0.20", 2404, "10.0.0.1", 40_000) if answer else ("10.0.0.1", 40_000, "10.0.0.20", 2404)
    names = ("source", "source_port", "destination", "destination_port")
    body = {"format": "I", "type_id": 36, "cause": 3, "send_number": number, "receive_number": 0}
    return {"time": time, **dict(zip(names, ends, strict=True)), **body, **fields}


def _acknowledgement(time: float, number: int) -> dict[str, object]:
    return _frame(time, 0, format="S", type_id=None, cause=None, send_number=None, receive_number=number)


_REPORTS = [
    record
    for i in range(60)
    for record in (
        _frame(float(i), 32_740 + i if i < 28 else i - 28, True),
        *([_acknowledgement(i + 0.5, (32_741 + i) % 32_768)] if i % 8 == 7 else []),
    )
]

DETECTOR = Detector(
    id="iec104_sequence",
    version=1,
    threat=smart_grid_substation.SG_23,
    record=IEC104,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("station", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=900.0,
    says="the numbers of {source} towards {destination} break {breaks} times in {minutes} min: {what}",
    observed="{what}, {breaks} breaks in {minutes} min",
    expected="send numbers that count up by one and are acknowledged",
    runbook=(
        "Capture the connection: an APDU that was put in has another TTL, MAC or timing than its neighbours.",
        "Look at what was carried by the frames that break the numbers: commands first.",
        "Check for a failing line and a tap that loses frames before anything is blocked.",
    ),
    tolerance="a late frame is passed over; a break counts at the clock of its connection",
    examples=(
        fires_on(
            "commands put into a connection",
            [
                *_REPORTS,
                *(_frame(100.0 + i, i) for i in range(10)),
                *(_frame(110.0 + i, n, type_id=45, cause=6) for i, n in enumerate((10_000, 10, 10_001, 11))),
            ],
        ),
        fires_on(
            "a station that nobody acknowledges any more",
            [*_REPORTS, *(_frame(60.0 + 0.1 * i, 32 + i, True) for i in range(60))],
        ),
        quiet_on("numbers that wrap, acknowledged every eight", _REPORTS),
        quiet_on(
            "several objects of one APDU, a lost frame, a new connection over the same ports",
            [
                *(_frame(float(i), i, object_address=k) for i in range(12) for k in range(3) if i != 5),
                *(_frame(20.0 + i, i) for i in range(12)),
            ],
        ),
    ),
)
