"""Episodes against a reference that walks the hits one by one."""

from itertools import pairwise

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.episodes import assign

Hit = tuple[str, str, int]
LENGTH = {"d": 10, "e": 3}


def frame(hits: list[Hit]) -> pl.DataFrame:
    rows = [("l", detector, dedup, time, LENGTH[detector]) for detector, dedup, time in hits]
    types = {"locality": pl.String, "detector": pl.String, "dedup": pl.String, "time": pl.Int64, "length": pl.Int64}
    return pl.DataFrame(rows, schema=types, orient="row")


def reference(hits: list[Hit]) -> list[str]:
    """The alert of each hit; alerts are named by the number of the hit that began them."""
    open_: dict[tuple[str, str], tuple[int, str]] = {}
    out = []
    for number, (detector, dedup, time) in enumerate(hits):
        until, alert = open_.get((detector, dedup), (None, ""))
        if until is None or time >= until:
            open_[detector, dedup] = time + LENGTH[detector], str(number)
            alert = str(number)
        out.append(alert)
    return out


def run(hits: list[Hit], ends: list[int]) -> list[str]:
    state = None
    out: list[str] = []
    for low, high in pairwise([0, *ends, len(hits)]):
        if low == high:
            continue
        assigned = assign(state, frame(hits[low:high]))
        ids = pl.Series([str(low + i) if begins else None for i, begins in enumerate(assigned.begins)], dtype=pl.String)
        state, alerts = assigned.close(ids)
        out += alerts.to_list()
    return out


hits_of = st.lists(
    st.tuples(st.sampled_from(["d", "e"]), st.sampled_from(["x", "y"]), st.integers(0, 40)), min_size=1, max_size=20
)


@settings(max_examples=300, deadline=None)
@given(hits_of, st.lists(st.integers(0, 20), max_size=4))
def test_as_the_reference_wherever_cut(hits: list[Hit], cuts: list[int]) -> None:
    want = reference(hits)
    assert run(hits, []) == want
    assert run(hits, sorted({min(c, len(hits)) for c in cuts})) == want
