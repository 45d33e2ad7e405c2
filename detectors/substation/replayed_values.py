"""A measured value stands still that never did, or repeats exactly what it showed earlier.

Follows each measured object of a station over IEC 60870-5-104 (types 9 to 14, 21, 34 to 36). Noise does not repeat: a value that
usually changes with every report stays the same, and not 0, for `still_min` reports while other objects of its station change, or the last
`repeat_min` reports, each with the two before it, are all known from the last `back_s`, though that was rare until now. Blind spot:
coarse or constant values, which are not judged; a replay with noise added; a replay of what is older; an object in its first hundred
reports. A transducer that died looks frozen too. Source: threat SG-29 of the catalogue; ATT&CK for ICS T0832 and T0856.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.iec104 import said
from detectors.memory import Derived, DistinctWithin, Ewma, Last, Recent, RunLength, SeenBefore
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.reasons import reasons
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    still_min: int = 30  # equal reports in a row
    lively_share: float = 0.5  # of its reports that usually bring another value: fires above
    others_min: int = 3  # objects of the station that changed meanwhile; it may be one of them itself
    repeat_min: int = 15  # reports in a row that repeat
    repeat_share: float = 0.2  # of its reports that usually repeat: fires below
    back_s: float = 21_600.0
    window_s: float = 300.0  # for the other objects


STATION, POINT = ("source", "common_address"), ("source", "common_address", "object_address")
MEASURED = Derived(
    "measured value",
    said(pl.col("type_id").is_in([9, 10, 11, 12, 13, 14, 21, 34, 35, 36]) & pl.col("value").is_finite()),
)
VALUE = Derived("value of a measured one", pl.when(MEASURED.expr).then("value"))
ONE = Last(POINT, VALUE)
TWO = Last(POINT, Derived("value before", pl.when(MEASURED.expr).then(ONE.col), (ONE,)))
CHANGES = Derived("another value", MEASURED.expr & said(pl.col("value") != ONE.col), (ONE,))
#: The same number for the same three values in a row, and hardly for others; none while the value stands still.
THREE = Derived(
    "three values in a row",
    pl.when(CHANGES.expr).then(pl.col("value") + 1.6180339887 * ONE.col + 2.7182818285 * TWO.col),
    (ONE, TWO),
)
#: Reports until a value is known, and weight of a further one: some hundreds.
LEAST, SLOW = 100, 0.003


def build(p: Params, site: Site) -> Firing:
    seen = SeenBefore(POINT, seconds=p.back_s, at_most=4096, value=THREE)
    again = Derived(f"seen within {p.back_s:g}s", seen.col, (seen,))
    lively = Ewma(
        POINT, Derived("changes", pl.when(MEASURED.expr).then(CHANGES.expr.cast(pl.Float64)), (ONE,)), SLOW, LEAST
    )
    repeats = Ewma(POINT, Derived(f"repeats {p.back_s:g}s", seen.col.cast(pl.Float64), (seen,)), SLOW, LEAST)
    still, row = RunLength(POINT, VALUE), RunLength(POINT, again)
    others = DistinctWithin(STATION, p.window_s, 100, "object_address", CHANGES)
    # Exactly nothing is what is measured where something was switched off.
    why_still = (
        (pl.col("value") != 0)
        & (still.col >= p.still_min)
        & (lively.col > p.lively_share)
        & (others.col >= p.others_min)
    )
    why_again = seen.col & (row.col >= p.repeat_min) & (repeats.col < p.repeat_share)
    when, why = reasons(
        (
            MEASURED.col & why_still,
            pl.format("stands at {} for {} reports while {} others change", "value", still.col, others.col),
        ),
        (MEASURED.col & why_again, pl.format("repeats {} reports of the last hours exactly", row.col)),
    )
    return Firing(
        when=when,
        memories=(lively, repeats, still, row, others, seen),
        values={"why": why},
        trail=(Recent(POINT, p.window_s, 20, MEASURED),),
    )


def _reports(begin: int, values: list[float], object_address: int = 701) -> list[dict[str, object]]:
    body = {
        "source": "10.0.0.20",
        "destination": "10.0.0.1",
        "format": "I",
        "type_id": 13,
        "cause": 1,
        "common_address": 3,
    }
    return [
        {**body, "time": 10.0 * (begin + i), "object_address": object_address, "value": v} for i, v in enumerate(values)
    ]


def _noisy(count: int, seed: int = 7) -> list[float]:
    """Numbers that never repeat."""
    return [200.0 + (seed + i * i * 7919) % 10_007 / 100 for i in range(count)]


_DAY = _noisy(160)
_OTHERS = [r for address in (702, 703, 704) for r in _reports(0, _noisy(260, address), address)]


def _all(values: list[float]) -> list[dict[str, object]]:
    return sorted([*_reports(0, values), *_OTHERS], key=lambda r: float(str(r["time"])))


DETECTOR = Detector(
    id="replayed_values",
    version=2,
    threat=smart_grid_substation.SG_29,
    record=IEC104,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("station", "source", source="source", destination="destination"),
    dedup=("source", "common_address"),
    episode_s=3600.0,
    says="object {object_address} of {source} {why}",
    observed="{why}, last value {value}",
    expected="noise, as this object showed it until now",
    runbook=(
        "Ask for the value by another way: a person on site, a neighbouring station, the meter at the line.",
        "Look for a second host in the connection between station and control centre (ARP, switch ports).",
        "Do not switch by what the screen shows until both agree; see what else the station says.",
    ),
    tolerance="a late report is passed over",
    examples=(
        fires_on("a value freezes while others move", _all([*_DAY, *[_DAY[-1]] * 40])),
        fires_on("forty reports are sent a second time", _all([*_DAY, *_DAY[60:100]])),
        quiet_on("a feeder is switched off", _all([*_DAY, *[0.0] * 60])),
        quiet_on("noise", _all(_noisy(240))),
        quiet_on("a value that is always the same", _all([50.0] * 240)),
        quiet_on("a coarse value that goes to and fro", _all([float(i * i % 3) for i in range(240)])),
    ),
)
