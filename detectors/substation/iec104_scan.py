"""Reconnaissance over IEC 60870-5-104: stations, addresses and objects are tried to see which exist.

All within the window, by one host:

- interrogations (types 100, 101) of `stations_min` common addresses more than answer; at link start every station answers;
- interrogations with `objects_min` different object addresses: the standard has 0 there;
- answers with cause 44 to 47 (unknown type, cause, common address or object), `unknown_min` of them;
- reads (type 102) of `sweep_min` different objects;
- test frames or starts to `hosts_min` hosts more than answer. Masters of the site file may do that: lines fail together.

Works without a site file. Blind spot: a scan slower than the window; where the tap sees one direction alone nothing
answers, and link start looks like a scan. Source: threat SG-19 of the catalogue; IEC 60870-5-101 clause 7.2.3 (causes
44 to 47).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.iec104 import ASKED, ASKER, INTERROGATES, READS, said
from detectors.memory import CountWithin, Derived, DistinctWithin, Recent
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    stations_min: int = 13  # common addresses that do not answer; 12 questions may be under way (k)
    objects_min: int = 3  # object addresses of interrogations
    unknown_min: int = 3  # answers
    sweep_min: int = 10  # objects read
    hosts_min: int = 10  # that do not answer
    window_s: float = 60.0


_KIND, _CAUSE, _CONTROL = pl.col("type_id"), pl.col("cause"), pl.col("control")
CONFIRMS = Derived("confirms an interrogation", said(_KIND.is_in([100, 101]) & _CAUSE.is_in([7, 10])))
PLACED = Derived("interrogates an object", INTERROGATES.expr & said(pl.col("object_address") != 0))
UNKNOWN = Derived("answered unknown", said(_CAUSE.is_between(44, 47)))
OPENS = Derived("opens", said(_CONTROL.is_in(["STARTDT act", "TESTFR act"])))
OPENED = Derived("opened", said(_CONTROL.is_in(["STARTDT con", "TESTFR con"])))
OBJECT = Derived("object", pl.col("common_address").cast(pl.Int64) * 2**24 + pl.col("object_address").cast(pl.Int64))


def build(p: Params, site: Site) -> Firing:
    pair = (ASKER, ASKED)
    asked = DistinctWithin(pair, seconds=p.window_s, value="common_address", where=INTERROGATES)
    answered = DistinctWithin(pair, seconds=p.window_s, value="common_address", where=CONFIRMS)
    placed = DistinctWithin(pair, seconds=p.window_s, value="object_address", where=PLACED)
    unknown = CountWithin(("destination",), seconds=p.window_s, at_most=1000, where=UNKNOWN)
    objects = DistinctWithin(("source",), seconds=p.window_s, at_most=1000, value=OBJECT, where=READS)
    called = DistinctWithin((ASKER,), seconds=p.window_s, value=ASKED, where=OPENS)
    heard = DistinctWithin((ASKER,), seconds=p.window_s, value=ASKED, where=OPENED)
    mute, dark = asked.col - answered.col, called.col - heard.col
    stranger = ~pl.col("source").is_in(sorted(site.iec104.masters or ()))
    gropes = UNKNOWN.col & (unknown.col >= p.unknown_min)
    cases = (
        (
            INTERROGATES.col & (mute >= p.stations_min),
            "interrogates {} common addresses of {} that do not answer",
            mute,
        ),
        (PLACED.col & (placed.col >= p.objects_min), "interrogates {} single objects of {}", placed.col),
        (READS.col & (objects.col >= p.sweep_min), "reads {} different objects of {}", objects.col),
        (OPENS.col & stranger & (dark >= p.hosts_min), "calls {} hosts that do not answer, the last of them {}", dark),
    )
    texts = [pl.format("{} " + text, "source", number, "destination") for _, text, number in cases]
    why = pl.when(gropes).then(
        pl.format("{} does not know what {} asks for ({} times)", "source", "destination", unknown.col)
    )
    for (case, _, _), text in zip(cases, texts, strict=True):
        why = why.when(case).then(text)  # type: ignore[assignment]  # a chain is a When too
    return Firing(
        when=gropes | pl.any_horizontal([case for case, _, _ in cases]),
        memories=(asked, answered, placed, unknown, objects, called, heard),
        values={"why": why, "window": pl.lit(p.window_s)},
        trail=(
            Recent(pair, seconds=p.window_s, at_most=50, where=INTERROGATES),
            Recent(("destination",), seconds=p.window_s, at_most=50, where=UNKNOWN),
            Recent(("source",), seconds=p.window_s, at_most=50, where=READS),
            Recent((ASKER,), seconds=p.window_s, at_most=50, where=OPENS),
        ),
    )


def _apdu(
    time: float, type_id: int, cause: int, object_address: int = 0, answer: bool = False, station: int = 3
) -> dict[str, object]:
    ends = ("10.0.0.20", "10.0.0.66") if answer else ("10.0.0.66", "10.0.0.20")
    return {
        "time": time,
        "source": ends[0],
        "destination": ends[1],
        "format": "I",
        "type_id": type_id,
        "cause": cause,
        "common_address": station,
        "object_address": object_address,
    }


def _frame(time: float, destination: str) -> dict[str, object]:
    return {"time": time, "source": "10.0.0.66", "destination": destination, "format": "U", "control": "TESTFR act"}


DETECTOR = Detector(
    id="iec104_scan",
    version=2,
    threat=smart_grid_substation.SG_19,
    record=IEC104,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    parties=Parties("station", "asked", source="asker", destination="asked"),
    dedup=("asker",),
    episode_s=900.0,
    says="{why} in {window} s",
    observed="{why}",
    expected="questions that are answered, with addresses that exist",
    runbook=(
        "Identify the host and the tool; ask engineering whether it is planned work.",
        "Watch the same host for commands during the next day.",
        "If it is planned, raise the limits in the site file for its time.",
    ),
    tolerance="a late record counts at the clock of its key; one later than the window is not counted",
    examples=(
        fires_on("common addresses one after another", [_apdu(0.3 * i, 100, 6, station=i) for i in range(20)]),
        fires_on("objects, as if they were stations", [_apdu(8.0 * i, 100, 6, i) for i in range(1, 8)]),
        fires_on("the outstation knows none of the addresses", [_apdu(5.0 * i, 45, 47, i, True) for i in range(5)]),
        fires_on("reads of twelve objects", [_apdu(1.0 * i, 102, 5, 100 + i) for i in range(12)]),
        fires_on("test frames to many hosts", [_frame(3.0 * i, f"10.0.1.{i}") for i in range(12)]),
        quiet_on(
            "the front end of the site file after its line failed",
            [_frame(3.0 * i, f"10.0.1.{i}") for i in range(12)],
            site={"iec104": {"masters": ["10.0.0.66"]}},
        ),
        quiet_on(
            "link start of a concentrator with 30 stations, each answers",
            [
                record
                for i in range(30)
                for record in (_apdu(i, 100, 6, station=i), _apdu(i + 0.2, 100, 7, answer=True, station=i))
            ],
        ),
        quiet_on(
            "link start, then spontaneous values and a command",
            [
                _apdu(0, 100, 6),
                _apdu(1, 100, 7, answer=True),
                _apdu(2, 101, 6),
                *(_apdu(3 + 0.1 * i, 36, 3, i, True) for i in range(100)),
                _apdu(20, 46, 6, 4001),
                _apdu(22, 46, 6, 4001),
            ],
        ),
    ),
)
