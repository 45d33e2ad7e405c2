"""Reconnaissance over DNP3: link addresses, functions or objects are tried to see which exist, or everything is read again and again.

All between two hosts within the window:

- requests to `stations_min` link addresses more than answer;
- requests under `names_min` different link addresses of their own;
- `collections_min` reads of all static data (class 0) of one station: masters read it at start-up and every few minutes;
- `errors_min` responses that do not know the function, the objects or their parameters (IIN2.0 to IIN2.2).

Blind spot: a scan slower than the window; where the tap sees one direction alone, a master of many stations behind one address looks
like a scan. Source: threat SG-19 of the catalogue; IEEE 1815 clauses 4.5 (internal indications) and 9.2.5 (addresses).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.dnp3 import FROM_OUTSTATION, MASTER, OUTSTATION, REQUEST, STATION, asks, said
from detectors.memory import CountWithin, Derived, DistinctWithin, Recent
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import DNP3


@dataclass(frozen=True)
class Params:
    stations_min: int = 6  # link addresses that do not answer
    names_min: int = 4  # link addresses of the one that asks
    errors_min: int = 8  # responses
    collections_min: int = 20  # reads of class 0: one every 3 s
    window_s: float = 60.0


BY = (MASTER, OUTSTATION)
FAILS = Derived("dnp3 request not known", said(pl.col("response") & (pl.col("iin2") % 8 > 0)))
_CLASS_0 = (pl.col("groups").list.contains(60) & pl.col("variations").list.contains(1)).fill_null(False)
COLLECTS = Derived("dnp3 collects", asks(1) & _CLASS_0)


def build(p: Params, site: Site) -> Firing:
    asked = DistinctWithin(BY, p.window_s, 1000, STATION, REQUEST)
    answered = DistinctWithin(BY, p.window_s, 1000, STATION, FROM_OUTSTATION)
    names = DistinctWithin(BY, p.window_s, 1000, "link_source", REQUEST)
    errors = CountWithin(BY, p.window_s, 1000, FAILS)
    collections = CountWithin((*BY, STATION), p.window_s, 1000, COLLECTS)
    mute = asked.col - answered.col
    many = REQUEST.expr & (mute >= p.stations_min)
    guises = REQUEST.expr & (names.col >= p.names_min)
    gropes = FAILS.expr & (errors.col >= p.errors_min)
    collects = COLLECTS.expr & (collections.col >= p.collections_min)
    why = (
        pl.when(many)
        .then(pl.format("{} asks {} link addresses of {} that do not answer", "source", mute, "destination"))
        .when(guises)
        .then(pl.format("{} asks {} under {} link addresses", "source", "destination", names.col))
        .when(collects)
        .then(pl.format("{} reads all data of {} {} times", "source", "destination", collections.col))
        .otherwise(pl.format("{} does not know what {} asks for ({} times)", "source", "destination", errors.col))
    )
    return Firing(
        when=many | guises | collects | gropes,
        memories=(asked, answered, names, errors, collections),
        values={"why": why, "window": pl.lit(p.window_s)},
        trail=(Recent(BY, p.window_s, 50, REQUEST), Recent(BY, p.window_s, 50, FAILS)),
    )


def _request(time: float, to: int, by: int = 0, classes: tuple[int, ...] = (2, 3, 4)) -> dict[str, object]:
    ends = {"source": "10.0.0.66", "destination": "10.0.0.20", "link_source": by, "link_destination": to}
    read = {"groups": [60] * len(classes), "variations": list(classes)}
    return {"time": time, **ends, **read, "function": 1, "response": False, "from_master": True}


def _answer(time: float, by: int, iin2: int = 0) -> dict[str, object]:
    ends = {"source": "10.0.0.20", "destination": "10.0.0.66", "link_source": by, "link_destination": 0}
    return {"time": time, **ends, "function": 129, "response": True, "from_master": False, "iin2": iin2}


DETECTOR = Detector(
    id="dnp3_scan",
    version=2,
    threat=smart_grid_substation.SG_19,
    record=DNP3,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    parties=Parties("outstation", "outstation", source="master", destination="outstation"),
    dedup=("master", "outstation"),
    episode_s=300.0,
    says="{why} within {window} s",
    observed="{why}",
    expected="requests that a station answers",
    runbook=(
        "Identify the host and its user; ask engineering whether it is planned.",
        "Watch commands of the same source closely for a day.",
    ),
    tolerance="late records beyond the window are not counted",
    examples=(
        fires_on("link addresses are tried one by one", [_request(0.1 * i, i) for i in range(20)]),
        fires_on("addresses of the master are tried too", [_request(0.1 * i, i % 3, i // 3) for i in range(20)]),
        fires_on("objects are tried", [r for i in range(10) for r in (_request(i, 1), _answer(i + 0.1, 1, 2))]),
        fires_on("all data is read each second", [
            r for i in range(30) for r in (_request(i, 1, classes=(2, 3, 4, 1)), _answer(i + 0.1, 1))
        ]),
        quiet_on("events are polled each second", [
            r for i in range(60) for r in (_request(i, 1), _answer(i + 0.1, 1))
        ]),
        quiet_on(
            "a gateway with 30 stations, each answers",
            [r for i in range(30) for r in (_request(i, i), _answer(i + 0.2, i))],
        ),
        quiet_on("an object that the station does not have, polled each minute", [
            r for i in range(20) for r in (_request(60.0 * i, 1), _answer(60.0 * i + 0.1, 1, 2))
        ]),
    ),
)  # fmt: skip
