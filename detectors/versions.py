"""Software versions in order."""

import polars as pl


def rank(column: str) -> pl.Expr:
    """A version's first four numbers as one, each of 15 bits; 0 where there are none."""
    return sum((_number(column, nth).clip(0, 32_767) * 32_768 ** (3 - nth) for nth in range(4)), pl.lit(0))


def _number(column: str, nth: int) -> pl.Expr:
    """The nth number, 0 where there is none."""
    return pl.col(column).str.extract(r"^" + r"\D*\d+" * nth + r"\D*(\d{1,9})", 1).cast(pl.Int64).fill_null(0)
