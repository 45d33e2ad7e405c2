"""One device asks for keys from two places far apart, in turn: it was cloned.

A jump is a request more than `far_km` from the device's last one, from an address that it used within the hour before. Four of them
within an hour, to more than one place, fire: a phone between its home and a mobile network makes fewer, and gets a new address each
time. Blind spot: clones in one region, clones that change their addresses, and of which one is silent. Source: threat TV-02 of the
catalogue; ITU-T X.1193 clause 7.3.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.geometry import east_m, is_position, length, north_m
from detectors.memory import CountWithin, Derived, DistinctWithin, Last, Recent, SeenBefore, TimeSince
from detectors.profiles import iptv
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import KEY_REQUEST


@dataclass(frozen=True)
class Params:
    far_km: float = 200.0
    jumps_min: int = 4  # in the window
    window_s: float = 3600.0


DEVICE = ("account", "device")
PLACED = Derived("placed", is_position("latitude", "longitude"))

#: Half a degree: some tens of kilometres.
CELL = Derived(
    "cell of half a degree", pl.format("{} {}", *((pl.col(c) * 2).round() for c in ("latitude", "longitude")))
)


def build(p: Params, site: Site) -> Firing:
    gap = TimeSince(DEVICE, PLACED)
    latitude, longitude = Last(DEVICE, "latitude", PLACED), Last(DEVICE, "longitude", PLACED)
    way_m = length(
        east_m(pl.col("latitude"), pl.col("longitude"), longitude.col), north_m(pl.col("latitude"), latitude.col)
    )
    returns = SeenBefore(DEVICE, p.window_s, 20, "client", PLACED)
    jumped = PLACED.expr & (way_m > p.far_km * 1000) & (gap.col < p.window_s) & returns.col
    jump = Derived(
        f"jumped {p.far_km:g} km in {p.window_s:g}s", jumped.fill_null(False), (gap, latitude, longitude, returns)
    )
    jumps = CountWithin(DEVICE, p.window_s, 2 * p.jumps_min + 2, jump)
    places = DistinctWithin(DEVICE, p.window_s, 4, CELL, jump)
    return Firing(
        when=jump.col & (jumps.col >= p.jumps_min) & (places.col > 1),
        memories=(gap, latitude, longitude, jumps, places),
        values={"way": way_m * 1e-3, "gap": gap.col, "jumps": jumps.col, "far": pl.lit(p.far_km)},
        trail=(Recent(DEVICE, p.window_s, 10, PLACED),),
    )


def _request(time: float, latitude: float | None, client: str = "") -> dict[str, object]:
    who = {"key_server": "ks-1", "account": "a-4711", "device": "stb-1", "service": "sport-2", "result": "granted"}
    client = client or f"198.51.100.{int(latitude or 0)}"
    return {"time": time, **who, "client": client, "latitude": latitude, "longitude": 11.6}


DETECTOR = Detector(
    id="key_two_places",
    version=1,
    threat=iptv.TV_02,
    record=KEY_REQUEST,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    parties=Parties("device", "device", source="client", destination="account"),
    dedup=("account", "device"),
    episode_s=86_400.0,
    says="{device} of {account} asked for keys {way} km from where it was {gap} s before, time and again",
    observed="{way} km in {gap} s",
    expected="less than {far} km within an hour",
    runbook=(
        "Refuse further keys to the device and ask for a new log-on.",
        "Rotate the group key if a clone is likely.",
        "Keep the list of addresses for the rights holder.",
    ),
    tolerance="a late request is passed over",
    examples=(
        fires_on("Munich and Hamburg in turn", [_request(300.0 * i, (48.1, 53.5)[i % 2]) for i in range(9)]),
        quiet_on(
            "a phone that leaves the home, and comes back",
            [_request(300.0 * i, 53.5 if 3 < i < 9 else 48.1) for i in range(14)],
        ),
        quiet_on(
            "each time another address, somewhere in the country",
            [_request(300.0 * i, (48.1, 53.5)[i % 2], f"203.0.113.{i}") for i in range(20)],
        ),
        quiet_on("places that are not known", [_request(300.0 * i, (48.1, None)[i % 2]) for i in range(6)]),
        quiet_on("moved over the day", [_request(7200.0 * i, (48.1, 53.5)[i % 2]) for i in range(6)]),
    ),
)
