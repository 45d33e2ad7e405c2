"""Unsolicited reports of a DNP3 outstation are switched off outside link start-up, or stay off.

Fires on DISABLE UNSOLICITED (function 21) of a master that talked with the outstation within the last `quiet_s`, unless the outstation
has just told that it restarted (IIN1.7): start-up switches them off too. And fires, once an outstation that used to report unsolicited
answers polls `enable_s` after a disable and no ENABLE (function 20) came since. Blind spot: reports that are dropped on the way.
Source: threat SG-25 of the catalogue; IEEE 1815 clauses 4.4.19, 4.4.20 and 4.7 (unsolicited responses, start-up).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.dnp3 import DISABLE_CODE, ENABLE_CODE, MASTER, OUTSTATION, SOLICITED, STATION, UNSOLICITED, asks, said
from detectors.memory import Derived, Last, Nth, Recent, TimeSince
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import DNP3


@dataclass(frozen=True)
class Params:
    settled_s: float = 60.0  # of conversation, after which start-up is over
    quiet_s: float = 60.0  # pause after which a master may start up again
    enable_s: float = 300.0  # within which start-up switches reports on again


BY = (OUTSTATION, STATION)
PAIR = (MASTER, OUTSTATION, STATION)
DISABLES = Derived("dnp3 disables unsolicited", asks(DISABLE_CODE))
SWITCHES = Derived("dnp3 switches unsolicited", asks(ENABLE_CODE, DISABLE_CODE))
SWITCH = Derived("dnp3 switched to", pl.col("function"))
ANSWERED = Derived("dnp3 answered", SOLICITED.expr)
RESTARTED = Derived("dnp3 restarted", said(pl.col("response") & (pl.col("iin1") >= 128)))


def build(p: Params, site: Site) -> Firing:
    heard = TimeSince(PAIR, ANSWERED)
    restart = TimeSince(BY, RESTARTED)
    last, since = Last(BY, SWITCH, SWITCHES), TimeSince(BY, SWITCHES)
    reported = Nth(BY, 2, UNSOLICITED)
    # A pause before this message: its own or the one that ended less than `settled_s` ago.
    pause = Derived(f"dnp3 begins after {p.quiet_s:g}s", (heard.col > p.quiet_s).fill_null(True), (heard,))
    begun = TimeSince(PAIR, pause)
    starting = pause.expr | (begun.col < p.settled_s).fill_null(False)
    restarting = (restart.col < p.settled_s).fill_null(False)
    outside = DISABLES.expr & ~starting & ~restarting
    silent = (
        SOLICITED.expr & ((last.col == DISABLE_CODE) & (since.col > p.enable_s)).fill_null(False) & (reported.col > 0)
    )
    return Firing(
        when=outside | silent,
        memories=(heard, restart, last, since, reported, begun),
        values={
            "what": pl.when(outside).then(pl.lit("switches off")).otherwise(pl.lit("does not switch on again")),
            "ago": since.col.fill_null(0.0),
        },
        trail=(Recent(BY, 3600.0, 5, DISABLES),),
    )


def _request(time: float, function: int, **fields: object) -> dict[str, object]:
    ends = {"source": "10.0.0.1", "destination": "10.0.0.20", "link_source": 0, "link_destination": 1}
    return {"time": time, **ends, "function": function, "response": False, "from_master": True, **fields}


def _answer(time: float, function: int = 129, iin1: int = 0) -> dict[str, object]:
    ends = {"source": "10.0.0.20", "destination": "10.0.0.1", "link_source": 1, "link_destination": 0}
    return {"time": time, **ends, "function": function, "response": True, "from_master": False, "iin1": iin1}


def _polls(start: float, end: float, every: float = 10.0) -> list[dict[str, object]]:
    return [
        r
        for i in range(int((end - start) / every))
        for r in (_request(start + every * i, 1), _answer(start + every * i + 0.1))
    ]


_STARTUP = [_request(0, 21), _answer(0.2), *_polls(1, 20, 5), _request(25, 20), _answer(25.2)]

DETECTOR = Detector(
    id="dnp3_unsolicited_off",
    version=1,
    threat=smart_grid_substation.SG_25,
    record=DNP3,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    parties=Parties("outstation", "outstation", source="master", destination="outstation"),
    dedup=("site", "outstation"),
    episode_s=3600.0,
    says="{master} {what} unsolicited reports of {outstation}",
    observed="function {function}, link address {station}; the switch before was {ago} s ago",
    expected="reports switched off at start-up only, and on again soon",
    runbook=(
        "Switch unsolicited reports on again and poll all event classes now.",
        "Review the alarms of the silent period; find which host sent the request.",
    ),
    tolerance="a request that arrives late is judged by what is known then",
    examples=(
        fires_on("switched off in the middle of a conversation", [*_STARTUP, *_polls(30, 200), _request(201, 21)]),
        fires_on(
            "off at what looks like start-up, and never on again",
            [*_STARTUP, _answer(100, 130), *_polls(110, 200), _request(400, 21), *_polls(401, 1000)],
        ),
        quiet_on("start-up of a link, then polls and reports", [*_STARTUP, _answer(40, 130), *_polls(50, 900)]),
        quiet_on(
            "the outstation restarts, its master starts up again",
            [*_STARTUP, *_polls(30, 200), _answer(201, 130, 128), _request(202, 21), _request(220, 20), *_polls(230, 900)],
        ),
        quiet_on("a site that polls only", [_request(0, 21), *_polls(1, 2000, 30)]),
    ),
)  # fmt: skip
