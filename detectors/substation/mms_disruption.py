"""MMS associations are disturbed: storms of them, refusals of what nobody asked for, ends after which all goes on, requests cancelled.

- `storm_min` associations asked for by one client of one server within `window_s`, or that many refused or aborted;
- an initiate error without an association asked for in the same connection within `answer_s`;
- a request or report between `flight_s` and `window_s` after a conclude request that nobody refused: the end was forged;
- `cancels_min` cancel requests or errors within `window_s`: IEC 61850 clients do not cancel.

Blind spot: a reset of the TCP connection below. Source: threat SG-23 of the catalogue; ISO 9506-2 (initiate, conclude, cancel);
IEC 61850-8-1 clause 6; ATT&CK for ICS T0814.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.iec104 import LINK
from detectors.memory import CountWithin, Derived, Last, Recent, TimeSince
from detectors.mms import CLIENT, SERVER
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import MMS


@dataclass(frozen=True)
class Params:
    storm_min: int = 20  # associations
    cancels_min: int = 3
    answer_s: float = 30.0
    flight_s: float = 0.5  # reports that were on their way
    window_s: float = 60.0


_PDU = pl.col("pdu")
OPENS = Derived("mms opens", _PDU == "initiate_request")
FAILS = Derived("mms association fails", _PDU.is_in(["association_refused", "association_aborted"]))
CANCELS = Derived("mms cancels", _PDU.is_in(["cancel_request", "cancel_error"]))
ENDS = Derived("mms ends", _PDU == "conclude_request")
FRAMES = Derived(
    "mms begins or ends", _PDU.is_in(["initiate_request", "initiate_response", "conclude_request", "conclude_error"])
)


def build(p: Params, site: Site) -> Firing:
    pair, link = (SERVER, CLIENT), (LINK,)
    opened = CountWithin(pair, p.window_s, 10 * p.storm_min, OPENS)
    failed = CountWithin(pair, p.window_s, 10 * p.storm_min, FAILS)
    cancelled = CountWithin(link, p.window_s, 10 * p.cancels_min, CANCELS)
    asked, ended, framed = TimeSince(link, OPENS), TimeSince(link, ENDS), Last(link, "pdu", FRAMES)
    storm = (OPENS.expr & (opened.col >= p.storm_min)) | (FAILS.expr & (failed.col >= p.storm_min))
    cancels = CANCELS.expr & (cancelled.col >= p.cancels_min)
    unasked = (_PDU == "initiate_error") & ~(asked.col <= p.answer_s).fill_null(False)
    since = ended.col.is_between(p.flight_s, p.window_s) & (framed.col == "conclude_request")
    goes_on = _PDU.is_in(["confirmed_request", "unconfirmed"]) & since.fill_null(False)
    why = (
        pl.when(storm)
        .then(
            pl.format(
                "{} associations between {} and {} in {} s",
                pl.max_horizontal(opened.col, failed.col),
                "client",
                "server",
                pl.lit(p.window_s),
            )
        )
        .when(cancels)
        .then(pl.format("{} requests between {} and {} cancelled", cancelled.col, "client", "server"))
        .when(unasked)
        .then(pl.format("{} refuses {} an association that nobody asked for", "source", "destination"))
        .otherwise(pl.format("{} and {} go on after a conclude request", "client", "server"))
    )
    return Firing(
        when=storm | cancels | unasked | goes_on,
        memories=(opened, failed, cancelled, asked, ended, framed),
        values={"why": why},
        trail=(
            Recent(link, p.window_s, 20, ENDS),
            Recent(link, p.window_s, 20, CANCELS),
            Recent(pair, p.window_s, 40, OPENS),
        ),
    )  # fmt: skip


def _message(time: float, pdu: str, back: bool = False, port: int = 50_000) -> dict[str, object]:
    here, there = {"source": "10.0.0.1", "source_port": port}, {"destination": "10.0.0.20", "destination_port": 102}
    if back:
        here, there = {"source": "10.0.0.20", "source_port": 102}, {"destination": "10.0.0.1", "destination_port": port}
    return {"time": time, **here, **there, "pdu": pdu}


_SESSION = [
    _message(0, "initiate_request"),
    _message(0.1, "initiate_response", True),
    *(_message(10.0 + 5 * i, "unconfirmed", True) for i in range(20)),
]

DETECTOR = Detector(
    id="mms_disruption",
    version=1,
    threat=smart_grid_substation.SG_23,
    record=MMS,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("server", "server", source="source", destination="destination"),
    dedup=("server", "client"),
    episode_s=300.0,
    says="MMS is disturbed: {why}",
    observed="{pdu} from {source} to {destination}; {why}",
    expected="associations that are opened once, used and ended once",
    runbook=(
        "Check that the control centre still has the device's reports; move to the redundant connection if there is one.",
        "Find the host that sends the disturbing messages: look at MAC address and sequence numbers of the connection.",
    ),
    tolerance="late records beyond the window are not counted",
    examples=(
        fires_on("a storm of associations", [_message(0.5 * i, "initiate_request", port=50_000 + i) for i in range(40)]),
        fires_on("requests are cancelled", [*_SESSION, *(_message(106.0 + 5 * i, "cancel_request") for i in range(6))]),
        fires_on("refused in the middle", [*_SESSION, _message(106, "initiate_error", True)]),
        fires_on("ended, and goes on", [*_SESSION, _message(106, "conclude_request"), _message(110, "unconfirmed", True)]),
        quiet_on("a session that ends and another one", [
            *_SESSION,
            _message(106, "conclude_request"),
            _message(106.1, "unconfirmed", True),
            _message(106.2, "conclude_response", True),
            _message(110, "initiate_request"),
            _message(110.1, "initiate_error", True),
            _message(120, "initiate_request"),
            _message(120.1, "initiate_response", True),
            _message(121, "confirmed_request"),
        ]),
        quiet_on(
            "a client tries every ten seconds to come back",
            [_message(10.0 * i, "initiate_request", port=50_000 + i) for i in range(20)],
        ),
    ),
)  # fmt: skip
