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
from detectors.facts.substation import Points, Writer
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import MODBUS

WRITES = (5, 6, 15, 16, 22, 23)


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
    start = pl.when(pl.col("function") == 23).then("write_address").otherwise("address").cast(pl.Int64)
    given = pl.col("request_values").list.len().cast(pl.Int64)
    many = pl.when(pl.col("function").is_in([5, 6, 22])).then(pl.lit(1)).when(pl.col("function") == 23).then(given)
    # Without values and quantity it is one; a hostile quantity is bounded by the address space.
    count = many.otherwise(pl.coalesce(given, pl.col("quantity").cast(pl.Int64))).fill_null(1).clip(1, 65_536)
    outside = beyond = pl.lit(False)
    if site.modbus.points is not None:
        ranges = [r for r in site.modbus.points if r.writable]
        inside = [_overlap(r, start, count) for r in ranges]
        covered = reduce(lambda a, b: a + b, inside, pl.lit(0))
        # A request without an address is in no range; a response alone does not always tell the address.
        outside = pl.col("requested") & (start.is_null() | (covered < count).fill_null(True))
        beyond = _any([_beyond(r, start, overlap) for r, overlap in zip(ranges, inside, strict=True)])
    why = (
        pl.when(stranger)
        .then(pl.lit("the client may not write there"))
        .when(outside)
        .then(pl.lit("the address is outside the writable map"))
        .otherwise(pl.lit("the value is outside its limits"))
    )
    return Firing(
        when=write & (stranger | outside | beyond),
        values={
            "why": why,
            "place": pl.format("address {}", start).fill_null("an address that was not seen"),
            "written": pl.format(
                "values {}", pl.col("request_values").list.head(8).cast(pl.List(pl.String)).list.join(" ")
            ).fill_null("values that were not seen"),
        },
    )


def _of(r: Points) -> pl.Expr:
    table = pl.when(pl.col("function").is_in([5, 15])).then(pl.lit("coil")).otherwise(pl.lit("holding"))
    own = (pl.col("server") == r.server) & (table == r.table)
    return own if r.unit is None else own & (pl.col("unit") == r.unit)


def _overlap(r: Points, start: pl.Expr, count: pl.Expr) -> pl.Expr:
    """How many addresses of the write lie in the range."""
    low, high = pl.max_horizontal(start, pl.lit(r.first)), pl.min_horizontal(start + count - 1, pl.lit(r.last))
    return pl.when(_of(r) & start.is_not_null()).then((high - low + 1).clip(0)).otherwise(0)


def _beyond(r: Points, start: pl.Expr, overlap: pl.Expr) -> pl.Expr:
    """Whether a value written into the range is outside its limits; without values there is nothing to judge."""
    own = pl.col("request_values").list.slice((r.first - start).clip(0), overlap)
    wrong = (own.list.min() < r.low) | (own.list.max() > r.high)
    return (pl.col("function") != 22) & (overlap > 0) & wrong.fill_null(False)


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
