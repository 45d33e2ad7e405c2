"""Another host asks, or is answered, under the address of a DNP3 master.

Fires where frames of the master come from another MAC address or begin with another time to live (64, 128, 255) than at
first, or where the outstation's frames to it go to another MAC address: commands are forged in its name, or somebody stands
between the two. Blind spot: an impostor from the first frame on; behind a router, one who copies the time to live. A
replaced front end and a router that takes over are told once, and again after each pause for two days. Source: threat SG-17
of the catalogue; RFC 826 (ARP), RFC 791 section 3.2 (time to live); ATT&CK for ICS T0848, T0830.
"""

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.dnp3 import HostParams, another_host
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import DNP3


def build(p: HostParams, site: Site) -> Firing:
    return another_host(False, p)


_MAC, _OTHER = "00:00:5e:00:53:01", "00:00:5e:00:53:66"


def _request(time: float, mac: str = _MAC, ttl: int | None = 128, function: int = 1) -> dict[str, object]:
    ends = {"source": "10.0.0.1", "destination": "10.0.0.20", "source_mac": mac, "destination_mac": None}
    return {"time": time, **ends, "ttl": ttl, "function": function, "response": False, "from_master": True}


def _answer(time: float, to_mac: str = _MAC) -> dict[str, object]:
    ends = {"source": "10.0.0.20", "destination": "10.0.0.1", "source_mac": None, "destination_mac": to_mac}
    return {"time": time, **ends, "ttl": 64, "function": 129, "response": True, "from_master": False}


def _polls(start: float, number: int) -> list[dict[str, object]]:
    return [record for i in range(number) for record in (_request(start + 5 * i), _answer(start + 5 * i + 0.1))]


DETECTOR = Detector(
    id="dnp3_impostor_master",
    version=1,
    threat=smart_grid_substation.SG_17,
    record=DNP3,
    kind=Remembering(build),
    params=HostParams,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("master", "master", source="source", destination="destination"),
    dedup=("site", "master"),
    episode_s=300.0,
    says="the DNP3 master {master} has {what}: another host stands for it",
    observed="{what}, between {source} and {destination}",
    expected="the host that had this address at first",
    runbook=(
        "Find both MAC addresses at the switches: which port is the front end's, whose is the other?",
        "Check with the operator's log which of the last commands were the control centre's own.",
        "If the front end or its router was replaced, accept the alert.",
    ),
    tolerance="a late frame is passed over",
    examples=(
        fires_on("a request from a host of another kind", [*_polls(0, 5), _request(60, ttl=64, function=7), *_polls(65, 3)]),
        fires_on("requests from another MAC address", [*_polls(0, 5), _request(60, _OTHER), _request(61, _OTHER)]),
        fires_on("answers go to another MAC address", [*_polls(0, 5), _answer(60, _OTHER)]),
        quiet_on("polls over routes of different length", [_request(i, ttl=120 + i % 5) for i in range(20)]),
        quiet_on("polls without addresses of the link", [_request(i, None, None) for i in range(5)]),  # type: ignore[arg-type]
    ),
)  # fmt: skip
