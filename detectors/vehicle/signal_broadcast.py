"""A broadcast of signals (SPAT) that cannot be true, or that comes from two senders.

Without the controller's feed: two groups that the site file says must not have green together (`v2x.intersections`) have it in one
message; a state's earliest end is long past, or no TimeMark; or two certificates broadcast the same intersection in turns, which a
change of certificate does not. Blind spot: a false broadcast without a contradiction (see `signal_disagrees`); conflicts of an
intersection that the site file does not list. Source: threat ITS-14 of the catalogue; SAE J2735 (MovementPhaseState, TimeMark).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.grouping import TIME
from detectors.memory import CountWithin, Derived, Last, LastOf, Recent
from detectors.profiles import its_messages
from detectors.profiles.threat import Severity
from detectors.reasons import reasons
from detectors.site import Site
from schemas.records import SPAT


@dataclass(frozen=True)
class Params:
    past_max_s: float = 5.0  # that an earliest end may lie in the past
    changes_min: int = 4  # of the certificate in the window
    window_s: float = 60.0


GREEN = ["permissive_movement_allowed", "protected_movement_allowed"]
#: TimeMarks that say "unknown", of J2735 2016 and 2020; a day of them has 36000 in every hour.
UNKNOWN, HOUR = [36_001, 36_111], 36_000
SENDER = Derived("sender", pl.coalesce("certificate", "station"))
_BEFORE = Last(("receiver",), SENDER)
CHANGED = Derived("sender changed", (SENDER.expr != _BEFORE.col).fill_null(False), (_BEFORE,))


def _partners(site: Site) -> list[dict[str, int]]:
    """For each rank: signal group (behind its intersection) -> the group of that rank that must not have green with it."""
    groups: dict[str, list[int]] = {}
    for name, facts in site.v2x.intersections.items():
        for one, other in facts.conflicts:
            groups.setdefault(f"{name}|{one}", []).append(other)
            groups.setdefault(f"{name}|{other}", []).append(one)
    ranks = max(map(len, groups.values()), default=0)
    return [{group: others[rank] for group, others in groups.items() if rank < len(others)} for rank in range(ranks)]


def build(p: Params, site: Site) -> Firing:
    group = pl.concat_str("intersection", pl.lit("|"), pl.col("signal_group").cast(pl.String))
    memories: list[LastOf | CountWithin] = []
    together = []
    for rank, others in enumerate(_partners(site)):
        partner = Derived(
            f"conflicting group {rank}",
            group.replace_strict(list(others), list(others.values()), default=None, return_dtype=pl.Int32),
        )
        state, told = (
            LastOf(SPAT, ("receiver", partner), value, there=("receiver", "signal_group")) for value in ("state", TIME)
        )
        # Of the same message: the one before may show the phase before.
        both = pl.col("state").is_in(GREEN) & state.col.is_in(GREEN) & (told.col == pl.col(TIME))
        together.append((both, pl.format("green together with group {}", partner.col)))
        memories += [state, told]
    changes = CountWithin(("receiver",), seconds=p.window_s, at_most=100, where=CHANGED)
    moment = pl.coalesce("generation_time", "time").dt.epoch("us") // 100_000
    past = (moment - pl.col("min_end_mark")) % HOUR
    mark = pl.col("min_end_mark")
    when, why = reasons(
        *together,
        ((mark > HOUR) & ~mark.is_in(UNKNOWN), pl.format("an earliest end at TimeMark {}", mark)),
        ((mark <= HOUR) & (past < HOUR // 2) & (past > 10 * p.past_max_s), pl.format("an earliest end {} s ago", past * 0.1)),
        (CHANGED.col & (changes.col >= p.changes_min), "broadcast by two senders in turns"),
    )  # fmt: skip
    return Firing(
        when=when,
        memories=(*memories, changes),
        values={"why": why, "shown": pl.col("state").str.replace_all("_", " ")},
        trail=(Recent(("receiver",), seconds=p.window_s, at_most=20, where=CHANGED),),
    )


def _spat(
    time: float, states: dict[int, str], certificate: str = "c1", mark: int | None = None
) -> list[dict[str, object]]:
    own = {"intersection": "X1", "receiver": "R1", "certificate": certificate, "min_end_mark": mark}
    return [{**own, "time": time, "signal_group": group, "state": state} for group, state in states.items()]


_RED, _GREEN = "stop_and_remain", "protected_movement_allowed"
_SITE = {"v2x": {"intersections": {"X1": {"conflicts": [[1, 2], [1, 4]]}}}}

DETECTOR = Detector(
    id="signal_broadcast",
    version=1,
    threat=its_messages.ITS_14,
    record=SPAT,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.MEDIUM,
    parties=Parties("intersection", "intersection", source="certificate", destination="receiver"),
    dedup=("intersection",),
    episode_s=300.0,
    says="group {signal_group} of {intersection} is broadcast as {shown}: {why}",
    observed="{why}",
    expected="one sender, an end that is still to come, and no green for groups in conflict",
    runbook=(
        "Stop the broadcast of the roadside unit; the lamps themselves stay in control.",
        "Compare the certificate with that of the roadside unit; locate another sender by direction finding.",
        "Compare software, configuration and clock of the roadside unit with what was released.",
    ),
    tolerance="messages are judged in the order in which the receiver heard them",
    examples=(
        fires_on("two greens in conflict", _spat(0, {1: _GREEN, 2: _RED, 4: _GREEN}), site=_SITE),
        # The examples begin at a full hour.
        fires_on("an end a minute ago", _spat(100.0, {1: _RED}, mark=400)),
        fires_on("no TimeMark", _spat(100.0, {1: _RED}, mark=40_000)),
        fires_on("a second sender", [r for i in range(12) for r in _spat(i, {1: _RED, 2: _RED}, f"c{i % 2}")]),
        quiet_on("a change of phase", [*_spat(0, {1: _GREEN, 2: _RED}), *_spat(1, {1: _RED, 2: _GREEN})], site=_SITE),
        quiet_on(
            "greens that are no conflict, and no site file",
            [*_spat(0, {2: _GREEN, 4: _GREEN}), *_spat(1, {1: _GREEN, 2: _GREEN})],
        ),
        quiet_on(
            "ends to come, also in the next hour, just gone, and not known",
            [
                *_spat(100.0, {1: _RED}, mark=1209),
                *_spat(3590.0, {1: _RED}, mark=100),
                *_spat(3600.03, {1: _RED}, mark=0),
                *_spat(3601.0, {1: _RED}, mark=36_001),
            ],
        ),
        quiet_on("the certificate changes", [r for i in range(12) for r in _spat(i, {1: _RED}, f"c{i // 6}")]),
    ),
)
