"""Many chargers of a back-end stop charging, fail or go out of service within a minute.

Counts the different chargers that leave charging, other than for the car's own sake, or become unavailable or faulted, against
the fleet's size in `resources.fleets` of the site file, without that against the chargers heard of within a week. It sees what
a command did that no log shows. Blind spot: fewer than `chargers_min`; a slower wave. A fault of the back-end and planned
maintenance look the same. Source: threat SG-32 of the catalogue; OCPP 1.6 section 4.9 (StatusNotification).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Derived, DistinctWithin, Last, Recent
from detectors.profiles import smart_grid_operation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CHARGER_STATUS


@dataclass(frozen=True)
class Params:
    fleet_share: float = 0.1  # of the fleet's chargers: fires above
    chargers_min: int = 5  # chargers from which the share counts
    window_s: float = 60.0


KNOWN_S, KNOWN = 7 * 86_400.0, 5000
FLEET = ("fleet",)
_STATUS = pl.col("status")
BEFORE = Last(("charger", "connector"), "status")
# Suspended is what cars and load management do every night.
STOPS = Derived(
    "stops",
    (
        (BEFORE.col == "charging") & _STATUS.is_in(["available", "finishing", "unavailable", "faulted"])
        | (BEFORE.col != _STATUS) & _STATUS.is_in(["unavailable", "faulted"])
    ).fill_null(False),
    (BEFORE,),
)


def build(p: Params, site: Site) -> Firing:
    sizes = {name: float(fleet.devices) for name, fleet in site.resources.fleets.items()}
    known = DistinctWithin(FLEET, seconds=KNOWN_S, at_most=KNOWN, value="charger")
    stopped = DistinctWithin(FLEET, seconds=p.window_s, at_most=KNOWN, value="charger", where=STOPS)
    size = pl.coalesce(
        pl.col("fleet").replace_strict(list(sizes), list(sizes.values()), default=None, return_dtype=pl.Float64),
        known.col.cast(pl.Float64),
    )
    return Firing(
        when=STOPS.col & (stopped.col >= p.chargers_min) & (stopped.col > p.fleet_share * size),
        memories=(known, stopped),
        values={"stopped": stopped.col, "size": size, "window": pl.lit(p.window_s)},
        trail=(Recent(FLEET, seconds=p.window_s, at_most=50, where=STOPS),),
    )


def _fleet(number: int, status: str, begin: float, every_s: float) -> list[dict[str, object]]:
    return [
        {"time": begin + i * every_s, "fleet": "city", "charger": f"C{i}", "connector": 1, "status": status}
        for i in range(number)
    ]


_CHARGING = _fleet(40, "charging", 0.0, 60.0)

DETECTOR = Detector(
    id="charger_mass_stop",
    version=1,
    threat=smart_grid_operation.SG_32,
    record=CHARGER_STATUS,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("fleet", "fleet", destination="charger"),
    dedup=("fleet",),
    episode_s=3600.0,
    says="{stopped} of {size} chargers of {fleet} stopped within {window} s, the last {charger}: {status}",
    observed="{stopped} of {size} chargers stopped charging or failed",
    expected="one at a time, as cars come and go",
    runbook=(
        "Look for commands in the back-end's log; no command and all at once points at the back-end itself.",
        "Revoke the sessions of its accounts; set a limit on commands a minute.",
        "Let the chargers begin again in steps; tell the control centre.",
    ),
    tolerance="a late status is not compared with the one before",
    examples=(
        fires_on("thirty chargers stop in fifteen seconds", _CHARGING + _fleet(30, "finishing", 3600.0, 0.5)),
        fires_on("eight of forty become unavailable", _CHARGING + _fleet(8, "unavailable", 3600.0, 1.0)),
        quiet_on("they stop one by one", _CHARGING + _fleet(40, "finishing", 3600.0, 60.0)),
        quiet_on("load management suspends all", _CHARGING + _fleet(40, "suspended_evse", 3600.0, 0.2)),
        quiet_on("three of forty fail together", _CHARGING + _fleet(3, "faulted", 3600.0, 0.5)),
    ),
)
