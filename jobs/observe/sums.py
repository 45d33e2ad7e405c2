"""Sums of a while, in memory: bounded, so that made-up names fill nothing. Pure: PostgreSQL is `jobs.observe.store`'s."""

from dataclasses import dataclass, field
from typing import Final

#: Different keys of a table in one minute at most; what is beyond counts under `OTHERS`.
MOST: Final = 20_000
OTHERS: Final = "(others)"
MINUTE_US: Final = 60_000_000
#: Longest name (characters).
MAX_NAME: Final = 200

Key = tuple[str, ...]


@dataclass
class Level:
    """Values of a minute."""

    low: float
    high: float
    last: float
    total: float
    records: int = 1

    def add(self, value: float) -> None:
        """One more value, the last so far."""
        self.low, self.high, self.last = min(self.low, value), max(self.high, value), value
        self.total += value
        self.records += 1


@dataclass
class Fix:
    """Where a station was last heard."""

    latitude: float
    longitude: float
    speed_ms: float | None
    heading_deg: float | None
    records: int


@dataclass
class Seen:
    """When an asset was heard of, microseconds since 1970."""

    first: int
    last: int
    records: int = 1


@dataclass
class Sums:
    """What was observed since the last time it was written.

    Attributes:
        talk: (minute, domain, site, protocol, client, server, action, class) -> records, failures.
        level: (minute, domain, site, kind, entity, measure) -> values.
        track: (minute, receiver, station) -> last position.
        seen: (domain, kind, site, entity) -> when.
    """

    talk: dict[tuple[int, Key], list[int]] = field(default_factory=dict)
    level: dict[tuple[int, Key], Level] = field(default_factory=dict)
    track: dict[tuple[int, Key], Fix] = field(default_factory=dict)
    seen: dict[Key, Seen] = field(default_factory=dict)

    def talked(
        self, at: int, domain: str, site: str, protocol: str, pair: tuple[str, str], what: tuple[str, str], failed: bool
    ) -> None:
        """One record between two parties.

        Args:
            at: its arrival, microseconds since 1970.
            domain, site, protocol: where.
            pair: who asked, and whom.
            what: action and its class.
            failed: whether it was refused.
        """
        key = (at // MINUTE_US, tuple(map(_name, (domain, site, protocol, *pair, *what))))
        found = self.talk.get(key)
        if found is None:
            if len(self.talk) >= MOST:
                key = (key[0], (domain, _name(site), protocol, OTHERS, OTHERS, OTHERS, "other"))
            found = self.talk.setdefault(key, [0, 0])
        found[0] += 1
        found[1] += failed

    def measured(self, at: int, domain: str, site: str, of: tuple[str, str], measure: str, value: float) -> None:
        """One value.

        Args:
            at: its arrival, microseconds since 1970.
            domain, site: where.
            of: kind and name of what it belongs to.
            measure: what is measured, with its unit.
            value: finite.
        """
        key = (at // MINUTE_US, tuple(map(_name, (domain, site, *of, measure))))
        found = self.level.get(key)
        if found is not None:
            found.add(value)
        elif len(self.level) < MOST:
            self.level[key] = Level(value, value, value, value)

    def located(self, at: int, receiver: str, station: str, fix: Fix) -> None:
        """One position of a station."""
        key = (at // MINUTE_US, (_name(receiver), _name(station)))
        found = self.track.get(key)
        if found is not None:
            fix.records += found.records
        if found is not None or len(self.track) < MOST:
            self.track[key] = fix

    def heard(self, at: int, domain: str, kind: str, site: str, entity: str) -> None:
        """An asset was heard of."""
        key = tuple(map(_name, (domain, kind, site, entity)))
        found = self.seen.get(key)
        if found is not None:
            found.last = max(found.last, at)
            found.records += 1
        elif len(self.seen) < MOST:
            self.seen[key] = Seen(at, at)

    def __len__(self) -> int:
        return len(self.talk) + len(self.level) + len(self.track) + len(self.seen)


def _name(text: str) -> str:
    # Names come from the wire: PostgreSQL's text has no NUL.
    return text[:MAX_NAME].replace("\0", "�")
