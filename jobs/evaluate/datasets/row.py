"""One measured figure of a data set."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One figure.

    Args:
        dataset: folder of the data set.
        what: file and attack.
        figure: recall, precision, F1, alerts, ...
        value: measured.
        wanted: what is wanted or what others published, in words.
        holds: whether the wanted figure is reached; None where none is wanted.
    """

    dataset: str
    what: str
    figure: str
    value: float
    wanted: str
    holds: bool | None = None


Measure = Callable[[Path], Iterator[Row]]


def precision_recall(flagged: set[int], attack: set[int]) -> tuple[float, float, float]:
    """Precision, recall and F1 of what was flagged; 0 where there is nothing to divide by."""
    hit = len(flagged & attack)
    precision = hit / len(flagged) if flagged else 0.0
    recall = hit / len(attack) if attack else 0.0
    return precision, recall, 2 * precision * recall / (precision + recall) if hit else 0.0
