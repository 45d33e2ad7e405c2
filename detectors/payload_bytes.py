"""What the bytes of periodic messages do over time, for many message identifiers at once.

Messages are 64-bit words (eight bytes, byte 0 lowest) in one array, sorted by identifier, then time; a *life* is a run of messages of
one identifier. Matrices of bytes have the shape (8, messages), those of the past (8, lives).
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from detectors.grouping import Bools, Ints

Words = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]
T = TypeVar("T", bound=np.generic)
#: A step of a byte that is never called a leap.
LEAST_LEAP = 16
#: Further than any count, so that lives laid on one line do not meet.
_APART = 2**32


@dataclass(frozen=True)
class Lives:
    """How messages belong to lives.

    Attributes:
        number: the life of each message, rising from 0.
        first: the first message of each life.
        last: the last message of each life.
        past: how many messages each life had before these.
    """

    number: Ints
    first: Ints
    last: Ints
    past: Ints

    @property
    def nth(self) -> Ints:
        """The how-many-th of its life each message is, from 1."""
        return self.past[self.number] + np.arange(len(self.number)) - self.first[self.number] + 1

    def before(self, values: npt.NDArray[T], past: npt.NDArray[T]) -> npt.NDArray[T]:
        """The value of the message before each in its life, `past` (one a life) for the first."""
        out = np.empty_like(values)
        out[..., 1:] = values[..., :-1]
        out[..., self.first] = past
        return out

    def total(self, counted: Bools, past: Ints) -> Ints:
        """How many messages of the life are counted, this one included, on top of `past`."""
        running = np.cumsum(counted, axis=-1)
        begun = np.where(self.first > 0, running[..., self.first - 1], 0)
        return running + (past - begun)[..., self.number]


def bytes_of(words: Words) -> Bytes:
    """The bytes of words, a row a byte."""
    return np.ascontiguousarray(words.astype("<u8", copy=False).view(np.uint8).reshape(-1, 8).T)


@dataclass(frozen=True)
class Runs:
    """Runs without a change, a row a byte.

    Attributes:
        length: messages since the byte last changed.
        longest: longest run that a change ended so far.
        inner: the same of runs of a value inside the byte's range.
        changes: how many changes so far.
        changed_at: message that changed it last; -1 where that was before these messages.
    """

    length: Ints
    longest: Ints
    inner: Ints
    changes: Ints
    changed_at: Ints


def runs_of(
    changed: Bools, inside: Bools, lives: Lives, length: Ints, longest: Ints, inner: Ints, changes: Ints
) -> Runs:
    """Runs of each byte; `length`, `longest`, `inner` and `changes` are those of the past (a length of -1 for a life that begins).

    `inside` says whether the value before each message was inside the byte's range.
    """
    at = np.arange(changed.shape[1])
    changed_at = np.maximum.accumulate(np.where(changed, at, -1), axis=1)
    begun = lives.first[lives.number]
    earlier = changed_at < begun
    run = np.where(earlier, length[:, lives.number] + (at - begun + 1), at - changed_at)
    ended = np.where(changed, lives.before(run, length), 0)
    every, within = _highest(ended, lives, longest), _highest(np.where(inside, ended, 0), lives, inner)
    return Runs(run, every, within, lives.total(changed, changes), np.where(earlier, -1, changed_at))


def _highest(values: Ints, lives: Lives, past: Ints) -> Ints:
    """The largest value of the life so far, `past` included; values of 0 and more."""
    line = lives.number * _APART
    until = values + line
    until[:, lives.first] = np.maximum(values[:, lives.first], past) + line[lives.first]
    return np.maximum.accumulate(until, axis=1) - line


def range_of(words: Bytes, lives: Lives, low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """The smallest and the largest value of each byte so far, this one included; `low` and `high` are those of the past."""
    values = words.astype(np.int64)
    return 255 - _highest(255 - values, lives, 255 - low), _highest(values, lives, high)


def leaps(words: Bytes, before: Bytes, lives: Lives, widest: Ints) -> tuple[Bools, Ints]:
    """Which bytes take a step more than twice as wide as any before, and the widest step so far; steps go round at 256.

    `widest` is that of the past.
    """
    step = np.abs((words - before).view(np.int8).astype(np.int16)).astype(np.int64)
    until = _highest(step, lives, widest)
    return step > np.maximum(2 * lives.before(until, widest), LEAST_LEAP), until


def counting(words: Bytes, before: Bytes) -> Bools:
    """Which nibbles count on by one, or begin again at zero or one: low nibbles of the eight bytes, then high ones."""
    nibbles = np.concatenate((words & 15, words >> 4))
    step = (nibbles - np.concatenate((before & 15, before >> 4))) & 15
    counts: Bools = (step == 1) | ((nibbles <= 1) & (step != 0))
    return counts


def third_within(events: Bools, measure: Ints, span: int, lives: Lives, past: Ints) -> tuple[Bools, Ints]:
    """Which events are at least the third of their life within `span`.

    Args:
        events: True for a message that is one.
        measure: number or time of each message, rising within a life.
        span: first to third.
        lives: of the messages.
        past: measures of the last two events of each life, (2, lives), the older one first; far below any measure without one.

    Returns:
        Those events, and the measures of the last two of each life.
    """
    at = np.flatnonzero(events)
    lives_with = np.arange(len(lives.first))
    # The two events of the past stand before each life's own.
    number = np.concatenate((lives_with, lives_with, lives.number[at]))
    line = np.concatenate((past[0], past[1], measure[at]))
    where = np.concatenate((np.full(2 * len(lives_with), -1), at))
    order = np.argsort(number, kind="stable")
    line, where = line[order], where[order]
    third = np.zeros(len(events), dtype=np.bool_)
    own = where >= 0
    third[where[own]] = (line - np.concatenate((line[:2], line[:-2])) <= span)[own]
    ends = np.cumsum(np.bincount(number, minlength=len(lives_with))) - 1
    return third, np.stack((line[ends - 1], line[ends])) if len(ends) else past
