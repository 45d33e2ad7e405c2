"""One account is used by more devices, or from more networks, than a household has.

Counts different devices of an account within a day and the networks its requests come from within an hour: /24 of IPv4 and /48
of IPv6, each by itself, so that a home with both counts once. Blind spot: sharing under the counts; sharers behind one address.
A household with more devices needs `devices_max` raised in the site file. Source: threat TV-02 of the catalogue; ITU-T X.1191
clause 6.6.
"""

from dataclasses import dataclass

import polars as pl

from detectors.addresses import network_of
from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Derived, DistinctWithin, Recent
from detectors.profiles import iptv
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import KEY_REQUEST


@dataclass(frozen=True)
class Params:
    devices_max: int = 5  # of an account in `day_s`: fires above
    networks_max: int = 3  # of an account in `hour_s`: fires above
    day_s: float = 86_400.0
    hour_s: float = 3600.0


ACCOUNT = ("account",)
NETWORK = Derived("network of the client", network_of(pl.col("client")))
IPV6 = Derived("client by IPv6", pl.col("client").str.contains(":", literal=True))
IPV4 = Derived("client not by IPv6", ~pl.col("client").str.contains(":", literal=True))


def build(p: Params, site: Site) -> Firing:
    devices = DistinctWithin(ACCOUNT, p.day_s, 10 * p.devices_max + 10, "device")
    by_4, by_6 = (
        DistinctWithin(ACCOUNT, p.hour_s, 10 * p.networks_max + 10, NETWORK, version) for version in (IPV4, IPV6)
    )
    networks = pl.max_horizontal(by_4.col, by_6.col)
    return Firing(
        when=(devices.col > p.devices_max) | (networks > p.networks_max),
        memories=(devices, by_4, by_6),
        values={
            "devices": devices.col,
            "networks": networks,
            "most": pl.lit(p.devices_max),
            "most_networks": pl.lit(p.networks_max),
            "hours": pl.lit(p.day_s / 3600),
        },
        trail=(Recent(ACCOUNT, p.hour_s, 20),),
    )


def _request(time: float, device: int, client: str) -> dict[str, object]:
    asked = {"key_server": "ks-1", "account": "a-4711", "service": "sport-2", "result": "granted"}
    return {"time": time, **asked, "device": f"d-{device}", "client": client}


_FAMILY = [
    _request(200.0 * i, i % 4, "198.51.100.23" if i % 4 < 2 else ("2001:db8:7::4", "203.0.113.9")[i % 2])
    for i in range(60)
]

DETECTOR = Detector(
    id="key_sharing",
    version=1,
    threat=iptv.TV_02,
    record=KEY_REQUEST,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    parties=Parties("account", "account", source="device", destination="account"),
    dedup=("account",),
    episode_s=86_400.0,
    says="account {account} is used by {devices} devices in {hours} h, and from {networks} networks within an hour",
    observed="{devices} devices, {networks} networks",
    expected="at most {most} devices in {hours} h and {most_networks} networks in an hour",
    runbook=(
        "Ask for a new log-on of all devices; offer the holder to remove those that are not theirs.",
        "Look whether the devices are real models with their own certificates, or clones of one.",
        "Keep the list of networks for the rights holder.",
    ),
    tolerance="a late request counts at the clock of its account; one later than the window is not counted",
    examples=(
        fires_on(
            "twelve devices in eight networks within an hour",
            [_request(250.0 * i, i, f"10.{i % 8}.0.7") for i in range(12)],
        ),
        fires_on(
            "one device that is in five networks within an hour",
            [_request(600.0 * i, 1, f"10.{i}.0.7") for i in range(5)],
        ),
        quiet_on("a family at home and on the way, by both versions of IP", _FAMILY),
        quiet_on(
            "the provider gives the home a new address a few times a day",
            [_request(7200.0 * i, 1, f"10.{i}.0.7") for i in range(5)],
        ),
    ),
)
