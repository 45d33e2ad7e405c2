"""Numbering keys: as polars says, nulls and several columns included."""

import random

import polars as pl
import pytest

from detectors.grouping import number_keys


def number(rows: list[tuple[object, ...]]) -> tuple[list[int], list[int]]:
    """The same, plainly."""
    seen: dict[tuple[object, ...], int] = {}
    codes = [seen.setdefault(row, len(seen)) for row in rows]
    return codes, [codes.index(code) for code in range(len(seen))]


@pytest.mark.parametrize("columns", [1, 2, 3])
@pytest.mark.parametrize("distinct", [1, 3, 40])
def test_keys_are_numbered_as_they_appear(columns: int, distinct: int) -> None:
    draw = random.Random(f"{columns} {distinct}")
    for length in (0, 1, 7, 500):
        rows = [
            tuple(draw.choice([None, *(f"k{i}" for i in range(distinct))]) for _ in range(columns))
            for _ in range(length)
        ]
        frame = pl.DataFrame(rows, schema=[(f"c{i}", pl.String) for i in range(columns)], orient="row")
        code, first = number_keys(frame)
        assert (code.tolist(), first.tolist()) == number(rows)


@pytest.mark.parametrize(
    "pairs", [[(1, 10), (1, 11), (2, 12)], [(1, 10), (2, 10), (3, 11)], [(1, 10), (2, 10), (1, 11)]]
)
def test_one_column_may_say_all(pairs: list[tuple[int, int]]) -> None:
    rows = [*pairs, *reversed(pairs), *pairs]
    frame = pl.DataFrame(rows, schema=["group", "key"], orient="row")
    assert tuple(a.tolist() for a in number_keys(frame)) == number(list(rows))


def test_any_type_of_key() -> None:
    for values in ([True, False, None, True], [1.5, None, 1.5, 2.0], [b"a", b"b", b"a", None]):
        assert number_keys(pl.DataFrame({"k": values}))[0].tolist() == number([(v,) for v in values])[0]
