"""A SIM card appears where its owner cannot be: faster than anything travels, or far from where a fixed asset stands.

- Any subscriber: the way from its last cell less `margin_km`, since cells reach far, would need more than `speed_max_ms`.
- A fixed asset (`sim_other_device` says which are): a cell that it never used, more than `cell_km` from where it usually is.
  Where several assets of the platform do so at once a cell has failed, and none is told.

Blind spot: a thief nearby; cells whose place is not known or wrong. Source: threat MOB-02 of the catalogue; NIST Mobile
Threat Catalogue STA-22 to STA-24.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.geometry import east_m, is_position, length, north_m
from detectors.memory import Derived, DistinctWithin, Ewma, Last, Recent, SeenBefore, TimeSince
from detectors.profiles import mobile
from detectors.profiles.threat import Severity
from detectors.site import Site
from detectors.subscribers import in_exchange, is_fixed
from schemas.records import MOBILE_SIGNALLING


@dataclass(frozen=True)
class Params:
    speed_max_ms: float = 300.0
    margin_km: float = 70.0  # two cells of the largest reach
    cell_km: float = 10.0  # from the place of a fixed asset, the mean of its cells
    assets_max: int = 3  # that appear far away at once: above, a cell has failed
    window_s: float = 1800.0
    known_s: float = 7_776_000.0  # how long a cell is known


IMSI = ("imsi",)
PLACED = Derived("placed", is_position("latitude", "longitude"))
CELL = Derived(
    "cell, or its place",
    pl.coalesce("cell", pl.format("{} {}", *(pl.col(c).cast(pl.String) for c in ("latitude", "longitude")))),
)


def build(p: Params, site: Site) -> Firing:
    gap = TimeSince(IMSI, PLACED)
    latitude, longitude = Last(IMSI, "latitude", PLACED), Last(IMSI, "longitude", PLACED)
    known = SeenBefore(IMSI, p.known_s, 64, CELL, PLACED)
    way_m = length(
        east_m(pl.col("latitude"), pl.col("longitude"), longitude.col), north_m(pl.col("latitude"), latitude.col)
    )
    too_fast = (way_m > p.speed_max_ms * gap.col + 1000 * p.margin_km).fill_null(False) & PLACED.expr
    usual_latitude, usual_longitude = (Ewma(IMSI, name, 0.02, where=PLACED) for name in ("latitude", "longitude"))
    from_place_m = length(
        east_m(pl.col("latitude"), pl.col("longitude"), usual_longitude.col),
        north_m(pl.col("latitude"), usual_latitude.col),
    )
    strange = PLACED.expr & ~known.col.fill_null(True) & (from_place_m > 1000 * p.cell_km).fill_null(False)
    apns = ",".join(site.mobile.fixed_apns)
    far = Derived(
        f"{p.cell_km:g} km from its place, fixed {apns}",
        is_fixed(site) & strange,
        (known, usual_latitude, usual_longitude),
    )
    moved = DistinctWithin(("platform",), p.window_s, 2 * p.assets_max + 2, "imsi", far)
    return Firing(
        when=(too_fast | (far.col & (moved.col <= p.assets_max))) & ~in_exchange(site),
        memories=(gap, latitude, longitude, known, usual_latitude, usual_longitude, moved),
        values={"way": way_m * 1e-3, "gap": gap.col, "where": CELL.col},
        trail=(Recent(IMSI, p.window_s, 10, PLACED),),
    )


def _at(time: float, cell: int, north_km: float, fixed: bool, imsi: str = "901700000000042") -> dict[str, object]:
    return {
        "time": time,
        "platform": "operator-1",
        "imsi": imsi,
        "procedure": "tracking_area_update",
        "cell": f"262-01-{cell}",
        "latitude": 48.0 + north_km / 111.195,
        "longitude": 11.0,
        "fixed": fixed,
    }


_METER = [_at(3240.0 * i, i % 2, 4.0 * (i % 2), True) for i in range(6)]

DETECTOR = Detector(
    id="sim_elsewhere",
    version=1,
    threat=mobile.MOB_02,
    record=MOBILE_SIGNALLING,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("subscriber", "imsi", source="imei", destination="platform"),
    dedup=("imsi",),
    episode_s=86_400.0,
    says="the SIM card {imsi} is at cell {where}, {way} km from where it was {gap} s before",
    observed="{way} km in {gap} s",
    expected="a fixed asset at its place, or a way that can be travelled",
    runbook=(
        "Suspend the SIM card and lock it to the known IMEI.",
        "Check that the asset still answers by another way.",
        "If the cell's place is wrong in the operator's list, tell the operator.",
    ),
    tolerance="a late record is passed over",
    examples=(
        fires_on("a meter's SIM card 80 km away", [*_METER, _at(30_000, 7, 80.0, True)]),
        fires_on("a phone 500 km away a minute later", [_at(0, 1, 0.0, False), _at(60, 2, 500.0, False)]),
        quiet_on("a meter between two cells, then a third one nearby", [*_METER, _at(30_000, 2, 7.0, True)]),
        quiet_on("a flight", [_at(0, 1, 0.0, False), _at(7200, 2, 1500.0, False)]),
        quiet_on("a car is handed over to and fro", [_at(0.5 * i, i % 2, 25.0 * (i % 2), False) for i in range(9)]),
    ),
)
