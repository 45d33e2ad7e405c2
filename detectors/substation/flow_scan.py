"""A host looks for control devices: it calls at hosts and ports that it never spoke with, in vain.

Within the window, counting TCP calls that nobody answered or that were refused, to hosts that never answered the caller before:

- `control_hosts_min` hosts at one port of a control protocol. Masters of the site file may do that: lines fail together;
- `hosts_min` hosts at any one port;
- `ports_min` ports of one host.

So a master that calls a dead outstation again is none. Blind spot: a scan slower than the window; one in which most answer; UDP; a
scan of hosts that the scanner speaks with anyway. Asset scanners and network management are told: accept them. Source:
threat SG-16 of the catalogue; ATT&CK for ICS T0846, detection by network connection creation.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Derived, DistinctWithin, Nth, Recent
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import FLOW

#: IEC 61850 MMS, Modbus, ANSI C12.22, IEC 60870-5-104, IEEE C37.118, DNP3 and its secure port, EtherNet/IP, OPC UA.
CONTROL_PORTS = (102, 502, 1153, 2404, 4712, 4713, 19999, 20000, 44818, 4840)


@dataclass(frozen=True)
class Params:
    control_hosts_min: int = 4
    hosts_min: int = 15
    ports_min: int = 10
    window_s: float = 60.0


ANSWERED = Derived("flow answered", pl.col("state").is_in(["established", "reset"]))
_VAIN = pl.col("state").is_in(["attempted", "rejected"]) & (pl.col("protocol") == "tcp")


def build(p: Params, site: Site) -> Firing:
    spoke = Nth(("source", "destination"), 2, ANSWERED)
    in_vain = Derived("flow in vain to a stranger", _VAIN & (spoke.col.fill_null(0) == 0), (spoke,))
    at_port, at_host = ("source", "destination_port"), ("source", "destination")
    hosts = DistinctWithin(at_port, p.window_s, 10 * p.hosts_min, "destination", in_vain)
    ports = DistinctWithin(at_host, p.window_s, 10 * p.ports_min, "destination_port", in_vain)
    masters = {*(site.modbus.masters or ()), *(site.iec104.masters or ()), *(site.dnp3.masters or ())}
    masters |= set(site.mms.clients or ())
    control = pl.col("destination_port").is_in(CONTROL_PORTS) & ~pl.col("source").is_in(sorted(masters))
    known = pl.col("source").is_in(sorted(masters)) & pl.col("destination_port").is_in(CONTROL_PORTS)
    over_hosts = (control & (hosts.col >= p.control_hosts_min)) | (~known & (hosts.col >= p.hosts_min))
    over_ports = ports.col >= p.ports_min
    what = (
        pl.when(over_hosts)
        .then(pl.format("port {} of {} hosts", "destination_port", hosts.col))
        .otherwise(pl.format("{} ports of {}", ports.col, "destination"))
    )
    return Firing(
        when=in_vain.expr & (over_hosts | over_ports),
        memories=(spoke, hosts, ports),
        values={"what": what, "window": pl.lit(p.window_s)},
        trail=(Recent(("source",), p.window_s, 50, in_vain),),
    )


def _call(time: float, to: int, port: int, state: str, source: str = "10.0.0.66") -> dict[str, object]:
    ends = {"source": source, "destination": f"10.0.1.{to}", "destination_port": port}
    return {"time": time, **ends, "protocol": "tcp", "state": state}


DETECTOR = Detector(
    id="flow_scan",
    version=1,
    threat=smart_grid_substation.SG_16,
    record=FLOW,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    parties=Parties("host", "source", source="source", destination="destination"),
    dedup=("source",),
    episode_s=600.0,
    says="{source} called {what} in vain within {window} s",
    observed="{what}, the last of them {destination}:{destination_port} ({state})",
    expected="calls at devices that a host works with",
    runbook=(
        "Find the host and its user; isolate it at the switch if it is no asset scanner.",
        "Search the same host for control messages afterwards: scans come before commands.",
    ),
    tolerance="late records beyond the window are not counted",
    examples=(
        fires_on("one control port of many hosts", [_call(0.02 * i, i, 2404, "attempted") for i in range(60)]),
        fires_on("many ports of one host", [_call(0.1 * i, 20, 1000 + i, "rejected") for i in range(30)]),
        fires_on("a few hosts are asked for DNP3", [_call(0.5 * i, i, 20000, ("attempted", "rejected")[i % 2]) for i in range(5)]),
        quiet_on("a master calls a dead outstation again and again", [_call(5.0 * i, 20, 20000, "attempted") for i in range(100)]),
        quiet_on(
            "a front end loses all its outstations",
            [*(_call(i, i, 2404, "established") for i in range(30)), *(_call(100 + i, i, 2404, "attempted") for i in range(30))],
        ),
        quiet_on(
            "a front end of the site file starts while its lines are down",
            [_call(i, i, 2404, "attempted", "10.0.0.1") for i in range(30)],
            site={"iec104": {"masters": ["10.0.0.1"]}},
        ),
        quiet_on(
            "a laptop looks for its servers and works with two relays",
            [
                *(_call(i, i, port, "attempted") for i, port in enumerate((53, 53, 389, 445, 443))),
                *(_call(20 + i, 40, port, "established") for i, port in enumerate((102, 80, 443))),
                _call(30, 41, 102, "established"),
            ],
        ),
    ),
)  # fmt: skip
