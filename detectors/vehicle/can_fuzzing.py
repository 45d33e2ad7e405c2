"""Identifiers that a CAN bus never carried, or frames of another length than the message catalogue says.

Without a catalogue (`can.ids` of the site file) identifiers are learned: after `learn_s` seconds of a bus, `many` frames with
identifiers that are new to it within `window_s` are fuzzing, and `few` once it is known for `settled_s`. With one, `listed_min`
frames that are not in it, or of a wrong length, fire. Diagnostic identifiers are left to the detector of diagnostics. Blind spot:
fuzzing from the first frame on, or under known identifiers with their length; a few new identifiers on a young bus. New software
and added devices look the same. Source: threat ITS-20 of the catalogue; ITU-T X.1375 clauses 7.3 and 8.3.
"""

from dataclasses import dataclass

import polars as pl

from detectors.can_bus import BUS, DATA, IDENTIFIER, every, frames, merged
from detectors.detector import Confidence, Detector, Firing, Remembering, fires_on, quiet_on
from detectors.memory import Age, CountWithin, Derived, Nth, Recent
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
    listed_min: int = 3  # frames that are not in the message catalogue, in the window
    window_s: float = 10.0


#: Identifiers of ISO 15765-4 and of the addresses that testers use (ISO 15765-2 normal fixed addressing).
DIAGNOSTIC = (
    pl.when("extended")
    .then((pl.col("can_id") // 65_536 % 256).is_in([0xDA, 0xDB]))
    .otherwise(pl.col("can_id") >= 0x700)
)


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
    nth, age = Nth(IDENTIFIER, at_most=2, where=DATA), Age(BUS)
    if site.can.ids is None:
        new = DATA.expr & (nth.col == 1) & (age.col >= p.learn_s) & ~DIAGNOSTIC
        odd = Derived(f"new identifier after {p.learn_s:g}s", new, (nth, age))
        least = pl.when(age.col >= p.settled_s).then(p.few).otherwise(p.many)
    else:
        odd = Derived("not in the message catalogue", _outside(site) & ~DIAGNOSTIC)
        least = pl.lit(p.listed_min)
    often = CountWithin(BUS, seconds=p.window_s, at_most=10 * max(p.many, p.few, p.listed_min), where=odd)
    return Firing(
        when=odd.col & (often.col >= least),
        memories=(often, age),
        values={"often": often.col, "least": least, "window": pl.lit(p.window_s)},
        trail=(Recent(BUS, seconds=p.window_s, at_most=50, where=odd),),
    )


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
    entity_kind="bus",
    entity="channel",
    source="",
    destination="",
    dedup=("vehicle", "channel"),
    episode_s=60.0,
    says="{often} frames that {channel} of {vehicle} does not know within {window} s, the last with identifier {can_id}",
    observed="{often} frames with new identifiers or wrong lengths in {window} s; the last: identifier {can_id}, {dlc} bytes",
    expected="fewer than {least}",
    runbook=(
        "Keep a trace; find by the channel and the times where the frames enter.",
        "Look for diagnostic or aftermarket devices, and for an update of the software on that day.",
        "Filter at the gateway; clear only after the trace is stored.",
    ),
    needs=(),
    tolerance="a late frame counts at the clock of its bus",
    examples=(
        fires_on("fifty random identifiers a second for two seconds", merged(*_KNOWN, _RANDOM)),
        fires_on(
            "a length that the catalogue does not have, three times",
            merged(_KNOWN[0], frames([5, 5.1, 5.2], 0x110, bytes(7))),
            site=_SITE,
        ),
        fires_on("three frames of an unlisted identifier", merged(_KNOWN[0], frames([5, 5.1, 5.2], 0x111)), site=_SITE),
        quiet_on("a bus that begins, and a rare identifier", merged(*_KNOWN, frames([7.0], 0x3D0))),
        quiet_on(
            "the identifiers of the catalogue, and a tester", merged(*_KNOWN, frames([4.0] * 4, 0x7E0)), site=_SITE
        ),
    ),
)
