"""A Modbus device is told to restart its communication, or to fall silent.

Function 8 (diagnostics) with sub-function 1 (restart communications option) or 4 (force listen only mode): with the first a
device drops what it was doing, with the second it answers nobody any more. Control centres do not send them. Blind spot:
vendors' own functions with the same effect; a response whose request the tap did not see. Source: threat SG-20 of the
catalogue; Modbus Application Protocol V1.1b3 section 6.8; Quickdraw signatures for function 8.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Row, fires_on, quiet_on
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import MODBUS

#: Sub-function of function 8 -> what it does.
DOES = {1: "restart its communication", 4: "fall silent (force listen only)"}


@dataclass(frozen=True)
class Params:
    pass


def build(p: Params, site: Site) -> Firing:
    told = (pl.col("function") == 8) & pl.col("subfunction").is_in(list(DOES)).fill_null(False)
    what = pl.col("subfunction").replace_strict(list(DOES), list(DOES.values()), default="?", return_dtype=pl.String)
    return Firing(when=told & pl.col("requested"), values={"what": what})


def _diagnose(subfunction: int, **fields: object) -> dict[str, object]:
    ends = {"client": "10.0.0.66", "server": "10.0.0.20", "unit": 1}
    return {"time": 0, **ends, "function": 8, "subfunction": subfunction, "requested": True, **fields}


DETECTOR = Detector(
    id="modbus_restart",
    version=1,
    threat=smart_grid_substation.SG_20,
    record=MODBUS,
    kind=Row(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    parties=Parties("server", "server", source="client", destination="server"),
    dedup=("client", "server"),
    episode_s=300.0,
    says="{client} tells {server} to {what}",
    observed="function 8, sub-function {subfunction} to unit {unit}",
    expected="no restart and no listen-only command on the network",
    runbook=(
        "See whether the device still answers its master; if not, restart it on site.",
        "Find the host of the client address and take it off the control network.",
        "Look for writes and scans by the same host in the hour before.",
    ),
    tolerance="none needed: each record is judged alone",
    examples=(
        fires_on("a restart", [_diagnose(1)]),
        fires_on("listen only, which is never answered", [_diagnose(4, responded=False)]),
        quiet_on(
            "return query data, a counter, and function 4",
            [_diagnose(0), _diagnose(11), {**_diagnose(0), "function": 4, "subfunction": None}],
        ),
    ),
)
