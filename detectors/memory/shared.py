"""Shared: a derived value as a column of its own, worked out once for all that read it."""

from dataclasses import dataclass

from detectors.memory.base import Beside, Derived, Value


@dataclass(frozen=True)
class Shared(Beside):
    """The value beside each record. For what is costly and read by several: a derived value is else worked out by each reader.

    It keeps nothing. What reads it names it among its `memories`.
    """

    value: Derived

    @property
    def column(self) -> str:
        return self.value.name

    @property
    def looks_at(self) -> tuple[Value, ...]:
        return (self.value,)
