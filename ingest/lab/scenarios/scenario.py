"""What a scenario is: quiet traffic of some streams, an attack put into it, and the truth of what was done.

Everything is a pure function of a seed, a start and parameters: no clock, no network. `gridwatch lab scenario` writes the
records of one as JSON lines or publishes them; `gridwatch evaluate` runs all of them through the detectors.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest.source import Record


@dataclass(frozen=True)
class Quiet:
    """Normal traffic of some streams.

    Args:
        name: how it is called.
        says: what it is traffic of.
        build: (rng, start in microseconds since 1970, seconds) -> records by time.
        assets: how many assets (meters, devices, vehicles, accounts, ...) it is the traffic of.
        site: what a site file would say of it, as a mapping of its keys.
    """

    name: str
    says: str
    build: Callable[[random.Random, int, float], list[Record]]
    assets: int
    site: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Injected:
    """Traffic with an attack in it.

    Args:
        records: all of it, by time.
        start, end: when the attack went on, microseconds since 1970.
        entities: names of who did it and of what it was done to: alerts that name none of them are no find.
        attack: positions in `records` of those that the attack forged or changed; () where it only takes records away.
    """

    records: Sequence[Record]
    start: int
    end: int
    entities: frozenset[str]
    attack: tuple[int, ...] = ()


@dataclass(frozen=True)
class Scenario:
    """One way to carry out one threat.

    Args:
        name: how it is called, unique.
        threat: id of the threat in the profiles, e.g. SG-10.
        says: what is done, with the numbers.
        quiet: the traffic around it.
        seconds: length of the traffic.
        inject: (quiet records, rng, start in microseconds since 1970, parameters) -> the traffic with the attack.
        params: the attack's parameters, a frozen dataclass with units in the field names and defaults.
    """

    name: str
    threat: str
    says: str
    quiet: Quiet
    seconds: float
    inject: Callable[[list[Record], random.Random, int, Any], Injected]
    params: type

    def build(self, seed: int, start: int, params: Any = None) -> Injected:
        """The traffic of one seed.

        Args:
            seed: of everything random.
            start: microseconds since 1970.
            params: instead of the defaults.
        """
        quiet = self.quiet.build(random.Random(f"{seed} {self.quiet.name}"), start, self.seconds)
        rng = random.Random(f"{seed} {self.name}")
        return self.inject(quiet, rng, start, self.params() if params is None else params)


def an_hour(
    name: str, threat: str, says: str, inject: Callable[..., Injected], params: type, around: Quiet
) -> Scenario:
    """A scenario within an hour of traffic; the arguments are those of `Scenario`."""
    return Scenario(name, threat, says, around, 3600.0, inject, params)


def merged(quiet: Sequence[Record], forged: Sequence[Record]) -> tuple[list[Record], tuple[int, ...]]:
    """Records by time, and the positions of the forged ones; at the same time the quiet ones come first."""
    both = [(record.fields["time"], False, record) for record in quiet]
    both += [(record.fields["time"], True, record) for record in forged]
    both.sort(key=lambda item: item[:2])
    return [record for _, _, record in both], tuple(i for i, (_, was_forged, _) in enumerate(both) if was_forged)
