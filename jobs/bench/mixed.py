"""Traffic of a whole domain: the lab's quiet traffic of every record type that it has, in equal shares, at several localities."""

import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.scenarios import QUIET
from ingest.lab.scenarios.scenario import Quiet
from ingest.source import Record
from jobs.learn import merged
from schemas.types import Domain, Scalar

#: Copies of the traffic, each at localities of its own, so that every bucket has work.
COPIES: Final = 8
#: Seconds of quiet traffic that are tried first, and at most.
FIRST_S, MOST_S = 60.0, 30 * 86_400.0


@dataclass(frozen=True)
class Mix:
    """Traffic of a domain.

    Attributes:
        records: in the order in which they are published.
        site: the facts that go with it.
    """

    records: list[Record]
    site: Mapping[str, Any]


def mix(domain: Domain, records: int, seed: int) -> Mix:
    """About `records` records of a domain that end now.

    Args:
        domain: of the traffic.
        records: how many, over all copies and kinds.
        seed: of everything that is drawn.
    """
    kinds = _kinds(domain, seed)
    site: dict[str, Any] = {"name": "bench"}
    parts = []
    for kind in kinds:
        site = merged(site, kind.site)
        parts.append(_of(kind, records // len(kinds) // COPIES, seed))
    return Mix([record for rows in _in_turn(parts) for record in rows], site)


def _kinds(domain: Domain, seed: int) -> list[Quiet]:
    """The kinds of traffic of the domain, of several with the same record types the first."""
    chosen, covered = [], set[str]()
    for kind in QUIET:
        types = {r.schema for r in kind.build(random.Random(f"{seed} {kind.name}"), 0, FIRST_S * 10)}
        names = {schema.name for schema in types if schema.domain is domain}
        if names - covered:
            chosen.append(kind)
            covered |= names
    return chosen


def _of(kind: Quiet, records: int, seed: int) -> list[Record]:
    """So many records of a kind, ending now."""
    seconds = FIRST_S
    while True:
        start = time.time_ns() // 1000 - round(seconds * 1e6)
        found = kind.build(random.Random(f"{seed} {kind.name}"), start, seconds)
        if len(found) >= records or seconds >= MOST_S:
            return found[:records]
        seconds = min(MOST_S, seconds * max(2.0, 1.2 * records / max(len(found), 1)))


def _in_turn(parts: list[list[Record]]) -> Iterator[Iterator[Record]]:
    for at in range(max(map(len, parts), default=0)):
        yield (_copy(part[at], copy) for part in parts if at < len(part) for copy in range(COPIES))


def _copy(record: Record, number: int) -> Record:
    if not number:
        return record
    locality = record.schema.locality
    if record.schema[locality].type is not Scalar.STRING:
        return record
    return Record(record.schema, {**record.fields, locality: f"{record.fields[locality]}~{number}"})
