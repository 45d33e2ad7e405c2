"""How long-running parts tell what they are doing."""

from collections.abc import Callable

#: Called with one short line of progress.
Say = Callable[[str], None]


def quiet(line: str) -> None:
    """Say nothing."""
