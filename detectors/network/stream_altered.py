"""The structure or the scrambling of a television stream changes as no programme change explains.

- A protected stream (scrambled for `scrambled_min` reports) is in the clear for two reports in a row.
- The version of its programme tables jumps, or changes again and again; an encoder raises it by one, and begins with 0 or 1
  when it restarts. With the site's plan (`iptv.changes`) any change outside the plan.
- Continuity errors go on above a rate in few groups: a second stream is mixed in. In many groups at once it is a fault of the
  network.

What the site file announces is not judged. Blind spot: a stream replaced as a whole, with tables that follow on, and scrambled.
Source: threat TV-01 of the catalogue; ISO/IEC 13818-1 (version_number, continuity_counter, transport_scrambling_control); ETSI
TR 101 290.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, DistinctWithin, Last, Recent, RunLength, TimeSince
from detectors.profiles import iptv
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import TS_MONITOR


@dataclass(frozen=True)
class Params:
    errors_per_s: float = 10.0  # continuity errors: broken above
    broken_min: int = 3  # broken reports of one PID in the window
    groups_max: int = 3  # broken groups of the head-end in the window: above, it is a fault of the network
    changes_min: int = 5  # changes of version of one PID in the window
    window_s: float = 180.0
    scrambled_min: int = 20  # reports in a row before the stream is a protected one
    gap_max_s: float = 600.0  # without reports: versions are not compared


PID = ("group", "pid")
SCRAMBLED = Derived("scrambled", pl.col("scrambling") >= 2)
RUN = RunLength(PID, SCRAMBLED)


def _version(name: str, since: TimeSince, gap_max_s: float) -> tuple[Derived, pl.Expr, Last]:
    """A table's version changed; and jumped as no encoder does."""
    last = Last(PID, name)
    step = (pl.col(name) - last.col + 32) % 32
    changed = (step != 0) & (since.col <= gap_max_s)
    expected = (step == 1) | (pl.col(name) <= 1)
    return (
        Derived(f"{name} changed within {gap_max_s:g}s", changed.fill_null(False), (last, since)),
        (changed & ~expected).fill_null(False),
        last,
    )


def build(p: Params, site: Site) -> Firing:
    since = TimeSince(PID)
    pat, pat_jump, pat_last = _version("pat_version", since, p.gap_max_s)
    pmt, pmt_jump, pmt_last = _version("pmt_version", since, p.gap_max_s)
    pats, pmts = (CountWithin(PID, p.window_s, 2 * p.changes_min, changed) for changed in (pat, pmt))
    scrambled_run = Last(PID, Derived("run of scrambled", RUN.col, (RUN,)), SCRAMBLED)
    broken = Derived(
        f"over {p.errors_per_s:g} continuity errors/s",
        (pl.col("continuity_errors") > p.errors_per_s * pl.col("interval_s")).fill_null(False),
    )
    reports = CountWithin(PID, p.window_s, 2 * p.broken_min, broken)
    groups = DistinctWithin(("headend",), p.window_s, 2 * p.groups_max + 2, "group", broken)

    clear = (~SCRAMBLED.expr & (RUN.col >= 2) & (scrambled_run.col >= p.scrambled_min)).fill_null(False)
    if site.iptv.changes is None:
        again = (pat.col & (pats.col >= p.changes_min)) | (pmt.col & (pmts.col >= p.changes_min))
        versions = pat_jump | pmt_jump | again
    else:
        versions = pat.col | pmt.col
    mixed = broken.col & (reports.col >= p.broken_min) & (groups.col <= p.groups_max)
    planned = [
        pl.col("time").is_between(c.start, c.end) & (pl.lit(c.group is None) | (pl.col("group") == (c.group or "")))
        for c in site.iptv.changes or ()
    ]
    why = (
        pl.when(clear)
        .then(pl.lit("a protected stream is in the clear"))
        .when(versions)
        .then(
            pl.format(
                "the tables went from version {} and {} to {} and {}",
                *(c.cast(pl.String).fill_null("?") for c in (pat_last.col, pmt_last.col)),
                *(pl.col(c).cast(pl.String).fill_null("?") for c in ("pat_version", "pmt_version")),
            )
        )
        .otherwise(pl.format("{} continuity errors in {} s go on", "continuity_errors", "interval_s"))
    )
    return Firing(
        when=(clear | versions | mixed) & ~pl.any_horizontal(pl.lit(False), *planned),
        memories=(since, pat_last, pmt_last, pats, pmts, RUN, scrambled_run, reports, groups),
        values={"why": why},
        trail=(Recent(PID, p.window_s, 10),),
    )


def _reports(number: int, begin: float = 0.0, **fields: object) -> list[dict[str, object]]:
    return [
        {
            "time": begin + 10.0 * i,
            "headend": "headend-1",
            "group": "239.1.1.5",
            "pid": 257,
            "interval_s": 10.0,
            "continuity_errors": 0,
            "pat_version": 4,
            "pmt_version": 11,
            "scrambling": 2 + i // 3 % 2,
            **fields,
        }
        for i in range(number)
    ]


_USUAL = _reports(40)
_PLAN = {"iptv": {"changes": [{"group": "239.1.1.5", "start": "2026-03-02T12:05:00Z", "end": "2026-03-02T12:15:00Z"}]}}

DETECTOR = Detector(
    id="stream_altered",
    version=1,
    threat=iptv.TV_01,
    record=TS_MONITOR,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("multicast group", "group", destination="group"),
    dedup=("group",),
    episode_s=900.0,
    says="{group}, PID {pid}: {why}",
    observed="{why}",
    expected="tables and scrambling as they were, or as planned",
    runbook=(
        "Look at the picture; show the fallback slate if it is not the channel's.",
        "Compare with the plan of the multiplexer and the change log of the encoder.",
        "Look for a second source of the group.",
    ),
    tolerance="a late report is passed over by the comparison with the last one, and counts at the clock of its PID",
    examples=(
        fires_on("a protected channel goes clear", [*_USUAL, *_reports(3, 400.0, scrambling=0)]),
        fires_on("the programme map jumps", [*_USUAL, *_reports(3, 400.0, pmt_version=27)]),
        fires_on(
            "two streams in one group: versions go to and fro",
            [r for i in range(4) for r in (*_reports(1, 20.0 * i), *_reports(1, 20.0 * i + 10, pmt_version=12))],
        ),
        fires_on("packets of another stream are mixed in", [*_USUAL, *_reports(5, 400.0, continuity_errors=400)]),
        fires_on("a change that is not planned", [*_USUAL[:20], *_reports(3, 200.0, pmt_version=12)], site=_PLAN),
        quiet_on("the same within the plan", [*_USUAL, *_reports(3, 400.0, pmt_version=27, scrambling=0)], site=_PLAN),
        quiet_on(
            "an audio track is added, later the encoder restarts",
            [*_USUAL, *_reports(9, 400.0, pmt_version=12), *_reports(9, 490.0, pmt_version=0, continuity_errors=12)],
        ),
        quiet_on("one report in the clear while keys change", [*_USUAL, *_reports(1, 400.0, scrambling=0)]),
        quiet_on(
            "a fault of the network breaks many channels",
            [
                r
                for i in range(5)
                for g in range(8)
                for r in _reports(1, 10.0 * i, group=f"239.1.1.{g}", continuity_errors=500)
            ],
        ),
        quiet_on("a channel that never was scrambled", _reports(60, scrambling=0)),
    ),
)
