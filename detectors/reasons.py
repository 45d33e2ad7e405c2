"""Detectors with several conditions: whether any of them holds, and the words of the first that does."""

import polars as pl


def reasons(*said: tuple[pl.Expr, pl.Expr | str]) -> tuple[pl.Expr, pl.Expr]:
    """Whether any condition holds, and the text of the first one that does; "" where none does.

    A null condition does not hold: what a record leaves out, and a past that is not known, accuse nobody.

    Args:
        said: conditions with their words, the one that says most first.
    """
    holds = [(condition.fill_null(False), pl.lit(text) if isinstance(text, str) else text) for condition, text in said]
    why = pl.coalesce(*(pl.when(condition).then(text) for condition, text in holds), pl.lit(""))
    return pl.any_horizontal(condition for condition, _ in holds), why
