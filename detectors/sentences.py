"""Sentences of a detector: text with {name} of record fields and values -> one Polars expression."""

from collections.abc import Mapping
from string import Formatter

import polars as pl


def names_in(template: str) -> tuple[str, ...]:
    """The names that a template asks for."""
    return tuple(name for _, name, _, _ in Formatter().parse(template) if name)


def sentence(template: str, values: Mapping[str, pl.Expr], floats: frozenset[str]) -> pl.Expr:
    """The template filled in for each row; what is absent reads "unknown".

    Args:
        template: text with {name}.
        values: names that are expressions; any other name is a column.
        floats: columns to round for people (4 significant digits are enough to act on).
    """
    text, arguments = "", []
    for literal, name, _, _ in Formatter().parse(template):
        text += literal.replace("{", "(").replace("}", ")")
        if name:
            text += "{}"
            value = values.get(name, pl.col(name))
            if name in values or name in floats:
                value = value.cast(pl.Float64, strict=False).round_sig_figs(6) if name in floats else value
            arguments.append(value.cast(pl.String).fill_null("unknown"))
    return pl.format(text, *arguments) if arguments else pl.lit(text)
