"""Exponential back-off with jitter, so that many clients of a restarted server do not come back at once."""

import random


class Backoff:
    """Waits before the next attempt: doubled from `first_s` up to `limit_s`, each drawn from the upper half of it.

    Args:
        first_s: longest first wait, seconds.
        limit_s: longest wait of all, seconds.
        seed: of the jitter.
    """

    def __init__(self, first_s: float, limit_s: float, seed: str) -> None:
        self._first = min(first_s, limit_s)
        self._limit = limit_s
        self._next = self._first
        self._random = random.Random(seed)

    def wait_s(self) -> float:
        """How long to wait now; the next wait is up to twice as long."""
        longest = self._next
        self._next = min(longest * 2, self._limit)
        return longest * (0.5 + 0.5 * self._random.random())

    def reset(self) -> None:
        """An attempt succeeded: start over."""
        self._next = self._first
