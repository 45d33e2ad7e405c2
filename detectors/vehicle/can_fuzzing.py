"""Identifiers that a CAN bus never carried, or frames of another length than the message catalogue says.

Without a catalogue (`can.ids` of the site file) identifiers are learned: after `learn_s` seconds of a bus, `many` frames with
identifiers that are new to it within `window_s` are fuzzing, and `few` once it is known for `settled_s`. With one, `odd_min` frames
that are not in it fire. So do, with and without a catalogue, `odd_min` frames of another length than all of their identifier before,
and three frames in which bytes that hardly ever change do for this frame alone. Diagnostic identifiers are left to the detector of
diagnostics. Blind spot: fuzzing from the first frame on; random data in place of the real frames, or in few bytes; a few new
identifiers on a young bus. New software and added devices look the same. Source: threat ITS-20 of the catalogue; ITU-T X.1375
clauses 7.3 and 8.3.
"""

from dataclasses import dataclass

import polars as pl

from detectors.can_bus import BUS, DATA, DIAGNOSTIC, IDENTIFIER, every, flagged, frames, merged, payload
from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Age, CountWithin, Derived, Nth, Recent
from detectors.memory.payload import FUZZED, ODD_LENGTH
from detectors.profiles import its_vehicle
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CAN_FRAME


@dataclass(frozen=True)
class Params:
    learn_s: float = 5.0  # of a bus whose identifiers are learned
    many: int = 15  # frames with new identifiers in the window, after that
    settled_s: float = 600.0  # after which a bus is known,
    few: int = 5  # and so many are enough
    odd_min: int = 3  # frames that are not in the message catalogue or of a wrong length, in the window
    window_s: float = 10.0


def _outside(site: Site) -> pl.Expr:
    """Frames that the message catalogue does not have."""
    known = pl.lit(False)
    for one in {(c.channel, c.extended) for c in site.can.ids or ()}:
        lengths = {c.can_id: c.length for c in site.can.ids or () if (c.channel, c.extended) == one}
        right = pl.col("dlc") == pl.col("can_id").replace_strict(lengths, default=None, return_dtype=pl.Int64)
        mine = (pl.col("extended") == one[1]) & pl.col("can_id").is_in(list(lengths))
        known |= mine & right.fill_null(True) & ((pl.col("channel") == one[0]) if one[0] is not None else pl.lit(True))
    return DATA.expr & ~known


def build(p: Params, site: Site) -> Firing:
    nth, age, data = Nth(IDENTIFIER, at_most=2, where=DATA), Age(BUS), payload()
    most = 10 * max(p.many, p.few, p.odd_min)
    wrong = Derived("wrong length", flagged(data, ODD_LENGTH) & ~DIAGNOSTIC, (data,))
    if site.can.ids is None:
        strange = DATA.expr & (nth.col == 1) & (age.col >= p.learn_s) & ~DIAGNOSTIC
        new = Derived(f"new identifier after {p.learn_s:g}s", strange, (nth, age))
        least = pl.when(age.col >= p.settled_s).then(p.few).otherwise(p.many)
    else:
        new = Derived("not in the message catalogue", _outside(site) & ~DIAGNOSTIC)
        least = pl.lit(p.odd_min)
    often = CountWithin(BUS, seconds=p.window_s, at_most=most, where=new)
    lengths = CountWithin(BUS, seconds=p.window_s, at_most=most, where=wrong)
    unknown = new.col & (often.col >= least)
    uneven = wrong.col & (lengths.col >= p.odd_min)
    what = (
        pl.when(unknown)
        .then(pl.format("{} frames with new identifiers", often.col))
        .when(uneven)
        .then(pl.format("{} frames of a length that their identifier never had", lengths.col))
        .otherwise(pl.lit("single frames that change bytes which hardly ever do"))
    )
    return Firing(
        when=unknown | uneven | flagged(data, FUZZED),
        memories=(often, lengths, age, data),
        values={"what": what, "window": pl.lit(p.window_s)},
        trail=(
            Recent(BUS, seconds=p.window_s, at_most=50, where=new),
            Recent(BUS, seconds=p.window_s, at_most=50, where=wrong),
        ),
    )


_REAL, _FORGED = bytes((1, 2, 3, 4, 5, 6, 7, 0)), bytes((151, 92, 13, 204, 55, 86, 177, 9))

_KNOWN = [frames(every(0.02, 0, 8), 0x110), frames(every(0.1, 0, 8), 0x410), frames([3.0], 0x3C0)]
_RANDOM = [f for i in range(100) for f in frames([6 + 0.02 * i], (0x35 * i + 0x2A) % 0x6FF + 1)]
_SITE = {"can": {"ids": [{"can_id": 0x110, "length": 8}, {"can_id": 0x410, "channel": "can0"}, {"can_id": 0x3C0}]}}

DETECTOR = Detector(
    id="can_fuzzing",
    version=1,
    threat=its_vehicle.ITS_20,
    record=CAN_FRAME,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("bus", "channel"),
    dedup=("vehicle", "channel"),
    episode_s=60.0,
    says="{what} on {channel} of {vehicle} within {window} s; the last: identifier {can_id}",
    observed="{what} in {window} s; the last: identifier {can_id}, {dlc} bytes",
    expected="identifiers, lengths and data as they were since the bus was first seen, or as the site file lists them",
    runbook=(
        "Keep a trace; find by the channel and the times where the frames enter.",
        "Look for diagnostic or aftermarket devices, and for an update of the software on that day.",
        "Filter at the gateway; clear only after the trace is stored.",
    ),
    tolerance="a late frame counts at the clock of its bus",
    examples=(
        fires_on("fifty random identifiers a second for two seconds", merged(*_KNOWN, _RANDOM)),
        fires_on(
            "a length that an identifier never had, three times",
            merged(_KNOWN[0], frames([5, 5.1, 5.2], 0x110, bytes(7))),
        ),
        fires_on("three frames of an unlisted identifier", merged(_KNOWN[0], frames([5, 5.1, 5.2], 0x111)), site=_SITE),
        fires_on(
            "random data between the real frames of an event-driven identifier",
            merged(frames(every(0.02, 0, 4), 0x110, _REAL), frames([3.001, 3.201, 3.401], 0x110, _FORGED)),
        ),
        quiet_on(
            "many bytes begin to move at once when the vehicle starts",
            frames(every(0.02, 0, 6), 0x110, [_REAL] * 200 + [bytes((i, i, i, i, 5, 6, 7, 0)) for i in range(100)]),
        ),
        quiet_on("a bus that begins, and a rare identifier", merged(*_KNOWN, frames([7.0], 0x3D0))),
        quiet_on(
            "the identifiers of the catalogue, and a tester", merged(*_KNOWN, frames([4.0] * 4, 0x7E0)), site=_SITE
        ),
    ),
)
