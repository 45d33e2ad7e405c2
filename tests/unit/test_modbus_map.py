"""Writes held against a map: the same as looking at each address by itself."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from detectors.facts.substation import Points
from detectors.modbus_map import BEYOND, FITS, OUTSIDE, WRITES, judged_by

MAP = [
    Points(server="10.0.0.20", table="holding", first=10, last=12, writable=True, high=1000),
    Points(server="10.0.0.20", table="holding", first=13, last=19, writable=True, low=5, high=9),
    Points(server="10.0.0.20", unit=2, table="coil", first=0, last=3, writable=True),
]
TYPES = {
    "server": pl.String,
    "unit": pl.Int16,
    "function": pl.Int16,
    "requested": pl.Boolean,
    "address": pl.Int32,
    "write_address": pl.Int32,
    "quantity": pl.Int32,
    "request_values": pl.List(pl.Int32),
}
WRITE = st.fixed_dictionaries({
    "server": st.sampled_from(["10.0.0.20", "10.0.0.30"]),
    "unit": st.sampled_from([1, 2]),
    "function": st.sampled_from([3, *WRITES]),
    "requested": st.booleans(),
    "address": st.none() | st.integers(0, 22),
    "write_address": st.none() | st.integers(0, 22),
    "quantity": st.none() | st.integers(1, 5),
    "request_values": st.none() | st.lists(st.integers(0, 1200), min_size=1, max_size=5),
})  # fmt: skip


def told(write: dict) -> int:
    """Address by address."""
    function, values = write["function"], write["request_values"]
    if function not in WRITES:
        return FITS
    start = write["write_address" if function == 23 else "address"]
    several = len(values) if values else None if function == 23 else write["quantity"]
    count = 1 if function in (5, 6, 22) else several or 1
    if start is None:
        return OUTSIDE if write["requested"] else FITS
    table, beyond = "coil" if function in (5, 15) else "holding", False
    covered = 0
    for at in range(start, start + count):
        for r in MAP:
            if r.server != write["server"] or r.table != table or r.unit not in (None, write["unit"]):
                continue
            if r.first <= at <= r.last:
                covered += 1
                value = values[at - start] if values and at - start < len(values) else None
                beyond |= function != 22 and value is not None and not r.low <= value <= r.high
    if write["requested"] and covered < count:
        return OUTSIDE
    return BEYOND if beyond else FITS


@given(st.lists(WRITE, max_size=30))
def test_writes_are_judged_as_address_by_address(writes: list[dict]) -> None:
    frame = pl.DataFrame(writes, schema=TYPES, orient="row")
    assert frame.select(judged_by(MAP).alias("found"))["found"].to_list() == list(map(told, writes))
