"""Reconnaissance over MMS: a conversation in use is associated again and browsed, a server asks, or names are tried that do not exist.

- `browse_min` requests for names or attributes within `window_s` of an association that was opened within a connection in use (its last
  message less than `used_s` old, and no end of the association between);
- a request of a server (port 102) to its client for anything but files, which servers fetch when they are told to (obtainFile);
- `errors_min` answers within `errors_s` that refuse what a client asked for.

Blind spot: a browser with an association of its own: see `rogue_client_mms`; errors without service. Source: threat SG-19 of the catalogue;
ISO 9506-2 (initiate once an association, identify, getNameList); ATT&CK for ICS T0888, T0861.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.iec104 import LINK
from detectors.memory import CountWithin, Derived, Last, Recent, TimeSince
from detectors.mms import BROWSES, CLIENT, PORT, REQUEST, SERVER, asks, said
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import MMS


@dataclass(frozen=True)
class Params:
    used_s: float = 30.0
    window_s: float = 180.0  # a device is browsed in less
    browse_min: int = 3
    errors_min: int = 12
    errors_s: float = 60.0


BY = (LINK,)
IN_USE = ("confirmed_request", "confirmed_response", "confirmed_error", "unconfirmed")
BROWSE = Derived("mms browses", asks(*BROWSES))
REFUSED = Derived("mms refused", said(pl.col("pdu").is_in(["confirmed_error", "reject"]) | (pl.col("failures") > 0)))
_OPENS = pl.col("pdu") == "initiate_request"
_FILE = said(pl.col("service").str.starts_with("file"))


def build(p: Params, site: Site) -> Firing:
    last, gap = Last(BY, "pdu"), TimeSince(BY)
    again = Derived(
        f"mms associates again within {p.used_s:g}s",
        _OPENS & (last.col.is_in(IN_USE) & (gap.col < p.used_s)).fill_null(False),
        (last, gap),
    )
    since = TimeSince(BY, again)
    after = Derived(
        f"mms browses within {p.window_s:g}s of {again.name}",
        BROWSE.expr & (since.col < p.window_s).fill_null(False),
        (since,),
    )
    browsed = CountWithin(BY, p.window_s, 1000, after)
    errors = CountWithin((SERVER, CLIENT), p.errors_s, 1000, REFUSED)
    maps = after.expr & (browsed.col >= p.browse_min)
    turned = REQUEST.expr & (pl.col("source_port") == PORT) & (pl.col("destination_port") != PORT) & ~_FILE
    gropes = REFUSED.expr & (errors.col >= p.errors_min)
    why = (
        pl.when(maps)
        .then(
            pl.format(
                "{} opens an association again and asks {} for names ({} times)", "source", "destination", browsed.col
            )
        )
        .when(turned)
        .then(pl.format("the server {} sends a request to its client {}", "source", "destination"))
        .otherwise(pl.format("{} refuses what {} asks for ({} times)", "source", "destination", errors.col))
    )
    return Firing(
        when=maps | turned | gropes,
        memories=(last, gap, since, browsed, errors),
        values={"why": why, "asked": pl.coalesce("service", "pdu")},
        trail=(Recent(BY, p.window_s, 50, after), Recent((SERVER, CLIENT), p.errors_s, 50, REFUSED)),
    )


def _message(time: float, pdu: str, service: str | None = None, back: bool = False) -> dict[str, object]:
    here, there = {"source": "10.0.0.1", "source_port": 50_000}, {"destination": "10.0.0.20", "destination_port": 102}
    if back:
        here, there = (
            {"source": "10.0.0.20", "source_port": 102},
            {"destination": "10.0.0.1", "destination_port": 50_000},
        )
    return {"time": time, **here, **there, "pdu": pdu, "service": service}


_SESSION = [
    _message(0, "initiate_request"),
    _message(0.1, "initiate_response", back=True),
    *(_message(1.0 + 0.1 * i, "confirmed_request", BROWSES[i % 2]) for i in range(60)),
    *(_message(10.0 + 5 * i, "unconfirmed", "informationReport", back=True) for i in range(20)),
]

DETECTOR = Detector(
    id="mms_scan",
    version=1,
    threat=smart_grid_substation.SG_19,
    record=MMS,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    parties=Parties("server", "server", source="source", destination="destination"),
    dedup=("server", "client"),
    episode_s=300.0,
    says="{why}",
    observed="{asked} from {source}:{source_port} to {destination}:{destination_port}",
    expected="one association a connection, requests of clients, names that exist",
    runbook=(
        "Identify the host and the program that asks; ask engineering whether it is planned.",
        "Watch writes and controls of the same source closely for a day.",
    ),
    tolerance="late records beyond the window are not counted",
    examples=(
        fires_on("associated again in the middle, then browsed", [
            *_SESSION,
            _message(106, "initiate_request"),
            *(_message(107 + i, "confirmed_request", "getNameList") for i in range(8)),
        ]),
        fires_on("a server asks its client for names", [*_SESSION, _message(106, "confirmed_request", "getNameList", True)]),
        fires_on("names are tried", [_message(0.5 * i, "confirmed_error", back=True) for i in range(15)]),
        quiet_on("a session: browsed at its begin, then reports", _SESSION),
        quiet_on("a client that comes back from the same port after an end", [
            *_SESSION,
            _message(106, "conclude_request"),
            _message(106.1, "conclude_response", back=True),
            *(_message(108 + 0.1 * i, "confirmed_request" if i else "initiate_request", "getNameList" if i else None) for i in range(20)),
        ]),
        quiet_on("a server fetches a file as it was told", [
            _message(0, "confirmed_request", "obtainFile"),
            *(_message(1 + i, "confirmed_request", s, True) for i, s in enumerate(("fileOpen", "fileRead", "fileClose"))),
        ]),
    ),
)  # fmt: skip
