"""Diagnostic services misused: keys tried, control units changed while the vehicle moves or by strangers, services tried out.

- A control unit refuses the key of SecurityAccess (response codes 0x35 to 0x37) `refused_min` times within `refused_s`.
- A service that changes a control unit (programming session, download, write, routine, communication control, reset, ...) is asked for at
  more than `speed_ms`, or by a tester that is not one of `diagnostics.testers` of the site file, or without a ticket where
  `diagnostics.tickets` says that each has one.
- A tester is refused `tried_min` different services or identifiers of one control unit within `tried_s` without a ticket.

Blind spot: a tester that has the key, at standstill, where the site file says nothing; a gateway that does not know the speed.
Remote diagnosis without a ticket looks the same. Source: threat ITS-21 of the catalogue; ISO 14229-1; ITU-T X.1374 clauses 7.6 and 7.8.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.diagnostics import KEY_REFUSED, NOT_THERE, SECURITY_ACCESS, changes, named
from detectors.memory import CountWithin, Derived, DistinctWithin, Recent
from detectors.profiles import its_vehicle
from detectors.profiles.threat import Severity
from detectors.reasons import reasons
from detectors.site import Site
from schemas.records import UDS


@dataclass(frozen=True)
class Params:
    refused_min: int = 3  # keys that a control unit refused in the window
    refused_s: float = 600.0
    speed_ms: float = 2.0  # above which nothing is changed
    tried_min: int = 8  # different services and identifiers of a control unit that were refused in the window
    tried_s: float = 60.0


_SERVICE = pl.col("service")
REFUSED = Derived("key refused", ((_SERVICE == SECURITY_ACCESS) & pl.col("nrc").is_in(KEY_REFUSED)).fill_null(False))
TRIED = Derived("tried in vain", (pl.col("nrc").is_in(NOT_THERE) & pl.col("ticket").is_null()).fill_null(False))
#: Service, sub-function and identifier as one number.
WHAT = Derived(
    "what was asked for",
    (_SERVICE.cast(pl.Int64) * 128 + pl.col("subfunction").fill_null(0)) * 65_536 + pl.col("identifier").fill_null(0),
)


def build(p: Params, site: Site) -> Firing:
    refused = CountWithin(("ecu",), seconds=p.refused_s, at_most=10 * p.refused_min, where=REFUSED)
    tried = DistinctWithin(("tester", "ecu"), seconds=p.tried_s, at_most=10 * p.tried_min, value=WHAT, where=TRIED)
    changing = changes(_SERVICE, pl.col("subfunction"))
    testers = site.diagnostics.testers
    strange = pl.lit(False) if testers is None else ~pl.col("tester").is_in(list(testers))
    loose = pl.col("ticket").is_null() if site.diagnostics.tickets else pl.lit(False)
    fires, why = reasons(
        (
            changing & (pl.col("speed_ms") > p.speed_ms),
            pl.format("{} at {} m/s", named(_SERVICE), pl.col("speed_ms").round(1)),
        ),
        (changing & strange, pl.format("{} by a tester that is not listed", named(_SERVICE))),
        (changing & loose, pl.format("{} without a ticket", named(_SERVICE))),
        (REFUSED.col & (refused.col >= p.refused_min), pl.format("{} keys refused", refused.col)),
        (
            TRIED.col & (tried.col >= p.tried_min),
            pl.format("{} services and identifiers tried that there are not", tried.col),
        ),
    )
    return Firing(
        when=fires,
        memories=(refused, tried),
        values={"why": why},
        trail=(
            Recent(("ecu",), seconds=p.refused_s, at_most=20, where=REFUSED),
            Recent(("tester", "ecu"), seconds=p.tried_s, at_most=50, where=TRIED),
        ),
    )


def _asks(
    number: int, service: int, begin: float = 0.0, each_s: float = 5.0, **fields: object
) -> list[dict[str, object]]:
    start = {"tester": "0xF1", "ecu": "0x10", "service": service, "speed_ms": 0.0}
    return [{**start, "time": begin + each_s * i, **fields} for i in range(number)]


_SESSION = [
    *_asks(1, 0x10, subfunction=3),
    *_asks(1, 0x27, 1, subfunction=1),
    *_asks(1, 0x27, 2, subfunction=2, nrc=0x35),
    *_asks(1, 0x27, 14, subfunction=2),
    *_asks(1, 0x10, 15, subfunction=2),
    *_asks(1, 0x34, 16),
    *_asks(200, 0x36, 17, 0.2),
    *_asks(1, 0x11, 60, subfunction=1),
]
_SITE = {"diagnostics": {"testers": ["0xF1"], "tickets": True}}

DETECTOR = Detector(
    id="diagnostic_misuse",
    version=1,
    threat=its_vehicle.ITS_21,
    record=UDS,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("ecu", "ecu", source="tester", destination="ecu"),
    dedup=("vehicle", "tester", "ecu"),
    episode_s=600.0,
    says="tester {tester} at {ecu} of {vehicle}: {why}",
    observed="{why}",
    expected="diagnosis by known testers of a standing vehicle, with the right key",
    runbook=(
        "Close diagnostic routing at the gateway while the vehicle moves.",
        "Ask the workshop system who worked at the vehicle; compare the software's hash with the approved one.",
        "Look for a device at the diagnostic connector; revoke the tester's access.",
    ),
    tolerance="a late request counts at the clock of its control unit",
    examples=(
        fires_on("ten wrong keys", _asks(10, 0x27, subfunction=2, nrc=0x35)),
        fires_on("a programming session at 15 m/s", _asks(1, 0x10, subfunction=2, speed_ms=15.0)),
        fires_on(
            "identifiers tried one by one",
            [a for i in range(12) for a in _asks(1, 0x22, 2.0 * i, identifier=0xF100 + i, nrc=0x31)],
        ),
        fires_on(
            "an unlisted tester writes", _asks(1, 0x2E, tester="0xF9", ticket="T7", identifier=0xF190), site=_SITE
        ),
        fires_on("a download without a ticket", _asks(1, 0x34), site=_SITE),
        quiet_on("a workshop flashes a control unit, one wrong key", _SESSION),
        quiet_on(
            "the same under a ticket, at a site that wants one", [{**a, "ticket": "T7"} for a in _SESSION], site=_SITE
        ),
        quiet_on("fault memory read while driving", _asks(20, 0x19, subfunction=2, speed_ms=30.0)),
        quiet_on(
            "a workshop asks for everything under a ticket",
            [a for i in range(60) for a in _asks(1, 0x22, i, identifier=0xF100 + i, nrc=0x31, ticket="T7")],
        ),
    ),
)
