"""An IoT device, which has few peers, begins to talk to several new places within a day.

A place is the registered domain of the name that was looked up, or the network of the address with the port: new hosts of a
vendor are no new place. Only devices that had at most `few` places in the fortnight are judged, and once they are known for
`learn_s`. Blind spot: computers, phones and televisions; a bot that uses one new place (see `home_beacon`). Source: threat
HN-02 of the catalogue; RFC 8520 (what a device needs to reach is a short list).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.home_devices import PLACE, Acquaintance
from detectors.memory import Recent
from detectors.profiles import home_network
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import HOME_FLOW


@dataclass(frozen=True)
class Params:
    new_min: int = 3  # new places in a day
    few: int = 12  # places of a device that has few
    learn_s: float = 172_800.0


def build(p: Params, site: Site) -> Firing:
    known = Acquaintance(site, p.learn_s, p.few)
    return Firing(
        when=known.new.col & (known.fresh.col >= p.new_min) & known.has_few,
        memories=(known.fresh, known.places),
        values={
            "new": known.fresh.col,
            "places": known.places.col,
            "place": PLACE.col,
            "kind": pl.col("device_kind").fill_null("device"),
            "few": pl.lit(p.new_min),
        },
        trail=(Recent(("device",), Acquaintance.DAY_S, 20, known.new),),
    )


def _flow(hours: float, name: str | None, peer: str = "198.51.100.7", port: int = 8883) -> dict[str, object]:
    camera = {"home": "home-0815", "device": "02:00:5e:10:00:09", "device_kind": "camera", "direction": "outbound"}
    carried = {"protocol": "tcp", "bytes_out": 900, "bytes_in": 400}
    return {"time": 3600.0 * hours, **camera, "peer": peer, "peer_name": name, "port": port, **carried}


_USUAL = [_flow(float(i), ("broker.vendor.example", "time.vendor.example")[i % 2]) for i in range(72)]

DETECTOR = Detector(
    id="home_new_peers",
    version=1,
    threat=home_network.HN_02,
    record=HOME_FLOW,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    parties=Parties("home device", "device", source="device", destination="peer"),
    dedup=("home", "device"),
    episode_s=86_400.0,
    says="the {kind} {device} of {home} talked to {new} new places in a day, the last: {place}",
    observed="{new} new places beside {places} in all",
    expected="the places it always talks to, and fewer than {few} new ones",
    runbook=(
        "Ask the vendor whether its cloud moved; look for the same in other homes with this model.",
        "Move the device to a guest network with only its broker allowed.",
        "Collect model and firmware for a check of the fleet.",
    ),
    tolerance="a late flow is judged by what was known before it arrived",
    examples=(
        fires_on(
            "a command server and two victims",
            [*_USUAL, *(_flow(72.5 + i, None, f"203.0.{i}.9", 80) for i in range(3))],
        ),
        quiet_on(
            "an update from new hosts of the vendor, and one of a content network",
            [
                *_USUAL,
                *(_flow(72.5 + i, f"fw{i}.vendor.example", f"203.0.{i}.9", 8883) for i in range(6)),
                _flow(80.0, "d1.cdn.example", "203.0.113.9", 443),
            ],
        ),
        quiet_on("on its first day all is new", [_flow(0.1 * i, None, f"203.0.{i}.9", 80) for i in range(20)]),
        quiet_on(
            "a computer",
            [_flow(0.5 * i, f"www.site{i}.example", f"203.{i // 200}.{i % 200}.9", 443) for i in range(200)],
        ),
    ),
)
