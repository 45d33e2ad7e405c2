"""A device asks for the keys of one service after the other that its account has not bought.

Counts different services denied to a device within minutes, where most of its requests are denied. A box whose subscription ran
out asks for the same few again and again and is none. Blind spot: a slow search; one among many requests that are granted.
Source: threat TV-02 of the catalogue; ITU-T X.1193 clause 7.1.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, DistinctWithin, Recent
from detectors.profiles import iptv
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import KEY_REQUEST


@dataclass(frozen=True)
class Params:
    services_min: int = 25  # different services denied in the window: more than zapping comes by
    share_min: float = 0.5  # of the requests denied: fires above
    window_s: float = 600.0


DEVICE = ("device",)
DENIED = Derived("denied", pl.col("result") == "denied")


def build(p: Params, site: Site) -> Firing:
    services = DistinctWithin(DEVICE, p.window_s, 10 * p.services_min + 10, "service", DENIED)
    denied, every = CountWithin(DEVICE, p.window_s, 1000, DENIED), CountWithin(DEVICE, p.window_s, 1000)
    return Firing(
        when=DENIED.col & (services.col >= p.services_min) & (denied.col > p.share_min * every.col),
        memories=(services, denied, every),
        values={"services": services.col, "denied": denied.col, "every": every.col, "minutes": pl.lit(p.window_s / 60)},
        trail=(Recent(DEVICE, p.window_s, 20, DENIED),),
    )


def _requests(number: int, services: int, results: tuple[str, ...] = ("denied",)) -> list[dict[str, object]]:
    return [
        {
            "time": 5.0 * i,
            "key_server": "ks-1",
            "account": "a-4711",
            "device": "stb-1",
            "client": "198.51.100.23",
            "service": f"ch-{i % services}",
            "result": results[i % len(results)],
        }
        for i in range(number)
    ]


DETECTOR = Detector(
    id="key_denied",
    version=1,
    threat=iptv.TV_02,
    record=KEY_REQUEST,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    parties=Parties("device", "device", source="client", destination="account"),
    dedup=("account", "device"),
    episode_s=3600.0,
    says="{device} of {account} was denied the keys of {services} services in {minutes} min, {denied} of {every} requests",
    observed="{denied} of {every} requests denied, {services} services",
    expected="services that the account has bought",
    runbook=(
        "Look whether the player lists only what the account has bought; a fault of the player looks the same.",
        "Ask the device for a new log-on.",
        "Check whether one of the keys was granted although the account has not bought it.",
    ),
    tolerance="a late request counts at the clock of its device; one later than the window is not counted",
    examples=(
        fires_on("thirty services in turn", _requests(60, 60, ("denied", "denied", "granted"))),
        quiet_on("the subscription ran out", _requests(120, 2)),
        quiet_on("zapping through a package that is not bought", _requests(20, 20)),
        quiet_on("zapping over what is not bought now and then", _requests(80, 60, ("granted", "denied", "granted"))),
    ),
)
