"""The one command, `gridwatch`."""

from jobs.command.root import main

__all__ = ["main"]
