"""A warning whose repetitions change, or that somebody ends who has no say in it.

Follows each event (originator and number): its repetitions keep what was detected, so with one detection time kind of station, place, cause
and quality stay, and with one reference time the detection time does. It fires too where an event is repeated faster than every
`interval_min_s`; where somebody else cancels it; where a station that is neither roadside unit nor special vehicle, nor listed in the
site file (`v2x.negators`), negates roadworks or the warning of one that is; and where one station negates more than
`negations_max` events. Blind spot: a negation of an event that the receiver never heard of; negations under changing pseudonyms. Source:
threat ITS-13 of the catalogue; ETSI TS 103 759, DENM: Static-Change, Time-Change-In-Repetitions, Beacon-IntervalTooSmall;
ETSI EN 302 637-3 (termination).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.geometry import east_m, length, north_m
from detectors.memory import Derived, DistinctWithin, Last
from detectors.memory.recent import REFERENCE
from detectors.profiles import its_messages
from detectors.profiles.threat import Severity
from detectors.reasons import reasons
from detectors.site import Site
from schemas.records import DENM


@dataclass(frozen=True)
class Params:
    interval_min_s: float = 0.08  # 80 % of the shortest repetition interval
    window_s: float = 2.0  # in which repetitions are counted
    moved_m: float = 1.0  # rounding of a place
    negations_max: int = 3  # events that one station negates in negations_s
    negations_s: float = 600.0


BY = ("originator", "sequence_number")
HOLDS = Derived("warning holds", pl.col("termination").is_null())
DATED = Derived("holds and is dated", pl.col("termination").is_null() & pl.col("generation_time").is_not_null())
NEGATES = Derived("negates", (pl.col("termination") == "negation").fill_null(False))
EVENT = Derived("event", pl.concat_str("originator", pl.lit(" "), pl.col("sequence_number").cast(pl.String)))
#: Who has a say in warnings of the road's operator: special vehicle, roadside unit (ETSI TS 102 894-2 StationType).
OFFICIAL = [10, 15]
KEPT = {
    "station_type": "kind of station",
    "cause_code": "cause",
    "sub_cause_code": "sub-cause",
    "information_quality": "quality",
}


def build(p: Params, site: Site) -> Firing:
    before = {
        name: Last(BY, name, HOLDS)
        for name in (*KEPT, "event_latitude", "event_longitude", "detection_time", "reference_time")
    }
    repetitions = DistinctWithin(BY, seconds=p.window_s, at_most=200, value="generation_time", where=DATED)
    negated = DistinctWithin(("station",), seconds=p.negations_s, at_most=100, value=EVENT, where=NEGATES)
    same = HOLDS.expr & (pl.col("detection_time") == before["detection_time"].col)
    east = east_m(pl.col("event_latitude"), pl.col("event_longitude"), before["event_longitude"].col)
    moved = length(east, north_m(pl.col("event_latitude"), before["event_latitude"].col))
    named = pl.col("station").is_in(list(site.v2x.negators)) | pl.col("station_type").is_in(OFFICIAL).fill_null(False)
    theirs = before["station_type"].col.is_in(OFFICIAL).fill_null(False)
    guarded = theirs | (before["cause_code"].col == 3).fill_null(False)
    foreign = pl.col("station") != pl.col("originator")
    again = HOLDS.expr & (pl.col("reference_time") == before["reference_time"].col)
    fast = DATED.expr & ((repetitions.col - 1) * p.interval_min_s > p.window_s)
    changed = [(same & (pl.col(name) != before[name].col), f"its {words} changed") for name, words in KEPT.items()]
    when, why = reasons(
        *changed,
        (same & (moved > p.moved_m), "its place changed"),
        (again & (pl.col("detection_time") != before["detection_time"].col), "its detection time changed"),
        (fast, "repeated too fast"),
        ((pl.col("termination") == "cancellation") & foreign, "cancelled by another station"),
        (NEGATES.expr & foreign & guarded & ~named, "negated by a station without a say in it"),
        (NEGATES.expr & ~named & (negated.col > p.negations_max), "one of many that a station negates"),
    )
    return Firing(
        when=when,
        memories=(*before.values(), repetitions, negated),
        values={"why": why, "cause": pl.coalesce(before["cause_code"].col, "cause_code", pl.lit(0))},
        trail=(Last(BY, REFERENCE, HOLDS),),
    )


def _denm(time: float, **fields: object) -> dict[str, object]:
    own = {
        "time": time,
        "receiver": "R1",
        "station": "T1",
        "originator": "T1",
        "sequence_number": 7,
        "station_type": 10,
        "detection_time": 0.0,
        "reference_time": 0.0,
        "generation_time": time,
        "cause_code": 3,
        "information_quality": 5,
        "event_latitude": 48.0,
        "event_longitude": 11.0,
    }
    return {**own, **fields}


def _end(time: float, termination: str, station: str, number: int = 7, kind: int = 5) -> dict[str, object]:
    return _denm(
        time, termination=termination, station=station, sequence_number=number, station_type=kind, cause_code=None
    )


_WORKS = [_denm(float(i)) for i in range(5)]

DETECTOR = Detector(
    id="altered_warning",
    version=1,
    threat=its_messages.ITS_13,
    record=DENM,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    parties=Parties("warning", "originator", source="station", destination="receiver"),
    dedup=("originator", "sequence_number"),
    episode_s=600.0,
    says="warning {sequence_number} of {originator} (cause {cause}), as sent by {station}: {why}",
    observed="{why}",
    expected="repetitions that keep what was detected, ended by who warned or has a say in it",
    runbook=(
        "Keep the warning active until road staff or a second source confirms the end.",
        "Compare with the plan of roadworks.",
        "Report the certificate that altered or ended it.",
    ),
    tolerance="judged in the order in which the receiver heard it; an older state that is forwarded late is not a change",
    examples=(
        fires_on("the place changes in a repetition", [*_WORKS, _denm(5.0, event_longitude=11.01)]),
        fires_on("so does the quality", [*_WORKS, _denm(5.0, information_quality=1)]),
        fires_on("the detection time changes", [*_WORKS, _denm(5.0, detection_time=4.0)]),
        fires_on("twenty repetitions a second", [_denm(0.05 * i) for i in range(60)]),
        fires_on("a car ends roadworks", [*_WORKS, _end(5.0, "negation", "A1")]),
        fires_on("a car cancels what it did not send", [*_WORKS, _end(5.0, "cancellation", "A1")]),
        fires_on(
            "a car ends one event after the other", [_end(float(i), "negation", "A1", number=i) for i in range(4)]
        ),
        quiet_on(
            "an update with new times moves on, then the trailer cancels",
            [
                *_WORKS,
                _denm(5.0, detection_time=4.9, reference_time=4.9, event_longitude=11.01),
                _denm(6.0, detection_time=4.9, reference_time=4.9, event_longitude=11.01),
                _denm(7.0, termination="cancellation", detection_time=6.9, reference_time=6.9),
            ],
        ),
        quiet_on("the road operator's unit ends it", [*_WORKS, _end(5.0, "negation", "U1", kind=15)]),
        quiet_on(
            "a car ends a hazard that another one warned of, ten repetitions a second are heard twice",
            [*(_denm(0.1 * (i // 2), cause_code=10, station_type=5) for i in range(60)), _end(5.0, "negation", "A1")],
        ),
    ),
)
