"""A customer's weekly use sinks against its own history and against its neighbours, and stays down.

Once a week the register's growth is compared with the meter's own slow mean, and this ratio with that of the other meters
of the transformer, so that weather and season cancel. What the ratio falls short of 1 by more than `slack` adds up, at most
`week_most` a week so that holidays do not count for much; above `limit` it fires. Blind spot: less than about a third
taken away, or a theft older than the log; all meters of a transformer together (see `energy_balance`); a register that
grows honestly while only intervals are falsified (see `unusual_reading`). Long vacancy, new solar panels and a new heating
look the same. Source: threat SG-04 of the catalogue; Page 1954 (cumulative sums).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Cusum, Derived, Ewma, Last, TimeSince
from detectors.memory.recent import REFERENCE
from detectors.profiles import smart_grid_ami
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import METER_READING


@dataclass(frozen=True)
class Params:
    slack: float = 0.15  # of the usual use that may be missing
    limit: float = 1.2  # sum of what is missing beyond: fires above
    week_most: float = 0.45  # that a week may miss in the sum
    weeks_min: int = 4  # of history
    peers_min: int = 20  # weeks of meters of the transformer, all together
    least_kw: float = 0.02  # standby: below it, ratios say nothing


BY, PEERS = ("meter",), ("transformer",)
#: The second before the reading: a week that ends at midnight is over with the first reading of the next.
WEEK = Derived("week", (pl.col("time").dt.epoch("s") - 1) // 604_800)
_WEEK_BEFORE = Last(BY, WEEK)
TURNS = Derived("week turns", (WEEK.expr != _WEEK_BEFORE.col).fill_null(True), (_WEEK_BEFORE,))
_REGISTER, _SINCE = Last(BY, "register_kwh", TURNS), TimeSince(BY, TURNS)
_GROWTH = pl.col("register_kwh") - _REGISTER.col
#: Mean kW of the week that has just ended; null at other readings, after gaps and where a meter was exchanged.
POWER = Derived(
    "kW of the week",
    pl.when(TURNS.col & (_GROWTH >= 0) & _SINCE.col.is_between(3 * 86_400, 12 * 86_400)).then(
        _GROWTH * 3600 / _SINCE.col
    ),
    (_REGISTER, _SINCE, _WEEK_BEFORE),
)


def build(p: Params, site: Site) -> Firing:
    own = Ewma(BY, POWER, alpha=1 / 26, least=p.weeks_min)
    said = f"{p.weeks_min}, {p.least_kw:g}"
    ratio = Derived(f"ratio of the week {said}", ((POWER.col + p.least_kw) / (own.col + p.least_kw)).clip(0, 2), (own,))
    peers = Ewma(PEERS, ratio, alpha=0.05, least=p.peers_min)
    adjusted = ratio.col / peers.col.clip(0.5, 1.5)
    missing = Derived(
        f"missing of the week {said}, {p.peers_min}, {p.week_most:g}", (1 - adjusted).clip(None, p.week_most), (peers,)
    )
    total = Cusum(BY, missing, slack=p.slack)
    return Firing(
        # Between weeks, and while its own or its neighbours' history is short, a meter is not judged.
        when=(missing.col.is_not_null() & (total.col > p.limit)).fill_null(False),
        memories=(total,),
        values={
            "week": POWER.col,
            "own": own.col,
            "percent": 100 * (1 - adjusted),
            "peers": peers.col * 100,
            "total": total.col,
            "most": pl.lit(100 * p.slack),
        },
        trail=(Last(BY, REFERENCE, TURNS),),
    )


def _weeks(weeks: range, share: float = 1.0, summer: bool = False) -> list[dict[str, object]]:
    """Daily registers of eight meters; the first one reports `share` of its use; in summer all use less."""
    out: list[dict[str, object]] = []
    for day in range(7 * weeks.start, 7 * weeks.stop):
        for m in range(8):
            before = sum((share if m == 0 and d >= 7 * weeks.start else 1.0) * _use(m, d, summer) for d in range(day))
            out.append({"time": 86_400.0 * day, "meter": f"M{m}", "transformer": "T1", "register_kwh": before})
    return out


def _use(meter: int, day: int, summer: bool) -> float:
    season = 1 - 0.004 * day if summer else 1.0
    return (6 + meter) * season * (1 + 0.2 * ((day // 7 * 5 + meter * 3) % 7 - 3) / 3)


_HISTORY = _weeks(range(10))

DETECTOR = Detector(
    id="consumption_drift",
    version=1,
    threat=smart_grid_ami.SG_04,
    record=METER_READING,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.LOW,
    parties=Parties("meter", "meter"),
    dedup=("meter",),
    episode_s=56 * 86_400.0,
    says="{meter} used {week} kW last week where {own} kW are usual, {percent} % less than its neighbours at {transformer}",
    observed="{week} kW in the week, {percent} % below history and neighbours; {total} weeks of use missing by now",
    expected="about {own} kW, at most {most} % less, while the neighbours use {peers} % of their own usual",
    runbook=(
        "Queue the account for revenue protection; never disconnect on this alone.",
        "Compare with the balance of the transformer; ask for vacancy, solar panels or new heating.",
        "Order a check on site when balance and drift agree.",
    ),
    tolerance="a late reading is passed over; weeks are told by registers, so that lost readings do not count as less use",
    examples=(
        fires_on("half of the use is hidden from the eleventh week on", _HISTORY + _weeks(range(10, 20), 0.5)),
        quiet_on("weeks that differ", _weeks(range(20))),
        quiet_on("all use less in summer", _weeks(range(20), summer=True)),
        quiet_on("a fortnight away", _HISTORY + _weeks(range(10, 12), 0.1)),
    ),
)
