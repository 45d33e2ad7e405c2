"""An MMS conversation was interrupted: within its connection nothing was said for far longer than ever before, then it went on.

Fires on the first message after a gap of more than `times` the longest gap between the first `learn` messages, and more than
`least_s`: messages were held back or dropped, a line failed, or the tap missed them. Blind spot: a conversation that does
not come back; one that is opened anew; devices that only report on events say little when little happens, so they are told
in a calm night. Source: threat SG-23 of the catalogue; ATT&CK for ICS T0804.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.iec104 import LINK
from detectors.memory import Derived, Least, Nth, TimeSince
from detectors.mms import CLIENT, SERVER
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import MMS


@dataclass(frozen=True)
class Params:
    times: float = 3.0  # the longest gap that was learned
    least_s: float = 60.0
    learn: int = 100  # messages from which the longest gap is learned


BY = (SERVER, CLIENT, LINK)


def build(p: Params, site: Site) -> Firing:
    gap, number = TimeSince(BY), Nth(BY, p.learn + 1)
    minus = Derived("mms gap, negative", -gap.col, (gap,))
    learning = Derived(f"mms learning {p.learn}", number.col <= p.learn, (number,))
    longest = Least(BY, minus, learning)
    opens = pl.col("pdu") == "initiate_request"
    long = (gap.col > p.least_s) & (gap.col > -p.times * longest.col)
    return Firing(
        when=(number.col > p.learn) & long.fill_null(False) & ~opens,
        memories=(gap, number, longest),
        values={"gap": gap.col, "longest": -longest.col},
    )


def _reports(start: float, number: int, every: float = 10.0, pdu: str = "unconfirmed") -> list[dict[str, object]]:
    ends = {"source": "10.0.0.20", "source_port": 102, "destination": "10.0.0.1", "destination_port": 50_000}
    return [{"time": start + every * i, **ends, "pdu": pdu} for i in range(number)]


DETECTOR = Detector(
    id="mms_interrupted",
    version=1,
    threat=smart_grid_substation.SG_23,
    record=MMS,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.LOW,
    parties=Parties("server", "server", source="source", destination="destination"),
    dedup=("server", "client"),
    episode_s=300.0,
    says="nothing was heard between {server} and {client} for {gap} s, then they went on",
    observed="a gap of {gap} s within a connection",
    expected="at most {longest} s, the longest gap while it was learned",
    runbook=(
        "Look for a failed line or switch in that time; read the device's log or buffered reports for what was missed.",
        "If nothing failed, look for a host between the two.",
    ),
    tolerance="a late message is passed over",
    examples=(
        fires_on("two minutes are missing", [*_reports(0, 120), *_reports(1310, 5)]),
        quiet_on("regular reports, a pause within the learned", [*_reports(0, 120), *_reports(1225, 20)]),
        quiet_on("reports on events, hours apart", _reports(0, 150, 5000.0)),
        quiet_on(
            "opened anew after the gap", [*_reports(0, 120), *_reports(1310, 1, pdu="initiate_request"), *_reports(1311, 5)]
        ),
    ),
)  # fmt: skip
