"""A known Modbus client reads what it did not read while the site was learned.

Compares function, unit, address and quantity of each read with the baseline; clients that the baseline does not know are
`rogue_master`'s, writes are `unauthorised_write`'s. An outcome of its own: configuration drift, no attack. Blind spot: reads
that are rare and were not made while the site was learned. Source: measured by others on several sites: a baseline of one
configuration accepts between 0 and 93 % of another's normal traffic.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Row, fires_on, quiet_on
from detectors.profiles import drift
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import MODBUS

READS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Params:
    pass


def build(p: Params, site: Site) -> Firing:
    requests = site.baseline.requests or ()
    names = ("client", "server", "unit", "function", "address", "quantity")
    known = sorted({"|".join(str(getattr(r, n)) for n in names) for r in requests if r.function in READS})
    made = pl.concat_str([pl.col(n).cast(pl.String).fill_null("None") for n in names], separator="|")
    old = pl.col("client").is_in(sorted({r.client for r in requests}))
    return Firing(
        when=pl.col("requested") & pl.col("function").is_in(READS) & old & ~made.is_in(known),
        values={"what": pl.format("{} from {}", pl.col("quantity"), pl.col("address")).fill_null("no range")},
    )


_SITE = {
    "baseline": {
        "requests": [
            {"client": "10.0.0.1", "server": "10.0.0.20", "unit": 1, "function": 3, "address": 0, "quantity": 10}
        ]
    }
}


def _read(client: str = "10.0.0.1", function: int = 3, address: int = 0) -> dict[str, object]:
    return {
        "time": 0,
        "client": client,
        "server": "10.0.0.20",
        "unit": 1,
        "function": function,
        "address": address,
        "quantity": 10,
        "requested": True,
    }


DETECTOR = Detector(
    id="modbus_drift",
    version=1,
    threat=drift.DRIFT,
    record=MODBUS,
    kind=Row(build),
    params=Params,
    severity=Severity.LOW,
    confidence=Confidence.HIGH,
    parties=Parties("server", "server", source="client", destination="server"),
    dedup=("client", "server", "unit", "function", "address", "quantity"),
    episode_s=86_400.0,
    says="configuration drift: {client} reads {what} of {server} (unit {unit}, function {function}), which is new",
    observed="function {function}, {what}",
    expected="the reads of the baseline",
    runbook=drift.DRIFT.response,
    needs=("baseline.requests",),
    tolerance="each record is judged alone",
    examples=(
        fires_on("a new block, an old one by another function", [_read(address=10), _read(function=4)], 2, _SITE),
        quiet_on(
            "what was learned, a client that is rogue_master's, a write",
            [_read(), _read("10.0.0.9", address=10), _read(function=6, address=70)],
            _SITE,
        ),
    ),
)
