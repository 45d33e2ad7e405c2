"""A broadcast signal phase (SPAT) that the controller does not show.

Compares the state that a sender broadcasts of a signal group with the lamps in the controller's own feed. It fires once both are
known to have differed for more than `tolerance_s`: the controller reported another colour that long after the broadcast changed, or
the broadcast stays that long after the lamps changed. So a feed that falls silent accuses nobody. Blind spot: a controller that is
itself taken over; a feed that reports changes alone, while no lamp of the group changes. States that promise no colour (unavailable,
caution) are not judged. Source: threat ITS-14 of the catalogue; SAE J2735 (MovementPhaseState); ETSI TS 103 301.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.grouping import TIME
from detectors.memory import Derived, Last, LastOf, TimeSince
from detectors.memory.recent import REFERENCE
from detectors.profiles import its_messages
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import SIGNAL_CONTROLLER, SPAT


@dataclass(frozen=True)
class Params:
    tolerance_s: float = 1.0  # clocks, and what is under way
    feed_max_s: float = 120.0  # an older report of the controller says nothing


#: Lamps that a broadcast state may go with. Not every controller tells red and amber together from red.
LAMPS = {
    "dark": ["dark"],
    "stop_then_proceed": ["flashing"],
    "stop_and_remain": ["red"],
    "pre_movement": ["red", "red_amber"],
    "permissive_movement_allowed": ["green"],
    "protected_movement_allowed": ["green"],
    "permissive_clearance": ["amber"],
    "protected_clearance": ["amber"],
}
GROUP, SENDER = ("signal_group",), ("receiver", "certificate", "signal_group")


#: After such a silence nobody knows what was shown meanwhile, seconds.
SILENT_S = 30.0


def _since(name: str, value: str, by: tuple[str, ...]) -> Derived:
    """Since when a key shows its value, microseconds."""
    before, gap = Last(by, value), TimeSince(by)
    anew = (pl.col(value) != before.col) | (gap.col > SILENT_S)
    changed = Derived(f"{value} shown anew", anew.fill_null(True), (before, gap))
    held = TimeSince(by, changed)
    start = pl.col(TIME) - pl.when(changed.expr).then(0.0).otherwise(held.col.fill_null(0.0) * 1e6).round().cast(
        pl.Int64
    )
    return Derived(name, start, (before, gap, held))  # fmt: skip


SHOWN = _since("state since", "state", SENDER)
LAMP, REPORTED, REPORT = (LastOf(SIGNAL_CONTROLLER, GROUP, value) for value in ("lamp", TIME, REFERENCE))
LIT = LastOf(SIGNAL_CONTROLLER, GROUP, _since("lamp since", "lamp", GROUP))


def build(p: Params, site: Site) -> Firing:
    lamps = pl.col("state").replace_strict(
        list(LAMPS), list(LAMPS.values()), default=None, return_dtype=pl.List(pl.String)
    )
    shown, now = SHOWN.expr, pl.col(TIME)
    # Who changed last has to be confirmed by a later word of the other one.
    differed = pl.when(shown >= LIT.col).then(REPORTED.col - shown).otherwise(now - LIT.col) * 1e-6
    fresh = ((now - REPORTED.col) * 1e-6).is_between(-p.feed_max_s, p.feed_max_s)
    wrong = ~lamps.list.contains(LAMP.col) & fresh & (differed > p.tolerance_s)
    # A state that promises no colour, and a group of which the controller says nothing, is not judged.
    return Firing(
        when=wrong.fill_null(False),
        memories=(*SHOWN.memories, LAMP, REPORTED, LIT),
        values={"lamp": LAMP.col.str.replace("_", " and "), "shown": pl.col("state").str.replace_all("_", " "), "differed": differed},
        trail=(REPORT,),
    )  # fmt: skip


def _spat(begin: float, end: float, state: str, group: int = 2, **fields: object) -> list[dict[str, object]]:
    own = {"intersection": "X1", "receiver": "R1", "certificate": "c1", "signal_group": group, "state": state}
    return [{**own, "time": begin + i * 0.5, **fields} for i in range(round((end - begin) * 2))]


def _lamp(begin: float, end: float, lamp: str, group: int = 2) -> list[dict[str, object]]:
    own = {"record": "signal_controller", "intersection": "X1", "signal_group": group, "lamp": lamp}
    return [{**own, "time": begin + i * 5.0} for i in range(max(1, round((end - begin) / 5)))]


def _both(*parts: list[dict[str, object]]) -> list[dict[str, object]]:
    return sorted((record for part in parts for record in part), key=lambda record: float(str(record["time"])))


_RED, _GREEN = "stop_and_remain", "protected_movement_allowed"

DETECTOR = Detector(
    id="signal_disagrees",
    version=1,
    threat=its_messages.ITS_14,
    record=SPAT,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    parties=Parties("intersection", "intersection", source="certificate", destination="receiver"),
    dedup=("intersection", "signal_group"),
    episode_s=300.0,
    says="group {signal_group} of {intersection} is broadcast as {shown}, but its lamps are {lamp}",
    observed="{shown} broadcast, {lamp} lit, for {differed} s",
    expected="the state that the controller shows",
    runbook=(
        "Stop the broadcast of the roadside unit; the lamps themselves stay in control.",
        "Compare software and configuration of the roadside unit with what was released.",
        "Send staff if the controller itself was reached.",
    ),
    tolerance="broadcasts and reports are judged in the order in which they arrived",
    examples=(
        fires_on(
            "green is broadcast while the lamps stay red",
            _both(_lamp(0, 30, "red"), _spat(0, 8, _RED), _spat(8, 20, _GREEN)),
        ),
        fires_on(
            "red is broadcast on after the lamps changed",
            _both(_lamp(0, 8, "red"), _lamp(8, 20, "green"), _spat(0, 20, _RED)),
        ),
        fires_on(
            "a second sender beside the true one",
            _both(_lamp(0, 30, "red"), _spat(0, 20, _RED), _spat(8.2, 20, _GREEN, certificate="c2")),
        ),
        quiet_on(
            "both change, the feed half a second late",
            _both(_lamp(0, 8, "red"), _lamp(8.5, 20, "green"), _spat(0, 8, _RED), _spat(8, 20, _GREEN)),
        ),
        quiet_on("the feed falls silent", _both(_lamp(0, 5, "red"), _spat(0, 8, _RED), _spat(8, 30, _GREEN))),
        quiet_on("a state that promises nothing", _both(_lamp(0, 30, "red", 4), _spat(0, 20, "unavailable", 4))),
    ),
)
