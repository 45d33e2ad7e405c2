"""After a tamper event the meter measures far less than before.

From the register that the meter had at the event (a cover removed, a strong field, reverse current) to the one a day and up
to three days later: less than `drop` of the mean of the weeks before fires. A visit that the site file announces (`meters.visits`)
excuses it. Blind spot: a drop that comes later or is smaller; a meter new to the log; readings without interval energy. A
customer who leaves on the day of an electrician's visit looks the same. Source: threat SG-07 of the catalogue; DLMS/COSEM
fraud detection log 0.0.99.98.1.
"""

from dataclasses import dataclass

import polars as pl

from detectors.announced_work import announced
from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.grouping import TIME
from detectors.memory import Derived, Ewma, Last, LastOf, seconds_since
from detectors.memory.recent import REFERENCE
from detectors.profiles import smart_grid_ami
from detectors.profiles.threat import Severity
from detectors.site import Site
from detectors.tamper_events import TAMPER
from schemas.records import METER_EVENT, METER_READING


@dataclass(frozen=True)
class Params:
    follow_s: float = 86_400.0  # from the event, until the drop is judged
    until_s: float = 3 * 86_400.0  # and no longer than this
    drop: float = 0.5  # of the usual load: fires below
    least_kw: float = 0.05  # usual load below which a drop says nothing


BY = ("meter",)
_POWER = pl.when(pl.col("interval_s") > 0).then(pl.col("interval_kwh") * 3600 / pl.col("interval_s"))
USUAL = Ewma(BY, Derived("mean kW", _POWER), alpha=1 / 672, least=48)


def build(p: Params, site: Site) -> Firing:
    excused, visits = announced(site)
    tamper = Derived(f"tamper{f' outside {visits}' if visits else ''}", pl.col("meaning").is_in(TAMPER) & ~excused)
    when, what = LastOf(METER_EVENT, BY, TIME, tamper), LastOf(METER_EVENT, BY, "meaning", tamper)
    # The register at the event: that of the reading before the first one that knows of it.
    told = Last(BY, Derived(f"time of {tamper.name}", when.col, (when,)))
    fresh = Derived(
        f"first after {tamper.name}", (when.col != told.col).fill_null(when.col.is_not_null()), (when, told)
    )
    before = Last(BY, "register_kwh")
    at_event = Last(BY, Derived("register before", before.col, (before,)), fresh)
    since = seconds_since(when)
    mean = (pl.col("register_kwh") - at_event.col) * 3600 / since
    low = (mean < p.drop * USUAL.col) & (mean >= 0) & (USUAL.col >= p.least_kw)
    return Firing(
        # A reading without an event before it, or without a usual load, is not judged.
        when=(since.is_between(p.follow_s, p.until_s) & low).fill_null(False),
        memories=(at_event, when, what, USUAL),
        values={
            "mean": mean,
            "usual": USUAL.col,
            "hours": since * (1 / 3600),
            "what": what.col.str.replace_all("_", " "),
        },
        trail=(LastOf(METER_EVENT, BY, REFERENCE, tamper),),
    )


def _readings(begin: int, end: int, kwh: float = 0.5) -> list[dict[str, object]]:
    return [
        {
            "time": 3600 * hour,
            "meter": "M1",
            "transformer": "T1",
            "register_kwh": 1000 + 0.5 * min(hour, 100) + kwh * max(hour - 100, 0),
            "interval_kwh": kwh if hour > 100 else 0.5,
            "interval_s": 3600,
        }
        for hour in range(begin, end)
    ]


def _event(meaning: str) -> dict[str, object]:
    return {"record": "meter_event", "time": 360_100, "meter": "M1", "transformer": "T1", "meaning": meaning}


_VISIT = {
    "meters": {
        "visits": [
            {"kind": "transformer", "name": "T1", "start": "2026-03-06T12:00:00Z", "end": "2026-03-07T12:00:00Z"}
        ]
    }
}

DETECTOR = Detector(
    id="tamper_load_drop",
    version=1,
    threat=smart_grid_ami.SG_07,
    record=METER_READING,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("meter", "meter"),
    dedup=("meter",),
    episode_s=7 * 86_400.0,
    says="{meter} measures {mean} kW since it reported {what} {hours} h ago, {usual} kW are usual",
    observed="{mean} kW on average over {hours} h after {what}",
    expected="about {usual} kW, as in the weeks before",
    runbook=(
        "Look for a visit or a meter exchange at the time of the event; announce visits in the site file (meters.visits).",
        "Open a revenue-protection case with the time of the event and the load before and after.",
        "Send a crew, photograph and renew the seals.",
    ),
    tolerance="an event counts from when it arrived; a late reading is judged like any other",
    examples=(
        fires_on(
            "the cover is removed, then a fifth is measured",
            [*_readings(0, 101), _event("cover_removed"), *_readings(101, 130, 0.1)],
        ),
        quiet_on("the load goes on", [*_readings(0, 101), _event("cover_removed"), *_readings(101, 180)]),
        quiet_on("the load falls without an event", [*_readings(0, 101), *_readings(101, 180, 0.1)]),
        quiet_on("another event", [*_readings(0, 101), _event("clock_adjusted_new"), *_readings(101, 180, 0.1)]),
        quiet_on(
            "an announced visit", [*_readings(0, 101), _event("cover_removed"), *_readings(101, 180, 0.1)], site=_VISIT
        ),
    ),
)
