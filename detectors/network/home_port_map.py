"""A port of the home's gateway is opened to an energy device: it can be reached from the whole Internet.

Fires on a port map made by UPnP or PCP to an inverter, battery, charger, heat pump, meter or switched load, unless the site
file allows the port (`homes.open_ports`), or the same device had the same map within the last month: maps are renewed every few
hours. Blind spot: ports opened by hand in the gateway; devices whose kind the gateway does not know. Source: threat HN-01 of
the catalogue; ITU-T X.1331 clause 7.4; RFC 6887 section 18.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.home_devices import IS_ENERGY
from detectors.memory import Derived, Recent, SeenBefore
from detectors.profiles import home_network
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import HOME_EVENT


@dataclass(frozen=True)
class Params:
    renewed_s: float = 2_592_000.0  # a map that the device had within this time is no new one


DEVICE = ("device",)
MAPS = Derived(
    "maps a port to an energy device",
    (pl.col("event") == "port_map_added") & IS_ENERGY & (pl.col("result").fill_null("success") == "success"),
)
PORT = Derived("mapped port of the device", pl.coalesce("internal_port", "external_port", pl.lit(-1)))


def build(p: Params, site: Site) -> Firing:
    known = SeenBefore(DEVICE, p.renewed_s, 32, PORT, MAPS)
    allowed = pl.col("external_port").is_in(site.homes.open_ports).fill_null(False)
    return Firing(
        when=MAPS.col & ~allowed & ~known.col,
        memories=(known,),
        values={
            "outside": pl.col("external_port").cast(pl.String).fill_null("some"),
            "inside": pl.col("internal_port").cast(pl.String).fill_null("some"),
            "asker": pl.col("requester").fill_null("somebody"),
        },
        trail=(Recent(DEVICE, 3600.0, 10),),
    )


def _map(time: float, port: int, kind: str | None = "inverter", **fields: object) -> dict[str, object]:
    return {
        "time": time,
        "home": "home-0815",
        "event": "port_map_added",
        "device": "02:00:5e:10:00:01",
        "device_kind": kind,
        "requester": "192.168.1.23",
        "result": "success",
        "external_port": port,
        "internal_port": 443,
        **fields,
    }


DETECTOR = Detector(
    id="home_port_map",
    version=1,
    threat=home_network.HN_01,
    record=HOME_EVENT,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    parties=Parties("home device", "device", source="requester", destination="device"),
    dedup=("home", "device"),
    episode_s=3600.0,
    says="{asker} opened port {outside} of {home} to port {inside} of the {device_kind} {device}",
    observed="port map {outside} to {inside} of the {device_kind}",
    expected="no port open to energy devices",
    runbook=(
        "Remove the port map at the gateway and switch off UPnP for this device.",
        "Ask the customer whether an installer asked for it; offer remote access through the vendor's broker instead.",
        "Reset the device's credential; look for flows that came in since.",
    ),
    tolerance="a late event is judged by what the device had before",
    examples=(
        fires_on("a port to the inverter", [_map(0.0, 8443)]),
        quiet_on("a games console", [_map(0.0, 3074, "media")]),
        quiet_on("a device of which nothing is known", [_map(0.0, 8443, None)]),
        quiet_on("refused by the gateway", [_map(0.0, 8443, result="failure")]),
        quiet_on("a port that the site allows", [_map(0.0, 51820)], site={"homes": {"open_ports": [51820]}}),
        fires_on("renewed every hour, also on another port outside", [_map(3600.0 * i, 8443 + i) for i in range(9)]),
    ),
)
