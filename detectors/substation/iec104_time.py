"""The clock of an IEC 60870-5-104 station has moved: the time tags of its events no longer fit the time at which they are seen.

Fires where the tags of spontaneous events differ by more than `off_s` from the difference that the station usually shows, without
a break for `events_min` events and `hold_s`; events that a station kept while its line was down do not count for `backlog_s` after the
start of data transfer. Whole half hours are a change of time zone. What moves a station's clock moves the order of
events after a fault. Blind spot: events without time tag; PTP, NTP and the phasors of measurement units, which this does not read; a
clock that is wrong in the first 200 events. Source: threat SG-31 of the catalogue; IEC 60870-5-101 clause 7.2.6.18
(CP56Time2a).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.grouping import TIME
from detectors.iec104 import SPONTANEOUS, said
from detectors.memory import Derived, Ewma, Recent, RunLength, TimeSince
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    off_s: float = 2.0
    events_min: int = 10  # in a row
    hold_s: float = 30.0  # since the last event whose tag fitted
    backlog_s: float = 120.0


BY = ("source", "common_address")
ZONE_S = 1800.0
STARTED = Derived("station started", said(pl.col("control") == "STARTDT con"))
_BEHIND = (pl.col(TIME) - pl.col("time_tag").dt.epoch("us")) * 1e-6


def _folded(seconds: pl.Expr) -> pl.Expr:
    """Without whole half hours: between -900 and 900."""
    return seconds - (seconds * (1 / ZONE_S)).round() * ZONE_S


def build(p: Params, site: Site) -> Firing:
    start = TimeSince(("source",), STARTED)
    tagged = SPONTANEOUS.expr & pl.col("time_tag").is_not_null() & (start.col > p.backlog_s).fill_null(True)
    lag = Derived(
        f"seconds behind its tag, {p.backlog_s:g}s after a start", pl.when(tagged).then(_folded(_BEHIND)), (start,)
    )
    usual = Ewma(BY, lag, alpha=0.002, least=200)
    moved = _folded(lag.expr - usual.col)
    wrong = Derived(f"off by {p.off_s:g}s", said(moved.abs() > p.off_s), (*lag.memories, usual))
    judged = Derived("judged", pl.when(lag.expr.is_not_null()).then(wrong.expr), wrong.memories)
    right = Derived(f"not {wrong.name}", lag.expr.is_not_null() & ~wrong.expr, wrong.memories)
    run, since = RunLength(BY, judged), TimeSince(BY, right)
    return Firing(
        when=wrong.expr & said(run.col >= p.events_min) & said(since.col >= p.hold_s),
        memories=(*wrong.memories, run, since),
        values={
            "moved": moved.abs(),
            "events": run.col,
            "way": pl.when(moved > 0).then(pl.lit("behind")).otherwise(pl.lit("ahead of")),
        },
        trail=(Recent(BY, seconds=600.0, at_most=20, where=SPONTANEOUS),),
    )


def _events(begin: int, count: int, behind_s: float) -> list[dict[str, object]]:
    body = {
        "source": "10.0.0.20",
        "destination": "10.0.0.1",
        "format": "I",
        "type_id": 36,
        "cause": 3,
        "common_address": 3,
    }
    times = [10.0 * (begin + i) for i in range(count)]
    return [{**body, "time": at, "object_address": 701, "value": at, "time_tag": at - behind_s} for at in times]


_USUAL = _events(0, 240, 0.2)

DETECTOR = Detector(
    id="iec104_time",
    version=1,
    threat=smart_grid_substation.SG_31,
    record=IEC104,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    parties=Parties("station", "source", source="source", destination="destination"),
    dedup=("source", "common_address"),
    episode_s=3600.0,
    says="the clock of {source} is {moved} s {way} what it was: {events} events in a row",
    observed="time tags {moved} s {way} the usual",
    expected="the difference between time tag and capture that the station always shows",
    runbook=(
        "Compare the station's clock with a second source; look whether its satellite or network time was lost.",
        "See who sent clock synchronisation to it (type 103), and with what time.",
        "Do not trust the order of events of this station until its clock is right.",
    ),
    tolerance="a late event is passed over",
    examples=(
        fires_on("five seconds ahead from one event on", [*_USUAL, *_events(240, 20, -4.8)]),
        fires_on("far behind", [*_USUAL, *_events(240, 20, 400.0)]),
        quiet_on("the clock changes to summer time", [*_USUAL, *_events(240, 20, -3599.8)]),
        quiet_on("a few events are told late", [*_USUAL, *_events(240, 6, 30.0), *_events(246, 20, 0.2)]),
        quiet_on(
            "what was kept while the line was down",
            [
                *_USUAL,
                {
                    **_events(240, 1, 0)[0],
                    "format": "U",
                    "control": "STARTDT con",
                    "type_id": None,
                    "cause": None,
                    "time_tag": None,
                },
                *_events(241, 11, 500.0),
                *_events(255, 20, 0.2),
            ],
        ),
        quiet_on("a station whose clock was never set", _events(0, 300, 86_500.0)),
    ),
)
