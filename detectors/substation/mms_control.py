"""MMS changes what it must not: measured values or states are written, files or programs changed, controls sent by the wrong client.

- a write to objects that no client writes: functional constraints MX (measured values), ST (status), EX and DC (descriptions);
- services that change files, programs, domains or journals of a device (fileDelete, fileRename, obtainFile, start, stop, kill, ...);
- with `mms.controllers`: controls and writes by any other client, but those to report and log control blocks (RP, BR, LG), which every
  client needs. Controllers may use the services above too.

Blind spot: a control from a controller's address; writes whose objects were not decoded. Source: threat SG-18 of the catalogue;
IEC 61850-7-3 annex B (functional constraints), IEC 61850-8-1 clauses 20 and 23 (control, files).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Row, fires_on, quiet_on
from detectors.mms import CHANGES, WRITES, asks
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import MMS


@dataclass(frozen=True)
class Params:
    pass


def _any(pattern: str) -> pl.Expr:
    return pl.col("objects").list.eval(pl.element().str.contains(pattern)).list.any().fill_null(False)


def build(p: Params, site: Site) -> Firing:
    writes, changes = asks("write"), asks(*CHANGES)
    fixed = writes & _any(r"\$(MX|ST|EX|DC)(\$|$)")
    allowed = pl.col("source").is_in(sorted(site.mms.controllers or ()))
    known = site.mms.controllers is not None
    wrong = WRITES & ~allowed if known else pl.lit(False)
    why = (
        pl.when(fixed)
        .then(pl.lit("writes values that are only reported"))
        .when(changes)
        .then(pl.format("uses {}", "service"))
        .when(pl.col("control"))
        .then(pl.lit("sends a control without being a controller"))
        .otherwise(pl.lit("writes without being a controller"))
    )
    return Firing(
        when=fixed | (changes & ~allowed) | wrong,
        values={"why": why, "what": pl.col("objects").list.head(3).list.join(", ").fill_null("no object decoded")},
    )


def _request(service: str, *objects: str, control: bool = False, source: str = "10.0.0.66") -> dict[str, object]:
    ends = {"source": source, "source_port": 50_000, "destination": "10.0.0.20", "destination_port": 102}
    return {
        "time": 0,
        **ends,
        "pdu": "confirmed_request",
        "service": service,
        "objects": list(objects),
        "control": control,
    }


_SITE = {"mms": {"controllers": ["10.0.0.1"]}}
_BREAKER = "BAY1CTRL/CSWI1$CO$Pos$Oper"

DETECTOR = Detector(
    id="mms_control",
    version=1,
    threat=smart_grid_substation.SG_18,
    record=MMS,
    kind=Row(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    parties=Parties("server", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=300.0,
    says="{source} {why} at {destination}: {what}",
    observed="service {service} on {what}",
    expected="controls by controllers; measured values, states, files and programs left alone",
    runbook=(
        "Ask the control centre and engineering whether the change was theirs; compare positions and settings locally.",
        "Restore files and settings from the approved set and block the source.",
        "If the client may control, enrol it in the site file under mms.controllers.",
    ),
    tolerance="none needed: each record is judged alone",
    examples=(
        fires_on("measured values are written", [_request("write", "BAY1MEAS/MMXU1$MX$PhV")]),
        fires_on("a file is deleted", [_request("fileDelete", "COMTRADE/0815.dat")]),
        fires_on("a client that is no controller operates", [_request("write", _BREAKER, control=True)], site=_SITE),
        quiet_on("the controller operates", [_request("write", _BREAKER, control=True, source="10.0.0.1")], site=_SITE),
        quiet_on("any client may enable its reports", [_request("write", "BAY1/LLN0$RP$A_URCB01$RptEna")], site=_SITE),
        quiet_on("records are fetched, settings written where nothing is known", [
            _request("fileOpen", "COMTRADE/0815.dat"), _request("fileRead"), _request("write", "BAY1PROT/PTOC1$SE$StrVal")
        ]),
    ),
)  # fmt: skip
