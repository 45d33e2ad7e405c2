"""Faults: what the user is told, in one line, when something is wrong.

A fault says what is wrong, where, and what to do about it; the command prints it and exits with its code.
"""

import difflib
from collections.abc import Iterable


def meant(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """What a misspelt name was probably meant to be, as a remedy; `otherwise` where none is near."""
    near = difflib.get_close_matches(name, list(known), 1)
    return f"did you mean {near[0]}?" if near else otherwise


class Fault(Exception):
    """Something that stops the program and that its user can act on.

    Args:
        what: what is wrong.
        where: the file, key, address or topic concerned.
        remedy: what to do about it.
    """

    exit_code: int = 1

    def __init__(self, what: str, where: str, remedy: str) -> None:
        super().__init__(what, where, remedy)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        return " ".join(f"{self.what} ({self.where}): {self.remedy}".split())


class UsageFault(Fault):
    """The command was called wrongly."""

    exit_code = 2


class ConfigFault(Fault):
    """A setting, site file or environment variable is wrong or missing."""

    exit_code = 3


class RunFault(Fault):
    """The world is not as needed: a server is absent, a file is damaged, a disk is full."""

    exit_code = 4
