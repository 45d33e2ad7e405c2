"""An ASDU of IEC 60870-5-104 that no correct station sends: a cause not allowed for its type, a reserved type, the
wrong direction.

Fires when the cause of transmission is none that the standard allows for the type, on types that the standard reserves
(private types, 128 and above, are not judged), and on an activation that comes from the controlled station's port.
Tools that build APDUs by hand do so, correct stacks do not. Blind spot: a tool that is correct. Source: threat SG-21 of
the catalogue; IEC 60870-5-101 clauses 7.2.3 and 7.4, IEC 60870-5-104 clause 7; types 81 to 95: IEC 62351-5.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Row, fires_on, quiet_on
from detectors.iec104 import said
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    port: int = 2404  # TCP port of controlled stations


_UNKNOWN = (44, 45, 46, 47)
_COMMAND = (6, 7, 8, 9, 10, *_UNKNOWN)
#: Causes by type, generous where stations are known to differ: monitored information comes for any reason but a command's.
ALLOWED: dict[int, tuple[int, ...]] = {
    **dict.fromkeys(range(1, 41), (1, 2, 3, 4, 5, 11, 12, 13, *range(20, 42))),
    **dict.fromkeys((*range(45, 52), *range(58, 65)), _COMMAND),
    70: (4,),
    **dict.fromkeys(range(81, 96), (*range(1, 20), *_UNKNOWN)),
    100: _COMMAND,
    101: _COMMAND,
    102: (5, *_UNKNOWN),
    103: (3, *_COMMAND),
    104: _COMMAND,
    105: _COMMAND,
    106: (3, *_COMMAND),
    107: _COMMAND,
    **dict.fromkeys((110, 111, 112), (*_COMMAND, *range(20, 37))),
    113: _COMMAND,
    **dict.fromkeys(range(120, 128), (3, 5, 13, *_UNKNOWN)),
}
_PAIRS = [type_id * 64 + cause for type_id, causes in ALLOWED.items() for cause in causes]


def build(p: Params, site: Site) -> Firing:
    kind, cause = pl.col("type_id"), pl.col("cause")
    standard = said(kind.is_between(0, 127))
    reserved = standard & ~said(kind.is_in(list(ALLOWED)))
    # Without a cause there is nothing to compare.
    pair = (kind.cast(pl.Int64) * 64 + cause.cast(pl.Int64)).is_in(_PAIRS).fill_null(True)
    backwards = said(kind.is_between(45, 107) & cause.is_in([6, 8])) & (
        (pl.col("source_port") == p.port) & (pl.col("destination_port") != p.port)
    )
    what = (
        pl.when(reserved)
        .then(pl.format("type {}, which the standard reserves", kind))
        .when(~pair)
        .then(pl.format("type {} with cause {}, which it never has", kind, cause))
        .otherwise(pl.format("an activation of type {} from the side of the controlled station", kind))
    )
    return Firing(when=standard & (reserved | ~pair | backwards), values={"what": what})


def _asdu(type_id: int | None, cause: int | None, **fields: object) -> dict[str, object]:
    ends = {"source": "10.0.0.66", "source_port": 40_000, "destination": "10.0.0.20", "destination_port": 2404}
    return {"time": 0, **ends, "format": "I", "type_id": type_id, "cause": cause, "object_address": 4001, **fields}


_BACK = {"source": "10.0.0.20", "source_port": 2404, "destination": "10.0.0.1", "destination_port": 40_000}

DETECTOR = Detector(
    id="iec104_irregular",
    version=1,
    threat=smart_grid_substation.SG_21,
    record=IEC104,
    kind=Row(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    parties=Parties("station", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=900.0,
    says="{source} sent {destination} {what}",
    observed="{what}",
    expected="types and causes as the standard has them",
    runbook=(
        "Find the host of the source address; ask engineering whether it is a test tool or a device with a known fault.",
        "List what else the host sent, and what the outstation answered: a refused command shows in negative confirmations.",
        "Capture its session; a device that is known to differ may be named under disabled in the site file.",
    ),
    tolerance="none needed: each record is judged alone",
    examples=(
        fires_on("a single command that claims to be spontaneous", [_asdu(45, 3)]),
        fires_on("a reserved type", [_asdu(75, 6)]),
        fires_on("an interrogation from the outstation's port", [_asdu(100, 6, **_BACK)]),
        quiet_on(
            "commands, confirmations, refusals, reports, files, a private type, an S-frame",
            [
                _asdu(45, 6),
                _asdu(45, 7, **_BACK),
                _asdu(46, 47, **_BACK),
                _asdu(36, 3, **_BACK),
                _asdu(13, 20, **_BACK),
                _asdu(70, 4, **_BACK),
                _asdu(122, 13),
                _asdu(103, 3, **_BACK),
                _asdu(200, 60),
                _asdu(None, None),
            ],
        ),
    ),
)
