"""An IoT device calls a new place at fixed intervals, as a bot calls its master.

Looks at the last `calls_min` intervals between flows to one host and port: their standard deviation is below `variation_max` of
their mean. New means that the device got to know the place (see `home_new_peers`) within the last `new_s`, so that the
heartbeat of its own cloud, which is as even, does not count. Blind spot: a master who varies the interval; a place that was
there while the device was learned; devices with many places. Source: threat HN-02 of the catalogue; ITU-T X.1331 clause 7.3.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.grouping import TIME
from detectors.home_devices import PLACE, Acquaintance
from detectors.memory import Derived, LastOf, Recent, Regularity
from detectors.memory.last_of import seconds_since
from detectors.profiles import home_network
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import HOME_FLOW


@dataclass(frozen=True)
class Params:
    variation_max: float = 0.1  # standard deviation of the intervals over their mean: fires below
    calls_min: int = 20  # intervals
    interval_min_s: float = 5.0  # faster is a transfer in pieces
    within_s: float = 86_400.0  # the calls
    new_s: float = 259_200.0
    new_max: int = 50  # new places a day that are remembered
    few: int = 12  # places of a device that has few
    learn_s: float = 172_800.0


HOST = Derived("host and port", pl.concat_str("peer", pl.col("port").cast(pl.String).fill_null("none"), separator=" "))


def build(p: Params, site: Site) -> Firing:
    known = Acquaintance(site, p.learn_s, p.few)
    met = Derived(
        f"{known.new.name}, one of {p.new_max:g} a day", known.new.col & (known.fresh.col <= p.new_max), (known.fresh,)
    )
    since = LastOf(HOME_FLOW, ("device", PLACE), TIME, met)
    calls = Regularity(("device",), p.within_s, 2000, HOST, p.calls_min, known.asks)
    even = (calls.variation < p.variation_max) & (calls.mean_s >= p.interval_min_s)
    return Firing(
        when=known.asks.col & even.fill_null(False) & (seconds_since(since) < p.new_s).fill_null(False) & known.has_few,
        memories=(known.fresh, known.places, since, calls),
        values={
            "interval": calls.mean_s,
            "variation": calls.variation,
            "calls": pl.lit(p.calls_min + 1),
            "to": HOST.col,
            "kind": pl.col("device_kind").fill_null("device"),
        },
        trail=(Recent(("device",), p.within_s, 20, known.asks),),
    )


def _flow(seconds: float, name: str | None, peer: str = "198.51.100.7") -> dict[str, object]:
    return {
        "time": seconds,
        "home": "home-0815",
        "device": "02:00:5e:10:00:09",
        "device_kind": "camera",
        "direction": "outbound",
        "peer": peer,
        "peer_name": name,
        "port": 443,
        "protocol": "tcp",
        "bytes_out": 900,
        "bytes_in": 400,
    }


_USUAL = [_flow(600.0 * i, "broker.vendor.example") for i in range(450)]
_AFTER = 600.0 * 450

DETECTOR = Detector(
    id="home_beacon",
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
    says="the {kind} {device} of {home} called the new host {to} {calls} times, every {interval} s",
    observed="{calls} calls every {interval} s, variation {variation}",
    expected="even calls to the places that the device always talks to",
    runbook=(
        "Look up the host; block it at the gateway.",
        "Move the device to a guest network with only its broker allowed.",
        "Look for calls to the same host from other homes.",
    ),
    tolerance="a late flow counts at the clock of its device",
    examples=(
        fires_on(
            "a call a minute to a new host",
            [*_USUAL, *(_flow(_AFTER + 60.0 * i, None, "203.0.113.66") for i in range(30))],
        ),
        quiet_on(
            "the vendor's cloud moves to another network",
            [*_USUAL, *(_flow(_AFTER + 60.0 * i, "eu.vendor.example", "203.0.113.9") for i in range(40))],
        ),
        quiet_on(
            "a new place that is called when somebody wants it to",
            [*_USUAL, *(_flow(_AFTER + 90.0 * i * (i % 5 + 1), None, "203.0.113.9") for i in range(40))],
        ),
        quiet_on("the heartbeat of its own cloud", _USUAL),
    ),
)
