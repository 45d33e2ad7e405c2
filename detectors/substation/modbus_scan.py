"""Reconnaissance over Modbus: device identification, bursts of exceptions, sweeps over functions, units, addresses.

- Read device identification (function 43, MEI type 14) or report server id (17) by a host without an engineering role.
- Exceptions 1, 2 or 3 (illegal function, address or value), at least `exceptions_min` in a minute and more than
  `exceptions_share` of the client's transactions: a points or function scan that hits holes.
- At least `sweep_min` requests in five minutes that this client never sent to this server before: other function,
  unit or start address. Masters enrolled in the site file are trusted to poll what they like within it.

Works without a site file. Blind spot: a sweep slower than the windows, or over many servers with few requests each.
Source: threat SG-19 of the catalogue; Quickdraw signatures "points list scan" and "function code scan".
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, Recent, SeenBefore
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import MODBUS


@dataclass(frozen=True)
class Params:
    exceptions_min: int = 10  # in the window
    exceptions_share: float = 0.2  # of the client's transactions in the window: fires above
    exceptions_s: float = 60.0
    sweep_min: int = 60  # new requests to one server in the window
    sweep_s: float = 300.0
    forget_s: float = 14 * 86_400.0  # a request not repeated for so long is new again


REFUSED = Derived("refused", pl.col("exception").is_in([1, 2, 3]).fill_null(False))
#: Function, unit and start address in one number; a request without an address counts as address -1.
REQUEST = Derived(
    "request",
    pl.col("function").cast(pl.Int64) * 2**32
    + pl.col("unit").cast(pl.Int64).clip(-1, 256) * 2**20
    + pl.col("address").cast(pl.Int64).fill_null(-1).clip(-1, 65_536),
)


def build(p: Params, site: Site) -> Firing:
    pair = ("client", "server")
    refused = CountWithin(("client",), seconds=p.exceptions_s, at_most=5000, where=REFUSED)
    every = CountWithin(("client",), seconds=p.exceptions_s, at_most=5000)
    seen = SeenBefore(pair, seconds=p.forget_s, at_most=4096, value=REQUEST)
    fresh = Derived(f"new request in {p.forget_s:g} s", ~seen.col.fill_null(True), (seen,))
    swept = CountWithin(pair, seconds=p.sweep_s, at_most=1000, where=fresh)
    enrolled = sorted({*(site.modbus.masters or ()), *site.modbus.engineering})
    identifies = (pl.col("function") == 17) | ((pl.col("function") == 43) & (pl.col("mei_type") == 14).fill_null(False))
    identifies &= ~pl.col("client").is_in(sorted(site.modbus.engineering))
    burst = REFUSED.col & (refused.col >= p.exceptions_min) & (refused.col > p.exceptions_share * every.col)
    sweep = fresh.col & (swept.col >= p.sweep_min) & ~pl.col("client").is_in(enrolled)
    why = (
        pl.when(identifies)
        .then(pl.lit("asks for the device's identity"))
        .when(burst)
        .then(pl.lit("is refused again and again"))
        .otherwise(pl.lit("sweeps over requests it never made before"))
    )
    return Firing(
        when=identifies | burst | sweep,
        memories=(refused, every, seen, swept),
        values={"why": why, "refused": refused.col, "every": every.col, "swept": swept.col},
        trail=(
            Recent(("client",), seconds=p.exceptions_s, at_most=50, where=REFUSED),
            Recent(pair, seconds=p.sweep_s, at_most=100, where=fresh),
        ),
    )


def _read(time: float, address: int | None, client: str = "10.0.0.66", **fields: object) -> dict[str, object]:
    return {
        "time": time,
        "client": client,
        "server": "10.0.0.20",
        "unit": 1,
        "function": 3,
        "address": address,
        "quantity": 10,
        "requested": True,
        "responded": True,
        **fields,
    }


DETECTOR = Detector(
    id="modbus_scan",
    version=1,
    threat=smart_grid_substation.SG_19,
    record=MODBUS,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    parties=Parties("server", "server", source="client", destination="server"),
    dedup=("client", "server"),
    episode_s=900.0,
    says="{client} {why} (function {function} to {server})",
    observed="{refused} of {every} transactions refused in the short window, {swept} new requests in the long one",
    expected="requests of the polling list, answered",
    runbook=(
        "Identify the host and the tool; ask engineering whether it is planned work.",
        "Watch the same source for writes during the next day.",
        "Enrol a planned engineering host in the site file under modbus.engineering.",
    ),
    tolerance="a late record counts at the clock of its key; one later than the window is not counted",
    examples=(
        fires_on("a host reads the device identification", [_read(0, None, function=43, mei_type=14)]),
        fires_on(
            "every second read of a points scan is refused",
            [_read(i, 100 * i, exception=2 if i % 2 else None) for i in range(30)],
        ),
        fires_on("holding registers 0 to 9999 in steps of 100", [_read(i * 2.0, 100 * i) for i in range(100)]),
        quiet_on(
            "a master polls 30 blocks over and over, with an exception now and then",
            [_read(i * 0.5, 10 * (i % 30), exception=2 if i % 30 == 29 else None) for i in range(400)],
        ),
        quiet_on(
            "the engineering host identifies a device",
            [_read(0, None, client="10.0.0.5", function=43, mei_type=14)],
            site={"modbus": {"engineering": ["10.0.0.5"]}},
        ),
    ),
)
