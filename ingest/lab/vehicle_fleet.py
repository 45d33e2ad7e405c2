"""What the scenarios of a vehicle fleet's back-ends share."""

from typing import Final

from ingest.lab.scenarios.scenario import Injected, merged
from ingest.source import Record
from schemas.records import FLEET_REQUEST, OTA_EVENT
from schemas.types import Schema

HOUR_S, DAY_S = 3600.0, 86_400.0
#: Vehicles of the fleet.
VEHICLES: Final = 120
BACKEND: Final = {OTA_EVENT: "ota-1", FLEET_REQUEST: "fleet-1"}


def record(schema: Schema, start: int, at: float, **fields: object) -> Record:
    """A record `at` seconds after the start."""
    if schema in BACKEND:
        fields["backend"] = BACKEND[schema]
    return Record(schema, {"time": start + round(at * 1e6), **fields})


def by_time(records: list[Record], end: int) -> list[Record]:
    """Records before the end, microseconds since 1970, by time."""
    return sorted((r for r in records if r.fields["time"] < end), key=lambda r: r.fields["time"])


def injected(
    records: list[Record], forged: list[Record], start: int, begin: float, end: float, *entities: str
) -> Injected:
    """Records with forged ones between them, and the truth; `begin` and `end` in seconds after the start."""
    both, attack = merged(records, forged)
    return Injected(both, start + round(begin * 1e6), start + round(end * 1e6), frozenset(entities), attack)
