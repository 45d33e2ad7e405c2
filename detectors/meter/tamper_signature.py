"""Tamper events that belong together: several kinds at one meter in an hour, or several meters of a transformer a day.

One kind at one meter is an everyday event (a loose cover, a strong magnet passing by) and stays quiet. A visit that the
site file announces (`meters.visits`) excuses its transformer or meter. Blind spot: a tamper that raises one event only;
the drop of load that follows is `tamper_load_drop`'s work. Source: threat SG-07 of the catalogue; DLMS/COSEM fraud
detection log 0.0.99.98.1.
"""

from dataclasses import dataclass

import polars as pl

from detectors.announced_work import announced
from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Derived, DistinctWithin, Recent
from detectors.profiles import smart_grid_ami
from detectors.profiles.threat import Severity
from detectors.site import Site
from detectors.tamper_events import TAMPER
from schemas.records import METER_EVENT


@dataclass(frozen=True)
class Params:
    kinds_min: int = 2  # kinds of tamper event of one meter
    kinds_s: float = 3600.0
    meters_min: int = 3  # meters of one transformer with a tamper event
    meters_s: float = 86_400.0


def build(p: Params, site: Site) -> Firing:
    excused, visits = announced(site)
    tamper = Derived(f"tamper{f' outside {visits}' if visits else ''}", pl.col("meaning").is_in(TAMPER) & ~excused)
    kinds = DistinctWithin(("meter",), seconds=p.kinds_s, at_most=len(TAMPER), value="meaning", where=tamper)
    meters = DistinctWithin(("transformer",), seconds=p.meters_s, at_most=500, value="meter", where=tamper)
    return Firing(
        when=tamper.col & ((kinds.col >= p.kinds_min) | (meters.col >= p.meters_min)),
        memories=(kinds, meters),
        values={"kinds": kinds.col, "meters": meters.col, "hours": pl.lit(p.meters_s / 3600)},
        trail=(
            Recent(("meter",), seconds=p.kinds_s, at_most=20, where=tamper),
            Recent(("transformer",), seconds=p.meters_s, at_most=20, where=tamper),
        ),
    )


def _event(time: float, meter: str, meaning: str, transformer: str = "T1") -> dict[str, object]:
    return {"time": time, "meter": meter, "transformer": transformer, "profile": "dlms", "meaning": meaning}


_VISIT = {
    "meters": {
        "visits": [{"kind": "meter", "name": "M1", "start": "2026-03-02T12:00:00Z", "end": "2026-03-02T13:00:00Z"}]
    }
}

DETECTOR = Detector(
    id="tamper_signature",
    version=1,
    threat=smart_grid_ami.SG_07,
    record=METER_EVENT,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    parties=Parties("meter", "meter"),
    dedup=("transformer", "meter"),
    episode_s=86_400.0,
    says="{meter} reports {meaning}: {kinds} kinds of tamper event, {meters} meters of {transformer} in {hours} h",
    observed="{kinds} kinds of tamper event at this meter, {meters} meters of its transformer",
    expected="single events, or a visit announced in the site file",
    runbook=(
        "Look for a visit or a meter exchange at this time; announce visits in the site file (meters.visits).",
        "Compare the load before and after the events.",
        "Open a revenue-protection case, send a crew, photograph and renew the seals.",
    ),
    tolerance="a late event counts at the transformer's clock; one later than the window is not counted",
    examples=(
        fires_on(
            "a magnet, then the terminal cover",
            [_event(0, "M1", "strong_field_on"), _event(240, "M1", "terminal_cover_removed")],
        ),
        fires_on(
            "three neighbours within a night",
            [
                _event(0, "M1", "cover_removed"),
                _event(9000, "M2", "cover_removed"),
                _event(20_000, "M3", "cover_removed"),
            ],
        ),
        quiet_on(
            "one cover of each of two meters, covers closed again, a power cut",
            [
                _event(0, "M1", "cover_removed"),
                _event(60, "M1", "cover_closed"),
                _event(90, "M1", "cover_removed"),
                _event(7200, "M2", "terminal_cover_removed"),
                _event(7300, "M2", "terminal_cover_closed"),
                _event(7400, "M2", "power_down"),
                _event(7500, "M9", "cover_removed", "T2"),
            ],
        ),
        quiet_on(
            "an announced visit",
            [_event(0, "M1", "cover_removed"), _event(240, "M1", "terminal_cover_removed")],
            site=_VISIT,
        ),
    ),
)
