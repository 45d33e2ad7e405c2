"""An energy device of a home is reached from outside by a host that is no broker of its vendor.

With the site's list of brokers (`homes.brokers`): any other host whose flow is answered. Without: a host from a place that the
device never heard from, once the device is known for `learn_s`. Blind spot: control through the vendor's broker; without the
list, what came in while the device was new. Source: threat HN-01 of the catalogue; ITU-T X.1331 clause 7.4.
"""

from dataclasses import dataclass

import polars as pl

from detectors.addresses import in_networks
from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.grouping import TIME
from detectors.home_devices import ANSWERED, IS_ENERGY, PLACE
from detectors.memory import Derived, Least, Recent, SeenBefore
from detectors.profiles import home_network
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import HOME_FLOW


@dataclass(frozen=True)
class Params:
    learn_s: float = 86_400.0  # of a device, where the site file lists no brokers
    known_s: float = 1_209_600.0  # how long a place is known


DEVICE = ("device",)
COMES_IN = Derived("answered from outside", (pl.col("direction") == "inbound") & IS_ENERGY & ANSWERED)
CLOCK = Derived("event time", pl.col(TIME).cast(pl.Float64))


def build(p: Params, site: Site) -> Firing:
    begun, seen = Least(DEVICE, CLOCK), SeenBefore(DEVICE, p.known_s, 64, PLACE, COMES_IN)
    if site.homes.brokers is None:
        learned = (CLOCK.col - begun.col >= p.learn_s * 1e6).fill_null(False)
        foreign = learned & ~seen.col.fill_null(True)
    else:
        foreign = ~in_networks(pl.col("peer"), site.homes.brokers)
    return Firing(
        when=COMES_IN.col & foreign,
        memories=(begun, seen),
        values={"name": pl.coalesce("peer_name", "peer"), "at": pl.col("port").cast(pl.String).fill_null("no")},
        trail=(Recent(DEVICE, 86_400.0, 10, COMES_IN),),
    )


def _flow(time: float, peer: str, kind: str | None = "inverter", **fields: object) -> dict[str, object]:
    return {
        "time": time,
        "home": "home-0815",
        "device": "02:00:5e:10:00:01",
        "device_kind": kind,
        "direction": "inbound",
        "peer": peer,
        "port": 443,
        "protocol": "tcp",
        "bytes_out": 4000,
        "bytes_in": 900,
        **fields,
    }


_POLLED = [_flow(3600.0 * i, "198.51.100.7") for i in range(40)]
_SITE = {"homes": {"brokers": ["198.51.100.0/24"]}}

DETECTOR = Detector(
    id="home_inbound",
    version=1,
    threat=home_network.HN_01,
    record=HOME_FLOW,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    parties=Parties("home device", "device", source="peer", destination="device"),
    dedup=("home", "device"),
    episode_s=3600.0,
    says="{name} reached the {device_kind} {device} of {home} from outside, port {at}",
    observed="{name} to port {at}, answered",
    expected="brokers of the vendor alone",
    runbook=(
        "Block the source at the gateway and remove the port map that let it in.",
        "Reset the device's credential; compare its settings with the installer's.",
        "Check the same model in other homes.",
    ),
    tolerance="a late flow is judged by what was known before it arrived",
    examples=(
        fires_on("a host that is no broker", [_flow(0.0, "203.0.113.66")], site=_SITE),
        fires_on("a stranger, where no brokers are listed", [*_POLLED, _flow(144_100.0, "203.0.113.66")]),
        quiet_on("the broker", _POLLED, site=_SITE),
        quiet_on(
            "the aggregator polls, now from another host of its network", [*_POLLED, _flow(144_100.0, "198.51.100.9")]
        ),
        quiet_on("a scan that nobody answers", [_flow(0.0, "203.0.113.66", bytes_out=0)], site=_SITE),
        quiet_on("a games console", [_flow(0.0, "203.0.113.66", "media")], site=_SITE),
    ),
)
