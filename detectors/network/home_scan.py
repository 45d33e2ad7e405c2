"""A device of a home looks for others: it knocks at one port of very many hosts within a minute.

Counts hosts that were called at one port over TCP, or by ICMP, and did not answer. Where the gateway counts no bytes, all hosts
count but those called at the ports of the web. Blind spot: a slow scan; one over UDP, which looks like file sharing; one that
most hosts answer. Source: threat HN-02 of the catalogue; ITU-T X.1331 clause 7.3.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Derived, DistinctWithin, Recent
from detectors.profiles import home_network
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import HOME_FLOW


@dataclass(frozen=True)
class Params:
    hosts_max: int = 50  # at one port in the window: fires above
    window_s: float = 60.0


BY = ("device", "port")
_IN_VAIN = (
    pl.when(pl.col("bytes_in").is_null())
    .then(~pl.col("port").is_in([80, 443]).fill_null(False))
    .otherwise(pl.col("bytes_in") == 0)
)
KNOCKS = Derived(
    "knocks in vain",
    _IN_VAIN & pl.col("protocol").is_in(["tcp", "icmp"]) & pl.col("direction").is_in(["outbound", "internal"]),
)


def build(p: Params, site: Site) -> Firing:
    hosts = DistinctWithin(BY, p.window_s, 10 * p.hosts_max + 10, "peer", KNOCKS)
    return Firing(
        when=KNOCKS.col & (hosts.col > p.hosts_max),
        memories=(hosts,),
        values={
            "hosts": hosts.col,
            "seconds": pl.lit(p.window_s),
            "most": pl.lit(p.hosts_max),
            "at": pl.col("port").cast(pl.String).fill_null("no"),
            "kind": pl.col("device_kind").fill_null("device"),
        },
        trail=(Recent(BY, p.window_s, 30, KNOCKS),),
    )


def _flows(number: int, every_s: float, port: int | None = 23, **fields: object) -> list[dict[str, object]]:
    camera = {"home": "home-0815", "device": "02:00:5e:10:00:09", "device_kind": "camera", "direction": "outbound"}
    knock = {"port": port, "protocol": "tcp", "bytes_out": 60, "bytes_in": 0}
    hosts = (f"203.0.{i // 250}.{i % 250}" for i in range(number))
    return [{"time": every_s * i, **camera, "peer": peer, **knock, **fields} for i, peer in enumerate(hosts)]


DETECTOR = Detector(
    id="home_scan",
    version=1,
    threat=home_network.HN_02,
    record=HOME_FLOW,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    parties=Parties("home device", "device", source="device", destination="peer"),
    dedup=("home", "device"),
    episode_s=3600.0,
    says="the {kind} {device} of {home} knocked at port {at} of {hosts} hosts in {seconds} s",
    observed="{hosts} hosts at port {at}",
    expected="at most {most}",
    runbook=(
        "Move the device to a guest network with only its broker allowed.",
        "Send the customer a clear notice; a restart alone does not keep it clean.",
        "Collect model and firmware for a check of the fleet.",
    ),
    tolerance="a late flow counts at the clock of its device and port; one later than the window is not counted",
    examples=(
        fires_on("200 hosts at the telnet port in half a minute", _flows(200, 0.15)),
        fires_on("the neighbours, by ping", _flows(100, 0.2, None, protocol="icmp", direction="internal")),
        fires_on("where the gateway counts no bytes", _flows(200, 0.15, bytes_in=None)),
        quiet_on("a page with very many hosts", _flows(120, 0.2, 443, bytes_in=9000)),
        quiet_on("the same where the gateway counts no bytes", _flows(120, 0.2, 443, bytes_in=None)),
        quiet_on("file sharing", _flows(300, 0.15, 6881, protocol="udp")),
        quiet_on("a vendor that is down: one host, again and again", _flows(300, 0.2, 8883, peer="198.51.100.7")),
    ),
)
