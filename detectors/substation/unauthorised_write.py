"""A Modbus write by a host without the write role, to an address outside the map, or with a value outside its limits.

Judges the request, whether or not it was refused. Where the site file names no points, only the writer is judged. Blind
spot: a writer's own session misused within the limits; a step that is too large but stays between them. Source: threat
SG-18 of the catalogue; Modbus Application Protocol V1.1b3, functions 5, 6, 15, 16, 22 and 23.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Row, fires_on, quiet_on
from detectors.facts.substation import Writer
from detectors.modbus_map import FITS, OUTSIDE, START, WRITES, judged_by
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import MODBUS


@dataclass(frozen=True)
class Params:
    pass


def _any(conditions: Sequence[pl.Expr]) -> pl.Expr:
    return reduce(lambda a, b: a | b, conditions, pl.lit(False))


def _allows(w: Writer) -> pl.Expr:
    allowed = pl.col("client") == w.client
    if w.server is not None:
        allowed &= pl.col("server") == w.server
    return allowed if w.unit is None else allowed & (pl.col("unit") == w.unit)


def build(p: Params, site: Site) -> Firing:
    write = pl.col("function").is_in(WRITES)
    stranger = ~_any([_allows(w) for w in site.modbus.writers or ()])
    points = site.modbus.points
    misplaced = pl.lit(FITS) if points is None else judged_by([r for r in points if r.writable])
    why = (
        pl.when(stranger)
        .then(pl.lit("the client may not write there"))
        .when(misplaced == OUTSIDE)
        .then(pl.lit("the address is outside the writable map"))
        .otherwise(pl.lit("the value is outside its limits"))
    )
    values = pl.col("request_values").list.head(8).cast(pl.List(pl.String)).list.join(" ")
    return Firing(
        when=write & (stranger | (misplaced != FITS)),
        values={
            "why": why,
            "place": pl.format("address {}", START).fill_null("an address that was not seen"),
            "written": pl.format("values {}", values).fill_null("values that were not seen"),
        },
    )


_SITE = {
    "modbus": {
        "writers": [{"client": "10.0.0.1"}, {"client": "10.0.0.2", "server": "10.0.0.30"}],
        "points": [
            {"server": "10.0.0.20", "table": "holding", "first": 0, "last": 99},
            {"server": "10.0.0.20", "table": "holding", "first": 10, "last": 12, "writable": True, "high": 1000},
            {"server": "10.0.0.20", "table": "coil", "first": 0, "last": 3, "writable": True},
        ],
    }
}


def _write(client: str, function: int, address: int, values: list[int], **fields: object) -> dict[str, object]:
    return {
        "time": 0,
        "client": client,
        "server": "10.0.0.20",
        "function": function,
        "address": address,
        "quantity": len(values),
        "request_values": values,
        "requested": True,
        **fields,
    }


DETECTOR = Detector(
    id="unauthorised_write",
    version=1,
    threat=smart_grid_substation.SG_18,
    record=MODBUS,
    kind=Row(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    parties=Parties("server", "server", source="client", destination="server"),
    dedup=("client", "server"),
    episode_s=300.0,
    says="{client} wrote to {server} with function {function}: {why}",
    observed="function {function} to unit {unit}, {place}, {written}",
    expected="writes by modbus.writers, to writable modbus.points, between low and high of the site file",
    runbook=(
        "Read the written registers back and restore them from the approved set-point list.",
        "Block the source at the substation firewall unless it is a planned change.",
        "Check the process value locally: the display may show the forged register.",
    ),
    needs=("modbus.writers",),
    tolerance="none needed: each record is judged alone",
    examples=(
        fires_on("an HMI without write role sets a register to 0", [_write("10.0.0.7", 6, 10, [0])], site=_SITE),
        fires_on("a writer of another server", [_write("10.0.0.2", 5, 1, [1])], site=_SITE),
        fires_on("the write runs over the end of the map", [_write("10.0.0.1", 16, 11, [1, 2, 3])], site=_SITE),
        fires_on("the second of two values is too high", [_write("10.0.0.1", 16, 11, [1, 1001])], site=_SITE),
        fires_on(
            "a write hidden in a read/write",
            [_write("10.0.0.1", 23, 10, [1, 1], quantity=2, write_address=50)],
            site=_SITE,
        ),
        quiet_on(
            "the writer stays in the map, a stranger reads",
            [
                _write("10.0.0.1", 16, 10, [1000, 0, 7]),
                _write("10.0.0.1", 15, 0, [1, 0, 1, 1], time=1),
                _write("10.0.0.1", 23, 50, [5, 6], quantity=1, write_address=10, time=2),
                {"time": 3, "client": "10.0.0.7", "server": "10.0.0.20", "function": 3, "address": 0, "quantity": 9},
            ],
            site=_SITE,
        ),
        quiet_on(
            "without points only the writer is judged",
            [_write("10.0.0.1", 6, 40_000, [65_535])],
            site={"modbus": {"writers": [{"client": "10.0.0.1"}]}},
        ),
    ),
)
